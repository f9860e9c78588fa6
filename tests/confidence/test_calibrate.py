"""Calibrators against closed forms and scikit-learn, and the choice between them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.calibration import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss

from mmsdk.confidence.calibrate import METHODS, fit_calibrator, probabilities, row_loss
from mmsdk.confidence.choose import choose_method, cross_calibrated, fold_masks, standard_error

N, K = 2000, 4


@pytest.fixture(scope="module")
def honest():
    """Logits whose probabilities are true, and labels drawn from them."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(N, K)) * 1.5
    truth = (softmax(logits, axis=1).cumsum(1) < random.random((N, 1))).sum(1)
    return logits, truth


def test_the_temperature_is_found_and_is_that_of_the_lowest_loss(honest):
    logits, truth = honest
    found = fit_calibrator("temperature", "classes", 3.0 * logits, truth)
    assert found.arrays["temperature"][0] == pytest.approx(3.0, rel=0.08)
    loss = row_loss("classes", found(3.0 * logits), truth).mean()
    for other in (0.95, 1.05):
        assert row_loss("classes", 3.0 * logits / (found.arrays["temperature"] * other), truth).mean() > loss
    assert np.allclose(found(logits).argmax(1), logits.argmax(1))


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_rows_that_are_all_right_are_no_proof_that_none_is_ever_wrong(kind):
    """The loss has no minimum there: the coldest temperature that may be would make the first error cost 60 nats."""
    random = np.random.default_rng(0)
    logits = 3.0 + random.random((40, 3))
    if kind == "classes":
        truth = np.arange(40) % 3
        logits = np.eye(3)[truth] * logits
        wrong = (truth + 1) % 3
    else:
        truth = (random.random((40, 3)) < 0.5).astype(np.float64)
        logits = np.where(truth > 0.5, logits, -logits)
        wrong = 1 - truth
    for method in ("temperature", "vector"):
        found = fit_calibrator(method, kind, logits, truth)
        assert row_loss(kind, found(logits), truth).mean() < row_loss(kind, logits, truth).mean()  # surer, as it may
        assert row_loss(kind, found(logits), wrong).mean() < 8  # nats; e**-8 is one in three thousand
    heat = fit_calibrator("temperature", kind, logits, truth).arrays["temperature"][0]
    more = fit_calibrator("temperature", kind, np.tile(logits, (50, 1)), np.tile(truth, (50, *[1] * (truth.ndim - 1))))
    assert more.arrays["temperature"][0] < heat  # two thousand rows say more


def test_vector_scaling_finds_scales_and_shifts(honest):
    logits, truth = honest
    bent = logits * np.array([1.0, 2.0, 0.5, 1.0]) + np.array([0.0, 1.0, -1.0, 0.5])
    loss = {
        method: row_loss("classes", fit_calibrator(method, "classes", bent, truth)(bent), truth).mean()
        for method in METHODS
    }
    best = row_loss("classes", logits, truth).mean()
    assert loss["vector"] == pytest.approx(best, abs=0.01)
    assert loss["vector"] < loss["temperature"] - 0.05


def test_labels_by_vector_scaling_are_platts_logistic_regression():
    random = np.random.default_rng(1)
    logits = random.normal(size=(3000, 2)) * 2
    truth = (random.random((3000, 2)) < 1 / (1 + np.exp(-(0.5 * logits - 1)))).astype(np.float32)
    answers = fit_calibrator("vector", "labels", logits, truth)(logits)
    for column in range(2):
        model = LogisticRegression(C=1e6).fit(logits[:, [column]], truth[:, column])
        assert np.allclose(answers[:, column], model.decision_function(logits[:, [column]]), atol=0.05)


def test_isotonic_steps_are_those_of_scikit_learn():
    random = np.random.default_rng(2)
    logits = random.normal(size=(400, 1)) * 2
    truth = (random.random((400, 1)) < 0.3).astype(np.float32)
    found = probabilities("labels", fit_calibrator("isotonic", "labels", logits, truth)(logits))
    chances = probabilities("labels", logits)[:, 0]
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(chances, truth[:, 0])
    expected = (400 * model.predict(chances) + 0.5) / 401
    assert np.allclose(found[:, 0], expected)


