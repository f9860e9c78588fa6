"""mmsdk.cross_validate: every row answered by a model that never saw it; choices made inside."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from shop_data import application, rows, write_csv
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error

import mmsdk
from mmsdk.app.crossed import read_crossed
from mmsdk.cli.shell import run as typed
from mmsdk.config import write_yaml
from mmsdk.evaluate.out_of_fold import score_folds
from mmsdk.evaluate.repeated import resampled_t
from mmsdk.files import json_text
from mmsdk.quoted import quoted

QUICK = {"fusion": {"dim": 8, "members": 1}, "training": {"epochs": 4, "learning_rate": 0.02, "batch_size": 16}}


def small(shop, inputs=("text",), tasks=("kind",), **changed):
    whole = application(shop, **QUICK)
    return {
        **whole,
        "inputs": {name: whole["inputs"][name] for name in inputs},
        "tasks": {name: whole["tasks"][name] for name in tasks},
        **changed,
    }


@pytest.fixture(scope="module")
def crossed(shop, tmp_path_factory):
    """Two tasks, three folds, two repeats, groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        app = small(shop, ("text", "price"), ("kind", "grade"), split={"group": "line"})
        return mmsdk.cross_validate(app, folds=3, repeats=2, resamples=100, quiet=True)


def test_every_row_is_answered_once_a_repeat_and_groups_stay_whole(crossed):
    assert (crossed.fold >= 0).all()
    assert crossed.fold.shape == (2, 60)
    assert (crossed.fold[0] != crossed.fold[1]).any()
    for line in range(20):
        assert len(set(crossed.fold[0, 3 * line : 3 * line + 3])) == 1


def test_the_figures_are_those_of_the_answers(crossed):
    task = crossed.targets["kind"]
    scores = [balanced_accuracy_score(task.values, one.argmax(1)) for one in crossed.logits["kind"]]
    pooled = crossed.metrics["kind"]["pooled"]["balanced_accuracy"]
    assert pooled["value"] == pytest.approx(np.mean(scores))
    assert pooled["low"] <= pooled["value"] <= pooled["high"]
    grade = crossed.targets["grade"]
    by_fold = [
        mean_absolute_error(
            grade.values[held] * grade.task.scale, crossed.logits["grade"][repeat, held, 0] * grade.task.scale
        )
        for repeat in range(2)
        for held in (crossed.fold[repeat] == number for number in range(3))
    ]
    assert crossed.metrics["grade"]["folds"]["mae"]["values"] == pytest.approx(by_fold, rel=1e-4)
    assert crossed.metrics["grade"]["folds"]["mae"]["n"] == 6


def test_a_fold_that_teaches_a_task_nothing_is_named():
    rows = [
        {
            "seen": [float(row % 2), float(row)],
            "size": row if row < 10 else None,
            "kind": "ab"[row % 2],
            "who": row // 10,
        }
        for row in range(60)
    ]
    described = {
        "inputs": {"seen": {"column": "seen", "modality": "vector"}},
        "tasks": {
            "size": {"column": "size", "type": "regression"},
            "kind": {"column": "kind", "type": "classification"},
        },
        "split": {"group": "who"},
        **QUICK,
    }
    told = (
        r"^fold \d of 3, learning from the other rows: tasks\.size \(column 'size'\): the training rows hold 0 "
        r"numbers: regression needs at least two\. Label rows of more groups, take other folds or another seed"
    )
    with pytest.raises(mmsdk.DataError, match=told):
        mmsdk.cross_validate(described, rows, folds=3, quiet=True)
    nested = {"wide": {"fusion.dim": 16}, "narrow": {}}
    with pytest.raises(mmsdk.DataError, match=r"^inner fold \d of 2 of wide, learning from"):
        mmsdk.cross_validate(described, rows, folds=3, inner_folds=2, nested=nested, quiet=True)


