"""metrics.json: valid by its schema, baselines on the same rows, subsets that say which input is worth what."""

from __future__ import annotations

from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression

from mmsdk.config import TrainingConfig
from mmsdk.embed import Embeddings, EmbedStats
from mmsdk.evaluate import Scoring, input_subsets, judged_part, metrics_schema, score_tasks
from mmsdk.evaluate.baselines import linear_baselines
from mmsdk.fusion import GatedFusion
from mmsdk.model import Target, build_net, prepare_targets
from mmsdk.tasks import Classification, Multilabel, Regression
from mmsdk.train import fit_heads

N = 300
SETTINGS = TrainingConfig(
    epochs=20, batch_size=32, learning_rate=3e-3, dropout=0.1, label_smoothing=0.0, patience=20, match=0.0, amp=True
)


@pytest.fixture(scope="module")
def fitted():
    """Train on a table where `photo` tells all and `noise` nothing."""
    random = np.random.default_rng(0)
    kind = random.integers(0, 3, N)
    values = {
        "photo": (random.normal(size=(3, 10))[kind] * 1.5 + random.normal(size=(N, 10))).astype(np.float32),
        "noise": random.normal(size=(N, 6)).astype(np.float32),
    }
    embeddings = Embeddings(
        values=values, present={name: random.random(N) < 0.9 for name in values}, stats=EmbedStats(inputs={})
    )
    split = np.array(["train"] * 180 + ["val"] * 40 + ["test"] * 80, dtype=object)
    columns = {
        "kind": (Classification(), [f"k{one}" for one in kind]),
        "tags": (Multilabel(), ["a|b" if one == 0 else "b" if one == 1 else "c" for one in kind]),
        "price": (Regression(), [one * 10 + random.normal() for one in kind]),
        "late": (Regression(), [float(row) if row < 220 else None for row in range(N)]),
    }
    targets = {
        name: prepare_targets(task, cells, split, name=name, column=name)[0] for name, (task, cells) in columns.items()
    }
    tasks = {name: task for name, (task, _) in columns.items()}
    net = build_net(
        {"photo": 10, "noise": 6},
        tasks,
        GatedFusion,
        SimpleNamespace(dim=24, members=2, modality_dropout=0.2, options={}),
    )
    fit_heads(embeddings, targets, net, SETTINGS, split, quiet=True)
    return SimpleNamespace(net=net, targets=targets, embeddings=embeddings, split=split)


@pytest.fixture(scope="module")
def metrics(fitted):
    scoring = Scoring(resamples=60, resamples_beside=60)
    return score_tasks(fitted.net, fitted.targets, fitted.embeddings, fitted.split, scoring=scoring)


