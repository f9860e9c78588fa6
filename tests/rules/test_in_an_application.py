"""Rules in a whole application: in use, in the tables, in the figures, in training, saved and loaded."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pa_parquet
import pytest

import mmsdk
from mmsdk.app.fitting import open_pipeline, prepare_tasks
from mmsdk.app.refitting import again, gather_material
from mmsdk.cli.shell import run as typed
from mmsdk.config.rules import RuleConfig
from mmsdk.data import Policy
from mmsdk.rules.conditions import firing

ORDER = ["routine", "soon", "urgent"]


def rows(count=240, seed=0):
    """`note` says the urgency except for what low oxygen makes of it; `spo2` is no input."""
    random = np.random.default_rng(seed)
    found = []
    for row in range(count):
        said = int(random.integers(3))
        low = bool(random.random() < 0.25)
        found.append(
            {
                "id": f"r{row}",
                "note": (np.eye(3)[said] + 0.2 * random.normal(size=3)).tolist(),
                "spo2": "" if row % 17 == 0 else str(85 if low else 97),
                "urgency": "urgent" if low and row % 17 else ORDER[said],
                "unit": ("ward", "icu")[said == 2],
                "tags": "lamp|lighting" if said else "rug",
                "stay": str(said * 4),
            }
        )
    return found


def application(**changed):
    return {
        "id": "id",
        "inputs": {"note": {"column": "note", "modality": "vector"}},
        "tasks": {
            "urgency": {"column": "urgency", "type": "classification", "order": ORDER},
            "unit": {"column": "unit", "type": "classification"},
            "tags": {"column": "tags", "type": "multilabel"},
            "stay": {"column": "stay", "type": "regression"},
        },
        "rules": [{"name": "low oxygen", "when": "spo2 < 90", "task": "urgency", "at_least": "urgent"}],
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 20, "learning_rate": 0.01},
        "split": {"test": 0.3},
        "confidence": {"source": "validation"},
        **changed,
    }


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        return mmsdk.fit(application(), rows(), tmp_path_factory.mktemp("run") / "run", device="cpu", quiet=True)


def metrics_of(app):
    return json.loads((app.folder / "metrics.json").read_text())


def test_an_answer_says_which_rule_changed_it(fitted):
    note = [1.0, 0.0, 0.0]
    asked = [{"note": note, "spo2": "80"}, {"note": note, "spo2": "98"}, {"note": note}]
    low, well, unknown = fitted.predict(asked)
    assert (low.outputs["urgency"].value, low.outputs["urgency"].rules) == ("urgent", ("low oxygen",))
    assert low.outputs["urgency"].probabilities["routine"] == 0.0
    assert low.outputs["urgency"].confidence == 1.0
    assert low.outputs["unit"].rules == ()
    assert (well.outputs["urgency"].value, well.outputs["urgency"].rules) == ("routine", ())
    assert unknown.outputs["urgency"] == well.outputs["urgency"]  # a column the row lacks fires nothing
    again = mmsdk.load(fitted.folder, device="cpu", quiet=True)
    assert again.predict(asked) == [low, well, unknown]


def test_a_rule_that_text_leaves_open_is_named_on_stderr_beside_the_answer_and_in_the_table(fitted, tmp_path, capsys):
    note = [1.0, 0.0, 0.0]
    asked = [{"note": note, "spo2": cell} for cell in ("80", "n/a", "", "98")]
    told = "rules: 'low oxygen' could not be judged in 1 of 4 rows, and changes nothing there: spo2 is text that is no "
    loud = mmsdk.load(fitted.folder, device="cpu")
    answers = loud.predict(asked, audit=tmp_path / "audit.jsonl")
    assert f"{told}number ('n/a')" in capsys.readouterr().err
    assert [one.outputs["urgency"].unjudged for one in answers] == [(), ("low oxygen",), (), ()]
    assert [one.outputs["urgency"].rules for one in answers] == [("low oxygen",), (), (), ()]
    assert not any(one.outputs["unit"].unjudged for one in answers)  # the rule is not about it
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["answers"]["urgency"]["unjudged"] for line in lines] == [[], ["low oxygen"], [], []]
    assert loud.explain(asked[1], task="urgency", evidence=False).output["unjudged"] == ("low oxygen",)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    out = tmp_path / "answers.jsonl"
    assert typed(["predict", str(fitted.folder), str(tmp_path / "rows.jsonl"), "--out", str(out)]) == 0
    assert told in capsys.readouterr().err
    marks = [json.loads(line)["urgency_unjudged"] for line in out.read_text().splitlines()]
    assert marks == ["", "low oxygen", "", ""]


def test_evaluate_and_fit_count_the_rows_that_text_leaves_open(fitted, tmp_path, capsys):
    told = "rules: 'low oxygen' could not be judged in {} of {} rows"
    table = [{**row, "spo2": "88 to 90"} if row["spo2"] == "85" else row for row in rows()]
    low = sum(row["spo2"] == "88 to 90" for row in table)
    app = mmsdk.fit(application(), table, tmp_path / "run", device="cpu")
    assert capsys.readouterr().err.count(told.format(low, 240)) == 1  # not once a part
    counts = metrics_of(app)["urgency"]["rules"]
    assert 0 < counts["unjudged"]["low oxygen"] < low
    assert counts["fired"] == {"low oxygen": 0}
    page = (app.folder / "report.html").read_text()
    assert (
        f'<tr class="bad"><td>low oxygen</td><td>0</td><td>0</td><td>0</td><td>{counts["unjudged"]["low oxygen"]}'
        in page
    )
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    assert typed(["evaluate", str(fitted.folder), str(tmp_path / "rows.jsonl")]) == 0
    out, err = capsys.readouterr()
    scored = metrics_of(fitted)["urgency"]["rules"]["answers"]["scored"]
    assert told.format(counts["unjudged"]["low oxygen"], scored) in err
    assert f"text in the place of a number: low oxygen {counts['unjudged']['low oxygen']}" in " ".join(out.split())


@pytest.mark.parametrize(("oxygen", "named"), [("80", True), ("98", False)])
def test_the_terminal_names_the_rule_that_an_explained_answer_rests_on(fitted, tmp_path, capsys, oxygen, named):
    (tmp_path / "row.json").write_text(json.dumps({"note": [1.0, 0.0, 0.0], "spo2": oxygen}))
    assert typed(["explain", str(fitted.folder), "--row", str(tmp_path / "row.json"), "--task", "urgency"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"urgency: {'urgent' if named else 'routine'}, probability 0.")
    said = "A rule changed the answer to urgent: low oxygen. The probability and the shares are of what the model said"
    assert second == (f"{said} before it." if named else "")


def test_tables_say_it_too(fitted, tmp_path):
    held = pa_parquet.read_table(fitted.folder / "predictions.parquet").to_pylist()
    cells = {row["id"]: row["spo2"] for row in rows()}
    changed = [row for row in held if row["urgency_rules"]]
    assert changed
    assert all(row["urgency"] == "urgent" and cells[row["id"]] == "85" for row in changed)
    assert all(row["urgency"] == "urgent" for row in held if cells[row["id"]] == "85")
    assert "unit_rules" not in held[0]  # no rule speaks of it


def test_conditions_are_evaluated_once_however_many_tasks_they_bound(tmp_path, monkeypatch):
    rules = [
        {"name": "low oxygen", "when": "spo2 < 90", "task": "urgency", "at_least": "urgent"},
        {"name": "stays", "when": "spo2 < 90", "task": "stay", "at_least": 3, "at_most": 3},
    ]
    sure = {"source": "validation", "abstain": {"error": 0.1}}
    app = mmsdk.fit(application(rules=rules, confidence=sure), rows(), tmp_path / "run", device="cpu", quiet=True)
    asked = []
    monkeypatch.setattr("mmsdk.rules.book.firing", lambda *words: asked.append(words) or firing(*words))
    app.predict([{"note": [1.0, 0.0, 0.0], "spo2": "80"}], audit=tmp_path / "audit.jsonl")
    assert len(asked) == 1
    assert json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[-1])["fired"] == ["low oxygen", "stays"]


def test_figures_stand_with_and_without(fitted):
    found = metrics_of(fitted)["urgency"]["rules"]
    metric = "balanced_accuracy"
    assert found["without"][metric]["value"] == metrics_of(fitted)["urgency"]["test"][metric]["value"]
    assert found["with"][metric]["value"] > found["without"][metric]["value"] + 0.05
    assert found["gain"][metric]["low"] > 0
    assert found["with"]["log_loss"]["value"] < found["without"]["log_loss"]["value"]
    assert found["fired"]["low oxygen"] > found["changed"]["low oxygen"] > 0
    assert found["broken"] == {"low oxygen": 0}
    assert found["answers"] == {"scored": 72, "changed": found["changed"]["low oxygen"]}
    assert "rules" not in metrics_of(fitted)["unit"]
    page = (fitted.folder / "report.html").read_text()
    assert (
        f"<td>low oxygen</td><td>{found['fired']['low oxygen']}</td><td>{found['changed']['low oxygen']}</td>" in page
    )


def test_new_rows_are_scored_with_and_without_too(fitted, tmp_path, capsys, monkeypatch):
    written = metrics_of(fitted)["urgency"]["rules"]
    assert mmsdk.evaluate(fitted, rows())["urgency"]["rules"] == written
    low = {"when": "spo2 < 90", "task": "urgency", "at_least": "urgent"}
    with other_rules(fitted, [{**low, "name": "one"}, {**low, "name": "two"}]):
        twice = mmsdk.evaluate(fitted, rows())["urgency"]["rules"]
    assert twice["changed"] == {"one": twice["answers"]["changed"], "two": twice["answers"]["changed"]}
    bare = [{key: cell for key, cell in row.items() if key != "urgency"} for row in rows()]
    assert not any("rules" in one for one in mmsdk.evaluate(fitted, bare).values())
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    monkeypatch.setenv("COLUMNS", "60")
    assert typed(["evaluate", str(fitted.folder), str(tmp_path / "rows.jsonl"), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    changed, score = written["answers"]["changed"], written["with"]["balanced_accuracy"]["value"]
    said = " ".join(" ".join(lines).split())
    assert f"rules changed {changed} of 72 answers (low oxygen {changed}): balanced_accuracy" in said
    assert f"{score:.3f} [" in said.partition("without them, ")[2]
    assert max(map(len, lines)) <= 60


def test_every_key_of_a_rule_acts(fitted, tmp_path):
    """The same run, its rules another each time: only what a rule says can make the difference."""
    note = {"note": [1.0, 0.0, 0.0], "spo2": "98"}
    plain = fitted.predict([note])[0].outputs
    assert plain["urgency"].value == "routine"
    every = {
        "at_least": ({"task": "urgency", "at_least": "urgent"}, "urgency", "urgent"),
        "at_most": ({"task": "stay", "at_most": -5}, "stay", -5),
        "always": ({"task": "unit", "always": "icu"}, "unit", "icu"),
        "never": ({"task": "unit", "never": ["ward"]}, "unit", "icu"),
        "implies": ({"task": "tags", "implies": {"rug": "lamp"}}, "tags", ("lamp", "rug")),
        "parent": ({"task": "urgency", "parent": "unit", "implies": {"routine": "icu"}}, None, None),
        "forbid": ({"forbid": {"urgency": "routine", "unit": "ward"}}, None, None),
        "when": ({"when": "spo2 > 90", "task": "unit", "never": "ward"}, "unit", "icu"),
    }
    for key, (rule, task, value) in every.items():
        assert key in rule
        outputs = answers(fitted, [{"name": "mine", **rule}], note)
        if task is None:
            assert "mine" in outputs["unit"].rules + outputs["urgency"].rules, key
        else:
            assert outputs[task].value == (pytest.approx(value) if isinstance(value, int) else value), key
            assert outputs[task].rules == ("mine",), key
    both = {"note": [0.0, 1.0, 0.0], "spo2": "98"}
    assert fitted.predict([both])[0].outputs["tags"].value == ("lamp", "lighting")
    alone = answers(fitted, [{"name": "mine", "forbid": {"tags": ["lamp", "lighting"]}}], both)["tags"]
    assert (len(alone.value), alone.rules) == (1, ("mine",))
    other = answers(fitted, [{"when": "spo2 < 90", "task": "unit", "never": "ward"}], note)
    assert other["unit"] == plain["unit"]
    turned = {name: {**one, "order": ORDER[::-1]} if name == "urgency" else one for name, one in TASKS.items()}
    assert answers(fitted, [{"task": "urgency", "at_least": "urgent"}], note, turned)["urgency"] == plain["urgency"]
    assert answers(fitted, [{"task": "unit", "never": "ward"}], note)["unit"].rules == ("rule 1",)


TASKS = application()["tasks"]


def answers(app, rules, row, tasks=TASKS):
    """Return what an app would answer under other rules."""
    with other_rules(app, rules, tasks):
        return app.predict([row])[0].outputs


@contextlib.contextmanager
def other_rules(app, rules, tasks=TASKS):
    """Let an app have other rules for a while."""
    before = app.pipeline.application
    app.pipeline.application = mmsdk.config.load_application(application(rules=rules, tasks=tasks))
    try:
        app.pipeline.open_rules(app.tasks)
        yield
    finally:
        app.pipeline.application = before
        app.pipeline.open_rules(app.tasks)


def test_rules_teach(tmp_path):
    """Unlabelled rows with low oxygen say nothing but by the rule, which training.rules turns into a lesson."""
    random = np.random.default_rng(0)
    table = []
    for row in range(300):
        low = row % 3 == 0
        part = "train" if row < 200 else "test"
        vector = (np.array([3.0 * low, row % 2, 0.0]) + 0.2 * random.normal(size=3)).tolist()
        label = "" if low and part == "train" else "urgent" if low else ORDER[row % 2]
        table.append({"note": vector, "spo2": 85 if low else 97, "urgency": label, "part": part})
    table[1]["urgency"] = "urgent"  # the label is known
    base = application(
        tasks={"urgency": TASKS["urgency"]},
        split={"column": "part"},
        id=None,
        confidence={
            "calibration": "none",
            "folds": 2,
        },  # which knows labelled rows only, and would take the lesson back
    )
    shares = {}
    for weight in (0.0, 1.0):
        app = mmsdk.fit(
            {**base, "training": {"epochs": 15, "imbalance": "none", "rules": weight}},
            table,
            tmp_path / str(weight),
            device="cpu",
            quiet=True,
        )
        outputs = [one.outputs["urgency"] for one in app.predict([{"note": row["note"]} for row in table[200:]])]
        shares[weight] = np.mean(
            [one.value == "urgent" for one, row in zip(outputs, table[200:], strict=True) if row["spo2"] == 85]
        )
    assert shares[0.0] < 0.5
    assert shares[1.0] > 0.9
    with pytest.raises(mmsdk.ConfigError, match="nothing to teach"):
        mmsdk.fit({**base, "rules": [], "training": {"rules": 1.0}}, table, tmp_path / "none", quiet=True)


@pytest.mark.parametrize(
    ("rules", "error", "match"),
    [
        ([{"task": "urgncy", "never": "soon"}], mmsdk.ConfigError, "no task named 'urgncy'. Did you mean 'urgency'"),
        ([{"task": "urgency"}], mmsdk.ConfigError, "say one thing"),
        ([{"task": "urgency", "never": "soon", "forbid": {}}], mmsdk.ConfigError, "say one thing"),
        ([{"never": "soon"}], mmsdk.ConfigError, "needs `task`"),
        ([{"forbid": {"unit": "icu"}}], mmsdk.ConfigError, "one label at a time"),
        (
            [{"forbid": dict.fromkeys(("unit", "urgency", "tags"), "a")}],
            mmsdk.ConfigError,
            "two tasks, or labels of one",
        ),
        ([{"task": "unit", "parent": "urgency", "never": "icu"}], mmsdk.ConfigError, "`parent` without `implies`"),
        ([{"name": "a", "task": "unit", "never": "icu"}] * 2, mmsdk.ConfigError, "two rules are named 'a'"),
        ([{"task": "unit", "nver": "icu"}], mmsdk.ConfigError, r"rules.0: no key named 'nver'. Did you mean 'never'"),
        ([{"when": "spo < 9", "task": "unit", "never": "icu"}], mmsdk.ConfigError, "no column named 'spo'"),
        (
            [{"when": "spo2 < 90 and unit = 'icu'", "task": "unit", "always": "icu"}],
            mmsdk.ConfigError,
            "when: reads unit, which is the answer of task 'unit' that the rule is about",
        ),
        (
            [{"task": "unit", "never": "icu"}, {"when": "spo2 < 90", "task": "unit", "never": "ward"}],
            mmsdk.DataError,
            "'rule 2' contradicts 'rule 1'",
        ),
    ],
)
def test_wrong_rules_are_refused_by_fit(tmp_path, rules, error, match):
    with pytest.raises(error, match=match):
        mmsdk.fit(application(rules=rules), rows_few(), tmp_path / "run", device="cpu", quiet=True)
    assert not (tmp_path / "run").exists()


def rows_few():
    return rows(60)


def test_the_interval_of_a_number_stays_where_it_was_but_for_what_a_rule_rules_out(fitted):
    note = {"note": [0.0, 1.0, 0.0], "spo2": "97"}

    def number(*rules):
        return answered(fitted, rules, note)

    plain = number()
    (low, high), middle = plain.prediction_set, plain.value
    half = (high - low) / 2
    for key, bound, expected in (
        ("at_least", middle + half / 2, (middle + half / 2, high)),
        ("at_least", high + 1, (high + 1, high + 1)),
        ("at_most", middle - half / 2, (low, middle - half / 2)),
        ("at_least", middle - half / 2, (middle - half / 2, high)),  # the answer stays, what is ruled out goes
        ("at_most", high + 1, (low, high)),
    ):
        found = number({"task": "stay", key: bound})
        assert found.value == pytest.approx(bound if found.rules else middle)
        assert found.prediction_set == pytest.approx(expected)


def answered(app, rules, row):
    pipeline, before = app.pipeline, app.pipeline.application
    try:
        entries = [RuleConfig(**one) for one in rules]
        pipeline.application = before.model_copy(update={"rules": entries})
        pipeline.open_rules(app.tasks)
        return app.predict([row])[0].outputs["stay"]
    finally:
        pipeline.application = before
        pipeline.open_rules(app.tasks)


def rare(count=60):
    """One row alone has the label `soon`: the fold that holds it out trains without."""
    table = [{**row, "urgency": "routine" if row["urgency"] == "soon" else row["urgency"]} for row in rows(count)]
    table[7]["urgency"] = "soon"
    return table


RARE = {
    "tasks": {"urgency": application()["tasks"]["urgency"]},
    "rules": [
        {"name": "low oxygen", "when": "spo2 < 90", "task": "urgency", "at_least": "urgent"},
        {"name": "not soon", "when": "spo2 > 96", "task": "urgency", "never": "soon"},
    ],
    "training": {"epochs": 2, "rules": 1.0},
    "confidence": {"source": "validation"},
}


def test_rules_teach_in_folds_that_lack_a_label_they_name(tmp_path):
    found = mmsdk.cross_validate(application(**RARE), rare(), folds=3, resamples=10, device="cpu", quiet=True)
    assert found.targets["urgency"].task.labels == ("routine", "soon", "urgent")
    assert (found.fold[0] >= 0).all()
    studied = application(**RARE, evaluation={"label_noise": True, "learning_curve": True})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmsdk.app.studies.REPEATS", 1)
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        run = mmsdk.fit(studied, rare(), tmp_path / "run", device="cpu", on_bad_row="skip", quiet=True)
    figures = metrics_of(run)["urgency"]
    assert figures["label_noise"]["checked"] == 60
    assert len(figures["learning_curve"]["points"]) == 5


def test_a_fold_learns_what_is_allowed_of_the_labels_it_knows():
    resolved = mmsdk.config.load_application(application(**RARE))
    pipeline = open_pipeline(resolved, "cpu", Policy(), quiet=True)
    samples, _ = pipeline.read(rare(), partial=False)
    pipeline.columns = samples.table.names
    material = gather_material(pipeline, samples)
    whole = prepare_tasks(resolved, replace(samples, split=np.full(60, "", dtype=object)), Policy())[0]
    split = np.full(60, "train", dtype=object)
    split[7] = ""
    target = again(material, split, resolved, whole).targets["urgency"]
    assert target.task.labels == ("routine", "urgent")
    low = np.array([row["spo2"] == "85" for row in rare()])
    assert (target.allowed == np.where(low[:, None], [False, True], [True, True])).all()
    assert target.rule_weight == 1.0
    pipeline.close()


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ({"when": "spo < 9", "task": "urgency", "never": "soon"}, "no column named 'spo'"),
        ({"task": "urgency", "never": "sooon"}, "no label named 'sooon'"),
    ],
)
def test_cross_validation_refuses_wrong_rules(rule, match):
    with pytest.raises(mmsdk.ConfigError, match=match):
        mmsdk.cross_validate(application(**{**RARE, "training": {}, "rules": [rule]}), rare(), folds=3, quiet=True)


@pytest.mark.parametrize("abstain", [{"novelty": 0.01}, {"error": 0.001}])
def test_what_a_rule_leaves_no_choice_is_never_declined(tmp_path, abstain):
    rules = [
        {"name": "low oxygen", "when": "spo2 < 90", "task": "urgency", "at_least": "urgent"},
        {"name": "some oxygen", "when": "spo2 < 95", "task": "urgency", "at_least": "soon"},
        {"name": "stays", "when": "spo2 < 90", "task": "stay", "at_least": 3, "at_most": 3},
    ]
    app = mmsdk.fit(
        application(rules=rules, confidence={"source": "validation", "abstain": abstain}), rows(), tmp_path / "run",
        device="cpu", quiet=True,
    )  # fmt: skip
    far = {"note": [9.0, -9.0, 9.0]}  # unlike anything, and as urgent to the network as to the rule
    low, some, none = app.predict([{**far, "spo2": "80"}, {**far, "spo2": "93"}, {**far, "spo2": "99"}])
    told = low.outputs["urgency"]
    assert (told.value, told.abstained, "low oxygen" in told.rules) == ("urgent", False, True)
    if "novelty" in abstain:
        assert (low.outputs["stay"].value, low.outputs["stay"].abstained) == (3.0, False)
    for one in (some, none):  # a floor that leaves two labels is no answer
        assert (one.outputs["urgency"].value, one.outputs["urgency"].abstained) == (None, True)