def test_baselines_learn_in_the_same_folds_and_are_set_against_it_row_by_row(shop):
    app = small(shop, ("price",), ("kind", "grade"), split={"validation": 0})
    found = mmsdk.cross_validate(
        app, folds=3, repeats=2, resamples=50, overrides={"confidence.calibration": "none"}, quiet=True
    )
    grade, kind = found.metrics["grade"], found.metrics["kind"]
    assert list(kind["baselines"]) == list(kind["paired"]) == ["majority", "linear"]
    assert list(grade["baselines"]) == list(grade["paired"]) == ["mean", "median", "linear"]
    truth = found.targets["grade"].values * found.targets["grade"].task.scale
    for name, middle in (("mean", np.mean), ("median", np.median)):
        errors = [
            np.abs(truth[held] - middle(truth[~held])).sum()
            for repeat in range(2)
            for held in (found.fold[repeat] == number for number in range(3))
        ]
        assert grade["baselines"][name]["mae"]["value"] == pytest.approx(sum(errors) / 120, rel=1e-4)
    assert grade["baselines"]["linear"]["mae"]["value"] < 0.5 * grade["baselines"]["mean"]["mae"]["value"]
    for task, metric, sign in ((kind, "balanced_accuracy", 1), (grade, "mae", -1)):  # above zero: ahead
        for name, row in task["paired"].items():
            gap = task["pooled"][metric]["value"] - task["baselines"][name][metric]["value"]
            assert row[metric]["value"] == pytest.approx(sign * gap)
            assert row[metric]["low"] <= row[metric]["value"] <= row[metric]["high"]


def test_whole_groups_are_drawn_for_the_difference_too(crossed):
    ungrouped = score_folds(
        crossed.targets, crossed.fold, crossed.logits, None,
        baselines={("kind", "none"): np.zeros_like(crossed.logits["kind"])}, resamples=100, seed=0,
    )  # fmt: skip
    grouped = score_folds(
        crossed.targets, crossed.fold, crossed.logits, crossed.groups,
        baselines={("kind", "none"): np.zeros_like(crossed.logits["kind"])}, resamples=100, seed=0,
    )  # fmt: skip
    one, two = (found["kind"]["paired"]["none"]["balanced_accuracy"] for found in (ungrouped, grouped))
    assert one["value"] == two["value"]
    assert one["low"] != two["low"]
    assert grouped["kind"]["pooled"] == crossed.metrics["kind"]["pooled"]


def test_the_corrected_interval_is_that_of_the_paper():
    values = [0.8, 0.9, 0.7, 0.85, 0.75]
    found = resampled_t(values, held_out=1 / 4)
    spread = np.std(values, ddof=1)
    assert found["high"] - found["value"] == pytest.approx(stats.t.ppf(0.975, 4) * spread * np.sqrt(1 / 5 + 1 / 4))
    plain = stats.t.interval(0.95, 4, np.mean(values), spread / np.sqrt(5))
    assert found["high"] - found["low"] == pytest.approx(1.5 * (plain[1] - plain[0]))  # the root of 1 + 5/4


@pytest.mark.parametrize(
    ("values", "value", "count"),
    [
        ([0.5, float("nan")], 0.5, 1),
        ([0.909, float("nan"), 0.8, float("nan")], 0.8545, 2),  # of the only two folds in which it is defined
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0.0, 5),  # mcc of a model that always says the same
        ([0.1, 0.1, 0.1], 0.1, 3),  # whose mean, rounded, lies beside them
    ],
)
def test_folds_that_are_too_few_or_all_the_same_give_no_interval(values, value, count):
    found = resampled_t(values, held_out=0.25)
    assert found == {"value": pytest.approx(value), "low": None, "high": None, "n": count}
    assert quoted(found) == f"{value:.3f}"
    undefined = resampled_t([float("nan")], held_out=0.25)
    assert (np.isnan(undefined["value"]), undefined["low"], undefined["n"]) == (True, None, 0)


def test_no_interval_of_folds_leaves_the_range_of_its_metric(crossed):
    values = [1.0, 0.9, 0.8]
    assert resampled_t(values, held_out=0.5)["high"] > 1.1
    cut = resampled_t(values, held_out=0.5, within=(0.0, 1.0))
    assert (cut["value"], cut["high"]) == (pytest.approx(0.9), 1.0)
    assert cut["low"] == resampled_t(values, held_out=0.5)["low"]
    assert resampled_t([-1.0, -0.5, -0.9], held_out=1.0, within=(-1.0, 1.0))["low"] == -1.0
    wrong = resampled_t([1.5, 1.6, 1.7], held_out=1.0, within=(0.0, 1.0))  # of a plugin that says what is not so
    assert wrong["low"] <= wrong["value"] <= wrong["high"]
    ends = {
        "kind": {"mcc": (-1, 1), "log_loss": (0, np.inf), "brier": (0, 2)},
        "grade": {"mae": (0, np.inf), "rmse": (0, np.inf), "r2": (-np.inf, 1), "spearman": (-1, 1)},
    }
    for task, metrics in crossed.metrics.items():
        for metric, one in metrics["folds"].items():
            low, high = ends[task].get(metric, (0, 1))
            assert low <= one["low"] <= one["value"] <= one["high"] <= high, metric


