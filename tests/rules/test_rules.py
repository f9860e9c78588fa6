"""Rules: bounds, hierarchies and forbidden pairs on probabilities, and which rule changed what."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax

import mmsdk
from mmsdk.rules import open_rules
from mmsdk.tasks import Classification, Multilabel, Regression

ORDER = ["routine", "soon", "urgent"]
KEYS = ("name", "when", "task", "at_least", "at_most", "always", "never", "implies", "parent", "forbid")


def entry(**said):
    return SimpleNamespace(**{**dict.fromkeys(KEYS), **said})


def prepared(task, cells):
    task.prepare(cells)
    return task


TASKS = {
    "urgency": prepared(Classification(), ORDER),
    "unit": prepared(Classification(), ["adult", "children", "icu"]),
    "tags": prepared(Multilabel(), ["furniture|lamp|lighting|sofa"]),
    "stay": prepared(Regression(), [0.0, 10.0, 20.0]),
}


def book(*entries, columns=("spo2", "age")):
    return open_rules(entries, TASKS, {"urgency": ORDER}, columns)


def applied(rules, logits, rows=None):
    return rules.apply(logits, rules.fired(rows, len(next(iter(logits.values())))).met)


def table(**columns):
    return mmsdk.read_table(
        [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], root=None
    )


def test_a_floor_gives_its_mass_to_the_labels_above_in_proportion():
    logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])  # routine, soon, urgent
    rows = table(spo2=["85", "97"])
    ruled = applied(
        book(entry(name="low", when="spo2 < 90", task="urgency", at_least="soon")), {"urgency": logits}, rows
    )
    assert softmax(ruled.logits["urgency"], 1) == pytest.approx(np.array([[0, 2 / 3, 1 / 3], [0.1, 0.6, 0.3]]))
    assert softmax(ruled.logits["urgency"], 1)[0, 0] == 0.0
    assert [ruled.names("urgency", row) for row in (0, 1)] == [("low",), ()]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"at_least": "urgent"}, [0, 0, 1]),
        ({"at_most": "soon"}, [7 / 9, 2 / 9, 0]),
        ({"at_least": "soon", "at_most": "soon"}, [0, 1, 0]),
        ({"always": "soon"}, [0, 1, 0]),
        ({"always": ["soon", "urgent"]}, [0, 2 / 3, 1 / 3]),
        ({"never": ["routine", "soon"]}, [0, 0, 1]),
        ({"never": "soon"}, [7 / 8, 0, 1 / 8]),
    ],
)
def test_every_bound_of_labels(said, expected):
    ruled = applied(book(entry(task="urgency", **said)), {"urgency": np.log([[0.7, 0.2, 0.1]])})
    assert softmax(ruled.logits["urgency"], 1)[0] == pytest.approx(expected)
    assert ruled.names("urgency", 0) == (("rule 1",) if expected[0] == 0 else ())


def test_a_floor_holds_however_sure_the_network_is_of_what_it_forbids():
    logits = np.array([[4000.0, 0.0, -3000.0]])
    rows = table(spo2=["85"])
    for said, expected in (({"at_least": "urgent"}, [0, 0, 1]), ({"at_least": "soon"}, [0, 1, 0])):
        rule = entry(name="low", when="spo2 < 90", task="urgency", **said)
        assert softmax(applied(book(rule), {"urgency": logits}, rows).logits["urgency"], 1)[0].tolist() == expected


def test_an_infinite_cell_is_above_or_below_every_bound():
    rule = book(entry(name="low", when="spo2 < 90", task="urgency", at_least="urgent"))
    rows = table(spo2=[float("inf"), float("-inf"), 97.0, 80.0])
    assert rule.fired(rows, 4).met["low"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("when", ["spo2 < 90", "spo2 <= 90", "spo2 != 50", "not spo2 > 90", "spo2 in (1, 2)"])
def test_a_missing_value_never_fires(when):
    rule = book(entry(name="low", when=when, task="urgency", at_least="urgent"))
    for missing in (None, "", "  ", float("nan")):
        there = 1.0 if isinstance(missing, float) else "1"
        assert rule.fired(table(spo2=[missing, there]), 2).met["low"].tolist() == [False, True]
    assert not rule.fired(table(age=["1"]), 1).met["low"][0]  # a column that the rows in use do not have


def test_a_missing_value_fires_where_it_is_asked_for():
    rule = book(entry(name="unknown", when="spo2 is null", task="urgency", never="routine"))
    assert rule.fired(table(spo2=[None, "97"]), 2).met["unknown"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("when", "met", "unread"),
    [
        ("spo2 < 90", "r", "nc"),
        ("spo2 >= 90", "", "nc"),
        ("spo2 = 85", "r", "nc"),
        ("not spo2 >= 90", "r", "nc"),  # what cannot be read is no more below than above
        ("spo2 in (85, 86)", "r", "nc"),
        ("spo2 not in (85, 86)", "", "nc"),
        ("spo2 < 90 and age >= 18", "r", "n"),  # the child is none of it, whatever its reading
        ("spo2 < 90 or age < 18", "rc", "n"),
        ("spo2 != 85", "nc", ""),
        ("spo2 = '88%' or spo2 in ('n/a', 'x')", "nc", ""),
        ("spo2 is null", "e", ""),
    ],
)
def test_text_in_the_place_of_a_number_fires_nothing_and_leaves_the_rule_open(when, met, unread):
    rows = table(spo2=["85", "n/a", "88%", " "], age=["30", "30", "9", "30"])  # read, n/a, child, empty
    found = book(entry(name="low", when=when, task="urgency", at_least="urgent")).fired(rows, 4)
    named = np.array(list("rnce"))
    assert "".join(named[found.met["low"]]) == met
    assert "".join(named[found.unjudged("low")]) == unread
    assert set(found.unread) == ({("low", "spo2")} if unread else set())


def test_text_in_the_place_of_a_date_leaves_the_rule_open_too():
    rows = table(day=["2026年11月1日", "soon", "2026/3/1", " "])
    found = book(
        entry(name="new", when="day >= '2026-05-01'", task="urgency", at_least="urgent"), columns=("day",)
    ).fired(rows, 4)
    assert list(found.met["new"]) == [True, False, False, False]
    assert list(found.unjudged("new")) == [False, True, False, False]


def test_conditions_read_numbers_texts_and_dates():
    import datetime

    rows = table(spo2=[85, 97], age=["12", "40"], day=[datetime.date(2026, 1, 1), datetime.date(2027, 1, 1)])
    for when, met in (
        ("spo2 < 90 and age < 18", [True, False]),
        ("day >= '2026-06-01'", [False, True]),
        ("age = '40' or age = 12", [True, True]),
    ):
        rule = book(entry(name="r", when=when, task="unit", never="icu"), columns=("spo2", "age", "day"))
        assert rule.fired(rows, 2).met["r"].tolist() == met, when


def test_tags_are_forced_and_numbers_clipped():
    logits = {"tags": np.array([[-1.0, 2.0, -3.0, 0.5]]), "stay": np.array([[2.0]])}
    rules = book(
        entry(name="lit", task="tags", always=["lighting"], never="sofa"), entry(name="short", task="stay", at_most=12)
    )
    ruled = applied(rules, logits)
    (tags,), (stay,) = TASKS["tags"].outputs(ruled.logits["tags"]), TASKS["stay"].outputs(ruled.logits["stay"])
    assert tags.value == ("lamp", "lighting")
    assert tags.probabilities["lighting"] == 1.0
    assert tags.probabilities["sofa"] == 0.0
    assert stay.value == pytest.approx(12.0)
    assert (ruled.names("tags", 0), ruled.names("stay", 0)) == (("lit",), ("short",))


def test_a_child_raises_its_parents_and_a_closed_parent_lowers_it():
    tree = entry(name="tree", task="tags", implies={"lamp": "lighting", "lighting": ["furniture"]})
    logits = {"tags": np.array([[-2.0, 1.0, -1.0, -3.0]])}  # furniture, lamp, lighting, sofa
    ruled = applied(book(tree), logits)
    assert ruled.logits["tags"].tolist() == [[1.0, 1.0, 1.0, -3.0]]
    assert ruled.names("tags", 0) == ("tree",)
    closed = applied(book(tree, entry(name="none", task="tags", never="furniture")), logits)
    (answer,) = TASKS["tags"].outputs(closed.logits["tags"])
    assert answer.value == ()
    torn = book(tree, entry(name="a", task="tags", never="furniture"), entry(name="b", task="tags", always="lamp"))
    with pytest.raises(mmsdk.DataError, match="'tree' contradicts 'a', 'b'"):
        torn.check(torn.fired(table(age=["1"]), 1).met, ["x"])
    still = applied(book(tree), {"tags": np.array([[2.0, -1.0, -0.5, -3.0]])})
    assert still.names("tags", 0) == ()


def test_of_two_answers_that_may_not_stand_together_the_surer_stands():
    forbid = entry(name="apart", forbid={"urgency": ["routine"], "unit": "icu"})
    urgency, unit = np.log([[0.6, 0.3, 0.1]]), np.log([[0.1, 0.2, 0.7]])
    ruled = applied(book(forbid), {"urgency": urgency, "unit": unit})
    assert softmax(ruled.logits["urgency"], 1)[0] == pytest.approx([0, 0.75, 0.25])
    assert softmax(ruled.logits["unit"], 1)[0] == pytest.approx([0.1, 0.2, 0.7])
    assert (ruled.names("urgency", 0), ruled.names("unit", 0)) == (("apart",), ())
    other = applied(book(forbid), {"urgency": np.log([[0.9, 0.06, 0.04]]), "unit": unit})
    assert other.logits["unit"].argmax() == 1
    assert other.names("unit", 0) == ("apart",)


@pytest.mark.parametrize(
    ("before", "after", "blamed"),  # furniture, lamp, lighting, sofa
    [
        ([-1.0, 2.0, -3.0, 1.0], [-1.0, 2.0, -3.0, None], True),
        ([-1.0, 0.5, -3.0, 1.0], [-1.0, None, -3.0, 1.0], True),
        ([3.0, 0.5, 2.0, 1.0], [3.0, None, 2.0, None], True),  # one at most, not one fewer
        ([3.0, 2.0, -0.5, -0.1], [3.0, 2.0, -0.5, -0.1], False),  # what nobody answers excludes nothing
    ],
)
def test_of_labels_that_may_not_stand_together_the_likeliest_does(before, after, blamed):
    rules = book(entry(name="one", forbid={"tags": ["lamp", "sofa", "lighting"]}))
    ruled = applied(rules, {"tags": np.array([before])})
    (answer,) = TASKS["tags"].outputs(ruled.logits["tags"])
    for label, score in zip(TASKS["tags"].labels, after, strict=True):
        assert answer.probabilities[label] == pytest.approx(
            0.0 if score is None else 1 / (1 + np.exp(-score)), abs=1e-9
        )
    assert ruled.names("tags", 0) == (("one",) if blamed else ())


def test_a_label_stands_only_where_its_parents_may():
    tree = entry(name="tree", task="tags", implies={"lamp": "lighting"})
    rules = book(
        tree,
        entry(name="seat", when="age > 9", forbid={"tags": ["sofa", "lighting"]}),
        entry(name="room", forbid={"tags": ["lamp", "furniture"]}),
    )
    logits = {"tags": np.array([[0.5, 2.0, 1.0, 3.0]] * 2)}
    ruled = applied(rules, logits, table(age=[10, 9]))
    grown, child = TASKS["tags"].outputs(ruled.logits["tags"])
    assert grown.value == ("furniture", "sofa")  # no lighting, so no lamp, so nothing against furniture
    assert ruled.names("tags", 0) == ("seat",)
    assert child.value == ("lamp", "lighting", "sofa")
    assert ruled.names("tags", 1) == ("room",)
    unlikely = applied(
        book(tree, entry(forbid={"tags": ["sofa", "lighting"]})), {"tags": np.array([[-1.0, -0.5, 1, 3]])}
    )
    (answer,) = TASKS["tags"].outputs(unlikely.logits["tags"])
    assert answer.probabilities["lamp"] == 0.0  # nor is it likelier than its parent below one half


def test_labels_that_are_certain_give_way_to_none_and_fit_refuses_two_of_them():
    apart = entry(name="apart", forbid={"tags": ["lamp", "sofa"]})
    sure = entry(name="sure", when="age > 9", task="tags", always=["lamp", "sofa"])
    rows = table(age=[10, 9])
    ruled = applied(book(sure, apart), {"tags": np.array([[1.0, 1.0, -1.0, 2.0]] * 2)}, rows)
    assert [one.value for one in TASKS["tags"].outputs(ruled.logits["tags"])] == [
        ("furniture", "lamp", "sofa"),
        ("furniture", "sofa"),
    ]
    assert [ruled.names("tags", row) for row in (0, 1)] == [(), ("apart",)]
    tree = entry(name="tree", task="tags", implies={"lamp": "sofa"})
    one = entry(name="one", task="tags", always="lamp")
    for torn in (book(sure, apart), book(one, tree, apart)):
        with pytest.raises(mmsdk.DataError, match=r"'apart' contradicts '(sure|one', 'tree)': together .* 'tags'"):
            torn.check(torn.fired(rows, 2).met, ["x", "y"])
    fine = book(one, apart)
    fine.check(fine.fired(rows, 2).met, ["x", "y"])
    truth = np.array([[0, 1, 0, 1], [1, 1, 1, 0]])
    assert fine.rules[1].breaks(truth).tolist() == [True, False]


def test_where_the_other_cannot_give_way_the_surer_does():
    rules = book(
        entry(name="intensive", task="unit", always="icu"),
        entry(name="apart", forbid={"unit": "icu", "urgency": ["routine"]}),
    )
    ruled = applied(rules, {"urgency": np.log([[0.9, 0.06, 0.04]]), "unit": np.log([[0.4, 0.3, 0.3]])})
    assert ruled.logits["unit"].argmax() == 2
    assert ruled.logits["urgency"].argmax() == 1


def test_a_hierarchy_over_two_tasks_sets_the_answers_right():
    rules = book(entry(name="up", task="unit", parent="urgency", implies={"icu": "urgent"}))
    ruled = applied(rules, {"urgency": np.log([[0.5, 0.3, 0.2]]), "unit": np.log([[0.1, 0.1, 0.8]])})
    assert ruled.logits["urgency"].argmax() == 2
    assert ruled.logits["unit"].argmax() == 2


def test_blame_names_each_rule_that_mattered_and_no_other():
    logits = np.log([[0.5, 0.3, 0.2]])
    both = book(entry(name="a", task="urgency", never="routine"), entry(name="b", task="urgency", never="soon"))
    assert applied(both, {"urgency": logits}).names("urgency", 0) == ("a", "b")
    twice = book(entry(name="a", task="urgency", never="routine"), entry(name="b", task="urgency", at_least="soon"))
    assert applied(twice, {"urgency": logits}).names("urgency", 0) == ("a", "b")
    idle = book(entry(name="a", task="urgency", never="routine"), entry(name="b", task="urgency", never="urgent"))
    ruled = applied(idle, {"urgency": logits})
    assert ruled.names("urgency", 0) == ("a",)
    assert ruled.fired["b"].all()
    assert not ruled.changed("b").any()


def test_contradictions_are_refused_at_fit_and_the_earlier_holds_in_use():
    rules = book(
        entry(name="low", when="spo2 < 90", task="urgency", at_least="urgent"),
        entry(name="young", when="age < 18", task="urgency", at_most="soon"),
    )
    rows = table(spo2=["85", "85", "97"], age=["10", "40", "10"])
    with pytest.raises(mmsdk.DataError, match=r"'young' contradicts 'low'.*'urgency' no answer in 1 rows \(b1\)"):
        rules.check(rules.fired(rows, 3).met, ["b1", "b2", "b3"])
    rules.check(rules.fired(rows.take(np.array([1, 2])), 2).met, ["b2", "b3"])
    ruled = applied(rules, {"urgency": np.log([[0.6, 0.3, 0.1]] * 3)}, rows)
    assert ruled.logits["urgency"].argmax(1).tolist() == [2, 2, 0]
    assert ruled.names("urgency", 0) == ("low",)
    for kind, first, second in (("tags", "always", "never"), ("stay", "at_least", "at_most")):
        low, high = ("lamp", "lamp") if kind == "tags" else (15, 5)
        clash = book(entry(name="one", task=kind, **{first: low}), entry(name="two", task=kind, **{second: high}))
        with pytest.raises(mmsdk.DataError, match="'two' contradicts 'one'"):
            clash.check(clash.fired(table(age=["1"]), 1).met, ["x"])


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"task": "urgency", "at_least": "urgnt"}, "at_least: no label named 'urgnt'. Did you mean 'urgent'"),
        ({"task": "unit", "at_least": "icu"}, "give tasks.unit.order"),
        ({"task": "unit", "never": ["adult", "children", "icu"]}, "leaves no answer of 'unit'"),
        ({"task": "unit", "always": "ward"}, "no label named 'ward'"),
        ({"task": "unit", "never": "ward", "when": "spo2 <"}, "when: .*expected a number"),
        ({"task": "unit", "never": "icu", "when": "spo < 9"}, "when: no column named 'spo'. Did you mean 'spo2'"),
        ({"task": "unit", "never": "icu", "when": "id = 'a'"}, "no column named 'id'"),
        ({"task": "unit", "implies": {"icu": "adult"}}, "'unit' is none"),
        ({"task": "tags", "at_least": "lamp"}, "have no order"),
        ({"task": "tags", "always": "lamp", "never": "lamp"}, "always and never"),
        ({"task": "stay", "always": "long"}, "a number has no labels"),
        ({"task": "stay", "at_least": "long"}, "'long' is no number"),
        ({"task": "stay", "at_least": 5, "at_most": 4}, "at_least 5 is above at_most 4"),
        ({"forbid": {"tags": "lamp", "unit": "icu"}}, "'tags' is no classification task"),
        ({"forbid": {"unit": ["icu", "adult"]}}, "'unit' alone, which answers one label at a time"),
        ({"forbid": {"tags": "lamp"}}, "one label of 'tags' alone"),
        ({"forbid": {"tags": ["lamp", "lmp"]}}, "no label named 'lmp'. Did you mean 'lamp'"),
        ({"task": "unit", "parent": "unit", "implies": {"icu": "adult"}}, "twice"),
    ],
)
def test_what_is_wrong_with_a_rule_is_one_sentence(said, match):
    with pytest.raises(mmsdk.ConfigError, match=match) as caught:
        book(entry(name="mine", **said))
    assert str(caught.value).startswith("rules: mine: ")
    assert "\n" not in str(caught.value)


def test_an_order_must_hold_every_label_and_a_strange_task_has_no_bounds():
    with pytest.raises(mmsdk.ConfigError, match="order lacks the label 'urgent'"):
        open_rules([entry(task="urgency", at_least="soon")], TASKS, {"urgency": ORDER[:2]}, ())
    with pytest.raises(mmsdk.ConfigError, match="task 'odd' is of a plugin's type, and rules know the core's alone"):
        open_rules([entry(task="odd", never="x")], {"odd": object()}, {}, ())


def test_conditions_without_a_table_are_refused():
    with pytest.raises(mmsdk.RunError, match="give the table"):
        applied(book(entry(when="spo2 < 90", task="unit", never="icu")), {"unit": np.zeros((1, 3))})


def test_what_training_is_taught():
    rules = book(
        entry(name="low", when="spo2 < 90", task="urgency", at_least="urgent"),
        entry(task="tags", never="lamp", always="sofa"),
        entry(name="short", when="spo2 < 90", task="stay", at_most=5),
    )
    rows = table(spo2=["85", "97"])
    fired = rules.fired(rows, 2).met
    assert rules.bounds("urgency", fired).tolist() == [[False, False, True], [True, True, True]]
    assert rules.bounds("tags", fired).tolist() == [[0, -1, 0, 1]] * 2
    assert rules.bounds("unit", fired) is None
    low, high = (rules.bounds("stay", fired) * TASKS["stay"].scale + TASKS["stay"].mean).T
    assert low.tolist() == [-np.inf, -np.inf]
    assert high == pytest.approx([5, np.inf])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_hierarchies_of_several_rules_act_as_one_whatever_their_order(order):
    both = [
        entry(name="lamps", task="tags", implies={"lamp": "lighting"}),
        entry(name="lights", task="tags", implies={"lighting": "furniture"}),
    ]
    rules = book(*(both[place] for place in order))
    ruled = applied(rules, {"tags": np.array([[-3.0, 2.0, -1.0, -2.0], [-3.0, -2.0, 2.0, -2.0]])})
    assert (ruled.logits["tags"] >= 0).tolist() == [[True, True, True, False], [True, False, True, False]]
    assert set(ruled.names("tags", 0)) == {"lamps", "lights"}
    assert ruled.names("tags", 1) == ("lights",)


def test_hierarchies_that_only_together_contradict_a_bound_are_refused():
    rules = book(
        entry(name="a lamp", task="tags", always="lamp"),
        entry(name="no furniture", task="tags", never="furniture"),
        entry(name="lamps", task="tags", implies={"lamp": "lighting"}),
        entry(name="lights", when="age < 18", task="tags", implies={"lighting": "furniture"}),
    )
    rows = table(age=["40", "10"])
    with pytest.raises(mmsdk.DataError, match=r"'lights' contradicts 'a lamp', 'no furniture', 'lamps'.*1 rows \(y\)"):
        rules.check(rules.fired(rows.take(np.array([0, 1])), 2).met, ["x", "y"])
    rules.check(rules.fired(rows.take(np.array([0])), 1).met, ["x"])


def test_pairs_that_leave_no_answers_at_all_are_refused():
    rules = book(
        entry(name="ward", when="age < 18", task="unit", always="icu"),
        entry(name="not soon", forbid={"unit": "icu", "urgency": ["soon", "urgent"]}),
        entry(name="not routine", when="spo2 < 90", forbid={"unit": ["icu"], "urgency": "routine"}),
    )
    rows = table(age=["40", "10", "10"], spo2=["80", "95", "80"])
    with pytest.raises(mmsdk.DataError, match=r"'not routine' contradicts 'ward', 'not soon'.*1 rows \(z\)"):
        rules.check(rules.fired(rows, 3).met, ["x", "y", "z"])
    rules.check(rules.fired(rows.take(np.array([0, 1])), 2).met, ["x", "y"])