def test_the_schema_holds_and_bites(metrics):
    jsonschema.Draft202012Validator.check_schema(metrics_schema())
    jsonschema.validate(metrics, metrics_schema())
    for broken in (
        {"kind": {"tset": {}}},
        {"kind": {"test": {"accuracy": {"value": 1.0}}}},
        {"kind": {"test": {"f1": None}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, metrics_schema())


def test_every_value_lies_in_its_interval_and_says_its_rows(metrics):
    known = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "ece", "auc", "mcc"}
    assert known <= set(metrics["kind"]["test"])
    accuracy = metrics["kind"]["test"]["balanced_accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert accuracy["low"] < accuracy["high"]
    assert (accuracy["n"], metrics["kind"]["val"]["accuracy"]["n"]) == (80, 40)


def test_a_task_without_labelled_test_rows_is_judged_by_validation(fitted, metrics):
    assert judged_part(fitted.targets["late"], fitted.split) == "val"
    assert "test" not in metrics["late"]
    assert metrics["late"]["baselines"]["mean"]["mae"]["n"] == 40


def test_the_model_beats_the_blind_answer_and_the_noise(metrics):
    for task, metric, blind in (("kind", "balanced_accuracy", "majority"), ("tags", "map", "majority")):
        value = metrics[task]["test"][metric]["value"]
        baselines = metrics[task]["baselines"]
        assert value > baselines[blind][metric]["value"] + 0.2
        assert value > baselines["linear: noise"][metric]["value"] + 0.2
        ahead = metrics[task]["paired"]
        assert set(ahead) == set(baselines)
        assert ahead[blind][metric]["value"] == pytest.approx(value - baselines[blind][metric]["value"])
        assert ahead[blind][metric]["low"] > 0
    assert metrics["price"]["test"]["mae"]["value"] < metrics["price"]["baselines"]["mean"]["mae"]["value"] / 2
    saved = metrics["price"]["baselines"]["mean"]["mae"]["value"] - metrics["price"]["test"]["mae"]["value"]
    assert metrics["price"]["paired"]["mean"]["mae"]["value"] == pytest.approx(saved), "less of an error is ahead"
    assert metrics["price"]["baselines"]["mean"]["r2"]["value"] == pytest.approx(0.0, abs=0.05)


def test_a_number_is_also_set_against_the_median_which_a_skewed_one_makes_hard_to_beat(fitted):
    prices = np.exp(2 * np.random.default_rng(0).normal(size=N))
    target = prepare_targets(Regression(), list(prices), fitted.split, name="price", column="price")[0]
    scoring = Scoring(resamples=20, subsets=False)
    plain = SimpleNamespace(dim=8, members=1, modality_dropout=0.0, options={})
    net = build_net({"photo": 10, "noise": 6}, {"price": target.task}, GatedFusion, plain)
    found = score_tasks(net, {"price": target}, fitted.embeddings, fitted.split, scoring=scoring)["price"]["baselines"]
    dummy = DummyRegressor(strategy="median").fit(np.zeros((180, 1)), prices[:180])
    error = np.abs(dummy.predict(np.zeros((80, 1))) - prices[220:]).mean()
    assert found["median"]["mae"]["value"] == pytest.approx(error, rel=1e-5)
    assert found["median"]["mae"]["value"] < 0.9 * found["mean"]["mae"]["value"]


def test_every_subset_is_scored_and_names_the_useful_input(metrics):
    subsets = metrics["kind"]["subsets"]
    assert list(subsets) == ["photo", "noise", "photo+noise"]
    assert subsets["photo+noise"]["accuracy"] == metrics["kind"]["test"]["accuracy"]
    assert subsets["photo"]["balanced_accuracy"]["value"] > subsets["noise"]["balanced_accuracy"]["value"] + 0.2


def test_scoring_settings_act(fitted):
    def scored(**changed):
        scoring = Scoring(**{"resamples": 20, "baselines": False, "subsets": False} | changed)
        return score_tasks(
            fitted.net, {"kind": fitted.targets["kind"]}, fitted.embeddings, fitted.split, scoring=scoring
        )

    plain = scored()["kind"]
    assert set(plain["baselines"]) == {"majority"}
    assert "subsets" not in plain
    assert scored(resamples_beside=3)["kind"]["baselines"] != plain["baselines"]
    assert scored(resamples=3)["kind"]["test"] != plain["test"]
    assert "linear" in scored(baselines=True)["kind"]["baselines"]
    assert "photo" in scored(subsets=True)["kind"]["subsets"]
    assert scored(seed=1)["kind"]["test"] != plain["test"]
    assert scored(groups=np.arange(N) // 20)["kind"]["test"]["accuracy"] != plain["test"]["accuracy"]
    assert scored(groups=np.arange(N))["kind"]["test"]["accuracy"]["value"] == plain["test"]["accuracy"]["value"]


def test_the_linear_baseline_is_logistic_regression(fitted):
    target, split = fitted.targets["kind"], fitted.split
    rows = np.flatnonzero(split == "test")
    logits = linear_baselines(target, fitted.embeddings, split, rows)["linear: photo"]
    here = fitted.embeddings.present["photo"]
    values = fitted.embeddings.values["photo"]
    train = np.flatnonzero(split == "train")
    known = values[train[here[train]]]
    features = np.where(here[:, None], (values - known.mean(0)) / known.std(0), 0.0) / np.sqrt(10)
    model = LogisticRegression(C=3.0, class_weight="balanced", max_iter=1000)
    expected = model.fit(features[train], target.values[train]).predict(features[rows])
    assert (logits.argmax(1) == expected).mean() > 0.97


def test_the_linear_baseline_of_many_labels_says_nothing_aside():
    """scikit-learn warns where labels are more than half as many as rows; warnings are errors here."""
    random = np.random.default_rng(0)
    task = Classification()
    task.prepare([f"c{number % 40}" for number in range(60)])
    values = np.array([number % 40 for number in range(60)])
    embeddings = SimpleNamespace(
        vectors=lambda: {"a": random.normal(size=(60, 3)).astype(np.float32)}, present={"a": np.ones(60, bool)}
    )
    target = Target(task=task, values=values, labelled=np.ones(60, bool))
    logits = linear_baselines(target, embeddings, np.full(60, "train", object), np.arange(5))["linear"]
    assert logits.shape == (5, 40)


def test_absent_values_do_not_reach_the_baselines(fitted):
    target, rows = fitted.targets["price"], np.flatnonzero(fitted.split == "test")
    garbage = {
        name: np.where(fitted.embeddings.present[name][:, None], one, np.nan).astype(np.float32)
        for name, one in fitted.embeddings.values.items()
    }
    dirty = Embeddings(values=garbage, present=fitted.embeddings.present, stats=fitted.embeddings.stats)
    clean = linear_baselines(target, fitted.embeddings, fitted.split, rows)
    assert all(
        np.array_equal(one, clean[name]) for name, one in linear_baselines(target, dirty, fitted.split, rows).items()
    )


@pytest.mark.parametrize(("count", "subsets"), [(1, 1), (2, 3), (3, 7), (5, 31), (6, 63)])
def test_the_number_of_subsets(count, subsets):
    found = input_subsets([f"in{i}" for i in range(count)])
    assert len(found) == len(set(found)) == subsets


def test_no_rows_to_score(fitted):
    split = np.array(["train"] * N, dtype=object)
    assert score_tasks(fitted.net, fitted.targets, fitted.embeddings, split)["kind"] == {}