def test_a_row_is_never_answered_by_a_model_that_saw_it(shop, tmp_path):
    """An input that only names the row: its own label cannot be known, so that any gain would be a leak."""
    table = [{**row, "kind": ["lamp", "vase"][number * 7919 % 13 % 2]} for number, row in enumerate(rows())]
    for row in table:
        row["title"] = f"item {row['sku']}"
    app = small(shop, data=str(write_csv(tmp_path / "named.csv", table)))
    app["inputs"] = {"text": {"column": "title", "modality": "text", "encoder": "ngrams"}}
    found = mmsdk.cross_validate(app, folds=3, resamples=50, quiet=True)
    assert found.metrics["kind"]["pooled"]["balanced_accuracy"]["value"] < 0.75
    assert found.metrics["kind"]["baselines"]["linear"]["balanced_accuracy"]["value"] < 0.75


def test_a_label_that_a_fold_never_saw_counts_as_wrong(shop, tmp_path):
    table = rows()
    table[0]["kind"] = "sofa"
    app = small(shop, data=str(write_csv(tmp_path / "rare.csv", table)))
    found = mmsdk.cross_validate(app, folds=3, resamples=20, quiet=True)
    assert found.targets["kind"].task.labels == ("lamp", "rug", "sofa", "vase")
    assert found.logits["kind"][0, 0].argmax() != 2
    assert found.metrics["kind"]["pooled"]["accuracy"]["n"] == 60


def test_test_rows_that_a_column_names_stay_out(shop):
    found = mmsdk.cross_validate(small(shop, split={"column": "part"}), folds=3, resamples=20, quiet=True)
    held = np.array([row["part"] == "test" for row in rows()])
    assert (found.fold[0][held] == -1).all()
    assert (found.fold[0][~held] >= 0).all()
    assert found.as_json()["rows"] == int((~held).sum())


def test_inner_folds_choose_and_equal_words_give_equal_answers(shop):
    nested = {"blind": {"training.learning_rate": 1e-7, "training.epochs": 1}, "learns": {"training.epochs": 6}}
    one, two = (
        mmsdk.cross_validate(small(shop), folds=2, inner_folds=2, nested=nested, resamples=20, quiet=True)
        for _ in range(2)
    )
    assert one.chosen == [["learns", "learns"]]
    assert (one.logits["kind"] == two.logits["kind"]).all()


def test_two_applications_are_compared_on_out_of_fold_answers(shop, crossed):
    price = small(shop, ("price",), ("kind", "grade"), split={"group": "line"})
    other = mmsdk.cross_validate(price, folds=3, repeats=2, resamples=20, quiet=True)
    found = mmsdk.compare(other, crossed, resamples=100)
    row = found["tasks"]["kind"]["metrics"]["balanced_accuracy"]
    assert row["b"] == pytest.approx(crossed.metrics["kind"]["pooled"]["balanced_accuracy"]["value"])
    assert found["rows"] == 60
    assert found["grouped_by"] == "split.group"
    assert found["tasks"]["kind"]["verdict"].startswith("B is better")
    with pytest.raises(mmsdk.DataError, match="compare two of a kind"):
        mmsdk.compare(crossed, "somewhere")


