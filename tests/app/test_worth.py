"""What inputs are worth before training: the figures of scikit-learn's ridge, the right advice, no test row read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

import mmsdk
from mmsdk.app.advice import advise
from mmsdk.cli.worth import _lines
from mmsdk.evaluate import Interval
from mmsdk.evaluate.worth import PENALTIES, asked_subsets, make_features, out_of_fold
from mmsdk.model import Target
from mmsdk.tasks import Classification, Multilabel, Regression

INPUTS = {name: {"column": name, "modality": "vector"} for name in ("tells", "again", "noise")}


def rows(count=300, seed=0, **changed):
    """`tells` and `again` say the mood, the one as the other does; `noise` says nothing."""
    random = np.random.default_rng(seed)
    found = []
    for row in range(count):
        mood = int(random.integers(2))
        said = np.eye(2)[mood] * 1.5 + random.normal(size=2) * 0.8
        found.append(
            {
                "tells": said.tolist(),
                "again": (said * 2 + 0.01 * random.normal(size=2)).tolist(),
                "noise": random.normal(size=3).tolist(),
                "mood": ("calm", "glad")[mood],
                "tags": "a|b" if mood else "b",
                "size": mood * 10 + random.normal(),
                "who": f"p{row // 5}",
                "part": ("train", "train", "train", "val", "test")[row % 5],
                **{name: cell(row) for name, cell in changed.items()},
            }
        )
    return found


def application(**changed):
    return {
        "inputs": INPUTS,
        "tasks": {"mood": {"column": "mood", "type": "classification"}},
        "split": {"column": "part"},
        **changed,
    }


def test_the_useful_input_is_kept_and_noise_left_out():
    inputs = {name: INPUTS[name] for name in ("tells", "noise")}
    found = mmsdk.worth(application(inputs=inputs), rows(800, seed=2), device="cpu", quiet=True)
    task = found.tasks["mood"]
    assert task.metric == "balanced_accuracy"
    assert task.rows == 640
    assert task.blind.value == 0.5
    assert task.alone["tells"].value > 0.85
    assert task.alone["noise"].low < 0.5 < task.alone["noise"].high + 0.05
    assert task.left_out["noise"] == task.alone["tells"]
    assert task.adds["tells"].low > 0.2
    assert task.adds["tells"].value == pytest.approx(task.together.value - task.left_out["tells"].value)
    assert ": keep it; it takes " in task.advice["tells"]
    assert ": leave it out" in task.advice["noise"]
    assert found.as_json()["tasks"]["mood"]["adds"]["tells"]["n"] == 640


def test_two_that_say_the_same_add_nothing_to_each_other():
    found = mmsdk.worth(application(), rows(), device="cpu", quiet=True).tasks["mood"]
    for name in ("tells", "again"):
        assert abs(found.adds[name].value) < 0.03
        assert found.alone[name].value > 0.8


@pytest.mark.parametrize(("count", "told"), [(16, "these rows cannot tell"), (400, "leave it out")])
def test_of_two_perfect_inputs_a_handful_of_rows_cannot_say_which_to_leave_out(count, told):
    table = [
        {"tells": [10.0 * (row % 2)], "again": [10.0 * (row % 2)], "mood": ("calm", "glad")[row % 2]}
        for row in range(count)
    ]
    inputs = {name: INPUTS[name] for name in ("tells", "again")}
    found = mmsdk.worth(application(inputs=inputs, split={}), table, device="cpu", quiet=True).tasks["mood"]
    reach = 1 - 0.05 ** (1 / found.rows)
    for name in inputs:
        assert found.together.value == found.left_out[name].value == 1.0
        assert found.adds[name].high == -found.adds[name].low == pytest.approx(reach, rel=0.02)  # classes a row apart
        assert f" points: {told}" in found.advice[name]
        assert " adds 0.0 ± " in found.advice[name]


def test_no_test_row_is_read():
    """Test labels that are all wrong change nothing."""
    table = rows()
    turned = [
        {**row, "mood": {"calm": "glad", "glad": "calm"}[row["mood"]] if row["part"] == "test" else row["mood"]}
        for row in table
    ]
    one, other = (mmsdk.worth(application(), data, device="cpu", quiet=True).tasks["mood"] for data in (table, turned))
    assert (one.together, one.alone, one.left_out) == (other.together, other.alone, other.left_out)


def test_every_task_is_judged_by_its_own_metric():
    tasks = {
        "mood": {"column": "mood", "type": "classification"},
        "tags": {"column": "tags", "type": "multilabel"},
        "size": {"column": "size", "type": "regression"},
    }
    found = mmsdk.worth(application(tasks=tasks), rows(), device="cpu", quiet=True).tasks
    assert {name: one.metric for name, one in found.items()} == {
        "mood": "balanced_accuracy",
        "tags": "map",
        "size": "mae",
    }
    size = found["size"]
    assert size.alone["tells"].value < size.blind.value / 1.5  # an error
    assert size.adds["noise"].value < 1.0
    assert size.advice["tells"].startswith("tells lowers mae by ")


def test_groups_stay_together():
    """A vector that names the person is worth nothing for people who are new."""
    table = rows(who_vector=lambda row: np.random.default_rng(row // 5).normal(size=40).tolist())
    moods = np.random.default_rng(1).integers(2, size=60)
    table = [{**row, "mood": ("calm", "glad")[moods[place // 5]]} for place, row in enumerate(table)]
    inputs = {"who_vector": {"column": "who_vector", "modality": "vector"}}
    leaky = mmsdk.worth(application(inputs=inputs, split={}), table, device="cpu", quiet=True).tasks["mood"]
    clean = mmsdk.worth(application(inputs=inputs, split={"group": "who"}), table, device="cpu", quiet=True)
    assert leaky.together.value > 0.8
    assert clean.tasks["mood"].together.value < 0.7
    assert clean.grouped_by == "who"
    assert clean.tasks["mood"].left_out == clean.tasks["mood"].adds == {}


def test_by_time_each_fold_is_answered_by_the_rows_before_it():
    """Rows of the same month tell how it was; before it nobody knew."""
    random = np.random.default_rng(0)
    months, said = random.normal(size=14), random.normal(size=420)
    table = [
        {
            "tells": [said[day]],
            "month": np.eye(14)[day // 30].tolist(),
            "when": day,
            "size": said[day] + months[day // 30],
        }
        for day in random.permutation(420).tolist()
    ]
    described = {
        "inputs": {name: {"column": name, "modality": "vector"} for name in ("tells", "month")},
        "tasks": {"size": {"column": "size", "type": "regression"}},
        "split": {"test": 0, "validation": 0},
    }
    drawn = mmsdk.worth(described, table, quiet=True)
    timed = mmsdk.worth({**described, "split": {"time": "when", "test": 0, "validation": 0}}, table, quiet=True)
    assert drawn.tasks["size"].adds["month"].low > 0.3
    assert timed.tasks["size"].adds["month"].high < 0.05
    assert timed.tasks["size"].rows == 300  # of seven folds the first two teach
    assert (timed.folds, timed.ordered_by, drawn.ordered_by) == (5, "when", None)
    assert "300 rows of train and val, 5 folds, each answered by the rows before it (when)" in next(_lines(timed))


def test_folds_of_time_learn_from_the_past_alone():
    random = np.random.default_rng(0)
    wide, truth = random.normal(size=(140, 3)).astype(np.float32), random.normal(size=140).astype(np.float32)
    task = Regression()
    task.prepare([0.0, 1.0])
    folds = np.arange(140) // 20

    def answers(values):
        target = Target(task=task, values=values, labelled=np.ones(140, bool))
        return out_of_fold(target, {"a": wide}, np.arange(140), folds, [("a",)], forward=True)["a",][:, 0]

    found, other = answers(truth), answers(np.where(folds >= 4, 99, truth).astype(np.float32))
    assert not found[:40].any()
    assert np.array_equal(found[:100], other[:100])  # the fold that changes is answered as before, and those before it
    assert not np.allclose(found[100:], other[100:])
    fitted = {one: Ridge(alpha=one * 40).fit(wide[:40], truth[:40]).predict(wide[40:60]) for one in PENALTIES}
    assert any(np.allclose(found[40:60], one, atol=1e-3) for one in fitted.values())


def test_few_groups_make_fewer_folds_and_two_are_refused():
    def asked(groups):
        inputs = {"tells": INPUTS["tells"]}
        table = rows(100, who=lambda row: f"p{row % groups}")
        return mmsdk.worth(
            application(inputs=inputs, split={"group": "who", "test": 0, "validation": 0}), table, quiet=True
        )

    assert asked(4).folds == 4
    assert asked(4).tasks["mood"].together.value > 0.8
    assert asked(9).folds == 5
    with pytest.raises(mmsdk.DataError, match="are of 2 groups, too few to say anything of another: expected 3"):
        asked(2)


def test_out_of_fold_answers_are_those_of_ridge():
    random = np.random.default_rng(0)
    values = {name: random.normal(size=(200, size)).astype(np.float32) for name, size in (("a", 4), ("b", 3))}
    truth = (values["a"][:, 0] + 0.5 * values["b"][:, 0] + 0.3 * random.normal(size=200) > 0).astype(np.int64)
    present = {"a": np.ones(200, bool), "b": random.random(200) < 0.8}
    task = Classification()
    task.prepare([f"k{one}" for one in truth])
    target = Target(task=task, values=truth, labelled=np.ones(200, bool))
    place, folds = np.arange(200), np.arange(200) % 5
    features = make_features(values, present, place)
    assert features["b"].shape == (200, 4)  # one says what is missing
    assert np.allclose([np.square(one).sum(1).mean() for one in features.values()], 1.0, atol=1e-5)
    logits = out_of_fold(target, features, place, folds, asked_subsets(["a", "b"]))
    counts = np.bincount(truth)
    weights = 200 / (2 * counts[truth])
    for subset, found in logits.items():
        wide = np.hstack([features[name] for name in subset])
        test, inner = folds == 0, folds == 1
        errors = []
        for penalty in PENALTIES:
            model = ridge(wide, truth, weights, ~test & ~inner, penalty)
            errors.append((weights[inner, None] * (model.predict(wide[inner]) - np.eye(2)[truth[inner]]) ** 2).sum())
        best = ridge(wide, truth, weights, ~test, PENALTIES[int(np.argmin(errors))])
        assert np.allclose(found[test], best.predict(wide[test]), atol=1e-4), subset
    assert balanced_accuracy_score(truth, logits["a", "b"].argmax(1)) > 0.85


def ridge(wide, truth, weights, rows, penalty):
    model = Ridge(alpha=penalty * weights[rows].sum())
    return model.fit(wide[rows], np.eye(2)[truth[rows]], sample_weight=weights[rows])


def test_long_vectors_are_turned_onto_their_main_axes():
    random = np.random.default_rng(0)
    low = random.normal(size=(500, 20)).astype(np.float32)
    wide = low @ random.normal(size=(20, 900)).astype(np.float32)
    (features,) = make_features({"a": wide}, {"a": np.ones(500, bool)}, np.arange(500)).values()
    assert features.shape == (500, 384)
    assert np.linalg.matrix_rank(features, tol=1e-2) == 20


def test_costs_are_timed_past_the_cache(shop):
    from shop_data import application as of_shop

    app = of_shop(shop)
    app["inputs"] = {name: app["inputs"][name] for name in ("text", "price")}
    first = mmsdk.worth(app, device="cpu", quiet=True)
    again = mmsdk.worth(app, device="cpu", quiet=True)
    assert first.cost["text"].cached == 0
    assert again.cost["text"].cached == 60
    assert again.cost["text"].seconds > 0
    assert again.cost["text"].timed == 60
    assert {name: one.together for name, one in again.tasks.items()} == {
        name: one.together for name, one in first.tasks.items()
    }


def interval(value, half):
    return Interval(value=value, low=value - half, high=value + half, n=100)


@pytest.mark.parametrize(
    ("value", "half", "says"),
    [
        (0.003, 0.005, "photo adds 0.3 ± 0.5 points: leave it out and save 90 % of the time"),
        (0.05, 0.01, "photo adds 5.0 ± 1.0 points: keep it; it takes 90 % of the time"),
        (-0.03, 0.01, "photo adds -3.0 ± 1.0 points: leave it out and save 90 % of the time"),
        (0.01, 0.06, "photo adds 1.0 ± 6.0 points: these rows cannot tell; more labelled rows would"),
    ],
)
def test_the_advice(value, half, says):
    found = advise(
        {"photo": interval(value, half)},
        {"photo": 9.0, "text": 1.0, "price": None},
        interval(0.8, 0.1),
        Multilabel(),
        points=True,
    )
    assert found == {"photo": says}
    unknown = advise({"photo": interval(value, half)}, {"photo": None}, interval(0.8, 0.1), Multilabel(), points=True)
    assert "time" not in unknown["photo"]


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.002, 0.163, "photo adds 5.4 points [0.2, 16.3]: keep it"),
        (-0.002, 0.163, "photo adds 5.4 points [-0.2, 16.3]: these rows cannot tell; more labelled rows would"),
        (0.0004, 0.163, "photo adds 5.4 points [0.0, 16.3]: these rows cannot tell; more labelled rows would"),
        (0.001, 0.111, "photo adds 5.4 points [0.1, 11.1]: keep it"),  # 5.4 ± 5.5 would hold zero
        (-0.003, 0.114, "photo adds 5.4 ± 5.9 points: these rows cannot tell; more labelled rows would"),
    ],
)
def test_the_advice_follows_from_the_interval_that_is_printed(low, high, says):
    added = Interval(value=0.054, low=low, high=high, n=100)
    assert advise({"photo": added}, {"photo": None}, interval(0.8, 0.1), Multilabel(), points=True) == {"photo": says}


def test_a_lopsided_gain_on_an_error():
    added = Interval(value=0.5, low=0.01, high=2.0, n=100)
    found = advise({"a": added}, {"a": None}, interval(3.0, 0.2), Regression(), points=False)
    assert found == {"a": "a lowers mae by 0.5 [0.01, 2]: keep it"}


def test_the_advice_on_an_error():
    found = advise({"a": interval(0.5, 0.2)}, {"a": 1.0, "b": 999.0}, interval(3.0, 0.2), Regression(), points=False)
    assert found == {"a": "a lowers mae by 0.5 ± 0.2: keep it; it takes hardly any of the time"}


def test_the_advice_on_a_metric_of_a_plugin():
    correlation, error_rate = Regression(), Regression()
    correlation.metric, correlation.higher_is_better, error_rate.metric = "r2", True, "error_rate"
    words = ({"a": interval(0.05, 0.02)}, {"a": None}, interval(0.5, 0.2))
    assert advise(*words, correlation, points=False) == {"a": "a raises r2 by 0.05 ± 0.02: keep it"}
    assert advise(*words, error_rate, points=True) == {"a": "a lowers error_rate by 5.0 ± 2.0 points: keep it"}


def test_what_cannot_be_asked_is_said():
    with pytest.raises(mmsdk.ConfigError, match="has no task"):
        mmsdk.worth(application(tasks={}), rows(), quiet=True)
    with pytest.raises(mmsdk.ConfigError, match="no data"):
        mmsdk.worth(application(), quiet=True)
    with pytest.raises(mmsdk.DataError, match="8 labelled rows in train and val are too few"):
        mmsdk.worth(application(), rows(10), quiet=True)


def test_a_task_without_a_linear_model_is_passed_over(capsys):
    from mmsdk.app.worth import _tasks

    target = SimpleNamespace(task=object())
    samples = SimpleNamespace(split=np.array([]), table=None)
    embeddings = SimpleNamespace(vectors=dict)
    with pytest.raises(mmsdk.ConfigError, match="no task of this application has a linear model"):
        _tasks(mmsdk.config.load_application(application()), samples, embeddings, {"odd": target}, {}, quiet=False)
    assert "tasks.odd: its type has no linear model" in capsys.readouterr().err