def test_isotonic_of_classes_sums_to_one_and_is_never_zero(honest):
    logits, truth = honest
    few, labels = logits[:60], truth[:60] % 3  # nobody has the fourth label
    chances = probabilities("classes", fit_calibrator("isotonic", "classes", few, labels)(few))
    assert np.allclose(chances.sum(1), 1)
    assert chances.min() > 0
    bent = np.sign(logits) * np.abs(logits) ** 1.7
    answers = fit_calibrator("isotonic", "classes", bent, truth)(bent)
    assert row_loss("classes", answers, truth).mean() < row_loss("classes", bent, truth).mean() - 0.01


def test_the_loss_of_a_row_is_scikit_learns(honest):
    logits, truth = honest
    expected = log_loss(truth, np.exp(log_softmax(logits, axis=1)), labels=range(K))
    assert row_loss("classes", logits, truth).mean() == pytest.approx(expected)
    wanted = np.eye(K)[truth]
    each = [log_loss(wanted[:, k], probabilities("labels", logits)[:, k]) for k in range(K)]
    assert row_loss("labels", logits, wanted).mean() == pytest.approx(np.mean(each))


def test_auto_takes_no_method_that_lowers_the_metric_of_the_task():
    """Trained with rare classes weighed up: log-loss would have every answer common again."""
    random = np.random.default_rng(0)
    truth = (random.random(2000) < 0.08).astype(np.int64)
    score = random.normal(size=2000) + 1.5 * truth - 0.75
    logits = np.stack([-score, score], axis=1)  # balanced: the threshold lies between the two

    def balanced(logits):
        return balanced_accuracy_score(truth, logits.argmax(1))

    assert choose_method("auto", "classes", logits, truth) in {"vector", "isotonic"}
    assert choose_method("auto", "classes", logits, truth, worth=balanced) in {"temperature", "none"}
    assert choose_method("auto", "classes", logits, truth, worth=lambda logits: 0.0) in {"vector", "isotonic"}


def test_auto_takes_what_the_shift_needs_and_doubts_few_rows(honest):
    logits, truth = honest
    bent = logits * np.array([1.0, 2.0, 0.5, 1.0]) + np.array([0.0, 1.0, -1.0, 0.5])
    assert choose_method("auto", "classes", logits * 3, truth) == "temperature"
    assert choose_method("auto", "classes", bent, truth) == "vector"
    assert choose_method("auto", "classes", bent[:30], truth[:30]) in {"temperature", "none"}
    assert choose_method("auto", "classes", bent[:5], truth[:5]) == "none"
    assert choose_method("isotonic", "classes", bent[:5], truth[:5]) == "isotonic"
    assert fit_calibrator("isotonic", "classes", bent[:5], truth[:5]).method == "none"


def test_auto_leaves_alone_what_a_temperature_makes_worse():
    random = np.random.default_rng(5)
    logits = random.normal(size=(24, 2))
    truth = (softmax(logits, axis=1)[:, 1] > random.random(24)).astype(np.int64)
    crossed = cross_calibrated("temperature", "classes", logits, truth)
    worse = row_loss("classes", crossed, truth).mean() > row_loss("classes", logits, truth).mean()
    assert (choose_method("auto", "classes", logits, truth) == "none") is bool(worse)
    assert worse


def test_a_row_is_calibrated_by_others_and_groups_never_straddle(honest):
    logits, truth = honest
    groups = np.arange(100) // 10
    for held in fold_masks(100, 5, groups):
        assert not set(groups[held]) & set(groups[~held])
    assert sum(held.astype(int) for held in fold_masks(100, 5, groups)).tolist() == [1] * 100
    assert list(fold_masks(10, 5, np.zeros(10))) == []
    base = cross_calibrated("isotonic", "classes", logits[:200], truth[:200])
    changed = truth[:200].copy()
    changed[0] = (changed[0] + 1) % K
    held = next(mask for mask in fold_masks(200, 5) if mask[0])
    other = cross_calibrated("isotonic", "classes", logits[:200], changed)
    assert np.array_equal(base[held], other[held])
    assert not np.array_equal(base[~held], other[~held])


def test_the_standard_error_counts_groups_as_one_draw():
    values = np.repeat(np.random.default_rng(0).normal(size=50), 10)
    alone = standard_error(values, None)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(500))
    assert standard_error(values, np.arange(500) // 10) == pytest.approx(alone * np.sqrt(10), rel=0.02)