def test_a_saved_one_is_compared_as_it_was(crossed, shop, tmp_path):
    crossed.save(tmp_path / "b.json")
    again = read_crossed(tmp_path / "b.json")
    assert (again.ids, again.metrics, again.kinds) == (
        crossed.ids,
        json.loads(json_text(crossed.metrics)),
        crossed.kinds,
    )
    assert (again.fold == crossed.fold).all()
    assert (again.groups == crossed.groups).all()
    for name, target in crossed.targets.items():
        assert (again.logits[name] == crossed.logits[name]).all()
        assert again.logits[name].dtype == np.float32
        assert (again.targets[name].values == target.values).all()
        assert (again.targets[name].labelled == target.labelled).all()
        assert again.targets[name].task.state() == target.task.state()
    price = small(shop, ("price",), ("kind", "grade"))  # without groups, and of other folds
    other = mmsdk.cross_validate(price, folds=2, resamples=20, quiet=True)
    other.save(tmp_path / "a.json")
    found = mmsdk.compare(tmp_path / "a.json", str(tmp_path / "b.json"), resamples=50)
    assert (found.pop("a"), found.pop("b")) == (str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    direct = mmsdk.compare(other, crossed, resamples=50)
    assert found == {key: one for key, one in direct.items() if key not in "ab"}
    assert found["grouped_by"] == "split.group"


def altered(crossed, **values):
    """Return a cross-validation of which some fields are others."""
    return replace(crossed, **{"name": "B", **values})


def test_other_rows_or_labels_are_refused(crossed):
    ours = replace(crossed, name="A")
    fold = crossed.fold.copy()
    fold[:, [7, 9]] = -1
    told = r"tasks\.kind: 2 rows were scored by one of A \(60 rows\) and B \(58 rows\) alone, '007' the first of them"
    with pytest.raises(mmsdk.DataError, match=told):
        mmsdk.compare(ours, altered(crossed, fold=fold), resamples=5)
    for task in ("kind", "grade"):
        values = crossed.targets[task].values.copy()
        values[3] = values[3] + 1 if values[3] < 1 else 0
        targets = {**crossed.targets, task: replace(crossed.targets[task], values=values)}
        told = rf"tasks\.{task}: 1 of 60 rows have another label in A than in B, row '003' first; cross-validate both"
        with pytest.raises(mmsdk.DataError, match=told):
            mmsdk.compare(ours, altered(crossed, targets=targets), resamples=5)
    order = np.random.default_rng(0).permutation(60)
    mixed = altered(
        crossed,
        ids=tuple(crossed.ids[row] for row in order),
        fold=crossed.fold[:, order],
        logits={name: one[:, order] for name, one in crossed.logits.items()},
        targets={
            name: replace(one, values=one.values[order], labelled=one.labelled[order])
            for name, one in crossed.targets.items()
        },
    )
    assert mmsdk.compare(ours, mixed, resamples=5)["tasks"]["grade"]["verdict"].endswith("they answer alike")
    with pytest.raises(mmsdk.DataError, match="leave out the data"):
        mmsdk.compare(ours, mixed, rows())
    with pytest.raises(mmsdk.RunError, match="no task in common"):
        mmsdk.compare(ours, altered(crossed, targets={"kind": crossed.targets["grade"]}))


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"format": "mmsdk cross-validation 9"}', '{"format": "mmsdk cross-validation 1", "answers": {}}'],
)
def test_what_is_no_saved_one_is_said(tmp_path, text):
    (tmp_path / "cv.json").write_text(text, encoding="utf-8")
    with pytest.raises(mmsdk.RunError, match=r"cv\.json is no saved cross-validation.*mmsdk evaluate APP\.yaml --out"):
        mmsdk.compare(tmp_path / "cv.json", tmp_path / "cv.json")


@pytest.mark.parametrize(
    ("words", "changed", "message"),
    [
        ({"folds": 1}, {}, "2 folds or more"),
        ({"repeats": 0}, {}, "1 repeat or more"),
        ({"folds": 61}, {}, "cannot make 61 folds of 60 rows"),
        ({}, {"split": {"time": "added"}}, r"split\.time: folds would learn"),
        ({}, {"tasks": {}}, "needs a task to score"),
        ({"nested": {"x": {"split.seed": 3}}}, {}, r"variant 'x' sets split\.seed"),
    ],
)
def test_what_cannot_be_crossed_is_refused(shop, words, changed, message):
    with pytest.raises(mmsdk.MmsdkError, match=message):
        mmsdk.cross_validate(small(shop, **changed), quiet=True, **words)


def test_no_data_is_refused(shop):
    app = small(shop)
    app.pop("data")
    with pytest.raises(mmsdk.ConfigError, match="no data: name the table"):
        mmsdk.cross_validate(app, quiet=True)


def test_the_command(shop, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.yaml").write_text(write_yaml(small(shop, ("price",))), encoding="utf-8")
    (tmp_path / "variants.yaml").write_text("plain: {}\nlonger: {training.epochs: 5}\n", encoding="utf-8")
    words = ["evaluate", "app.yaml", "--folds", "2", "--variants", "variants.yaml", "--quiet"]
    assert typed(words) == 0
    said = capsys.readouterr()
    assert "60 rows, 2 folds, 1 repeat\n" in said.out
    assert "chosen:" in said.out
    assert re.search(r"  by the same folds:\n    majority  0\.\d{3} \[.*\n    linear    0\.\d{3} \[", said.out)
    assert re.search(r"  (ahead of|behind) the best baseline, (majority|linear), by 0\.\d{3} \[", said.out)
    assert said.err == ""
    assert typed(["evaluate", "app.yaml", str(shop / "items.csv"), "--folds", "2", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"]["kind"]["pooled"]["accuracy"]["n"] == 60
    table = str(shop / "items.csv")
    assert typed(["evaluate", "app.yaml", table, "--folds", "2", "--out", "a.json", "--quiet"]) == 0
    assert "by the same folds" in capsys.readouterr().out
    more = ["--set", "training.epochs=5", "--folds", "3"]
    assert typed(["evaluate", "app.yaml", table, *more, "--out", "b.json", "--json", "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert {key: written[key] for key in printed} == printed
    monkeypatch.setenv("COLUMNS", "60")
    assert typed(["compare", "a.json", "b.json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("A: a.json\nB: b.json\n\nkind: 60 rows\n")
    assert "mcnemar" in said
    assert typed(["compare", "a.json", "b.json", "--data", table]) == 2
    assert "leave out the data" in capsys.readouterr().err
    assert typed(["evaluate", "app.yaml", "--slice", "line"]) == 2
    assert "--slice is for a run, and app.yaml is an application file" in capsys.readouterr().err
    (tmp_path / "wrong.yaml").write_text("- 3\n", encoding="utf-8")
    assert typed(["evaluate", "app.yaml", "--variants", "wrong.yaml"]) == 2
    assert "expected variants" in capsys.readouterr().err


def test_options_of_crossing_are_no_options_of_a_run(tmp_path, capsys):
    assert typed(["evaluate", str(tmp_path), "--folds", "3"]) == 2
    assert "--folds is for an application file" in capsys.readouterr().err
    assert typed(["evaluate", str(tmp_path)]) == 2
    assert "name the table to score" in capsys.readouterr().err


def noisy(count=90):
    """Two vectors' worth of a kind that a quarter of the labels get wrong: a network is too sure of it."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, count)
    told = np.where(random.random(count) < 0.25, 1 - kinds, kinds)
    values = np.eye(2)[kinds] @ random.normal(size=(2, 24)) + random.normal(size=(count, 24))
    return [{"a": one.tolist(), "kind": f"k{label}"} for one, label in zip(values, told, strict=True)]


def test_answers_are_calibrated_inside_each_fold(tmp_path):
    app = {
        "inputs": {"a": {"column": "a", "modality": "vector"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "fusion": {"dim": 16, "members": 1},
        "training": {"epochs": 12, "patience": 12, "learning_rate": 0.05, "dropout": 0.0},
        "split": {"validation": 0},
        "confidence": {"folds": 2},
    }
    table = noisy()
    plain, calibrated = (
        mmsdk.cross_validate(
            app, table, folds=2, resamples=10, overrides={"confidence.calibration": how}, device="cpu", quiet=True
        )
        for how in ("none", "temperature")
    )
    assert (plain.calibrated, calibrated.calibrated) == (False, True)
    assert calibrated.as_json()["calibrated"] is True
    before, after = (one.metrics["kind"]["pooled"]["log_loss"]["value"] for one in (plain, calibrated))
    assert after < before - 0.1
    assert (plain.logits["kind"].argmax(2) == calibrated.logits["kind"].argmax(2)).all()
    for number in range(2):  # a temperature of its own for each fold
        held = calibrated.fold[0] == number
        ratio = np.ptp(calibrated.logits["kind"][0, held], axis=1) / np.ptp(plain.logits["kind"][0, held], axis=1)
        assert ratio == pytest.approx(np.full(held.sum(), ratio[0]), rel=1e-3)
        assert ratio[0] < 0.9
