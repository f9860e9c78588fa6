"""Regression: scale learned and undone, cells that are no number, metrics against scikit-learn and scipy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn import metrics

from mmsdk.errors import DataError
from mmsdk.tasks import Regression


def prepared(values=("1", 2, 3.5, None, "")) -> Regression:
    task = Regression()
    task.prepare(list(values))
    return task


def test_scale_is_learned_and_undone():
    task = prepared()
    targets, labelled, problems = task.encode(["7.25", None, "abc", "inf", float("nan")])
    assert labelled.tolist() == [True, False, False, False, False]
    assert [(one.row, one.value) for one in problems] == [(2, "abc"), (3, "inf")]
    assert task.outputs(targets[:1, None])[0].value == pytest.approx(7.25, rel=1e-6)


def test_a_number_of_no_possible_size_is_a_problem_and_spoils_no_scale():
    task = prepared([1.0, 2.0, 1e300, -1e200])
    assert (task.mean, task.scale) == (1.5, 0.5)
    targets, labelled, problems = task.encode([2.0, 1e300, "-1e31"])
    assert labelled.tolist() == [True, False, False]
    assert [(one.row, one.reason) for one in problems] == [(row, "is too large a number") for row in (1, 2)]
    near = prepared([0.0, 1e-25])  # a number that is possible by itself, and out of all proportion to these
    assert near.encode([1e20])[1].tolist() == [False]
    assert np.isfinite(targets).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([4, "4"], "every training row is 4"),
        ([1, None], "hold 1 numbers"),
        ([1, 1e300], "hold 1 numbers"),
        ([0, 1e-200], "no difference to learn from"),
    ],
)
def test_nothing_to_learn_is_refused(values, said):
    with pytest.raises(DataError, match=said):
        prepared(values)


def test_baseline_is_the_mean_and_state_round_trips():
    task, copy = prepared(), Regression()
    copy.load_state(json.loads(json.dumps(task.state())))
    assert copy.outputs(copy.baseline(1))[0].value == pytest.approx(np.mean([1, 2, 3.5]))


def test_there_are_no_classes_and_the_loss_is_robust():
    task = prepared()
    assert task.class_weights(np.zeros(3)) is None
    losses = task.loss(torch.tensor([[0.5], [10.0]]), torch.zeros(2), None)
    assert losses.tolist() == pytest.approx([0.125, 9.5])


@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_the_libraries_on_resampled_rows(seed):
    random = np.random.default_rng(seed)
    task = prepared(random.normal(50, 9, 100))
    truth = random.normal(size=80).round(1).astype(np.float32)
    logits = (truth + random.normal(size=80)).round(1).astype(np.float32)[:, None]
    rows = random.integers(0, 80, 80)
    scores = {name: one(rows) for name, one in task.scores(logits, truth).items()}
    t, p = truth[rows] * task.scale + task.mean, logits[rows, 0] * task.scale + task.mean
    assert scores["mae"] == pytest.approx(metrics.mean_absolute_error(t, p), rel=1e-5)
    assert scores["rmse"] == pytest.approx(metrics.root_mean_squared_error(t, p), rel=1e-5)
    assert scores["r2"] == pytest.approx(metrics.r2_score(t, p), rel=1e-4)
    assert scores["spearman"] == pytest.approx(scipy.stats.spearmanr(t, p).statistic, rel=1e-5)


def test_metrics_without_spread_are_undefined():
    scores = prepared().scores(np.zeros((3, 1)), np.zeros(3))
    assert np.isnan(scores["r2"](np.arange(3)))
    assert np.isnan(scores["spearman"](np.arange(3)))


def test_ranks_of_a_resample_are_those_of_scipy():
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    guess, truth = random.integers(0, 9, 60).astype(float), random.normal(size=60).round(1)
    task = Regression()
    task.prepare([str(one) for one in truth])
    standard = lambda one: (one - task.mean) / task.scale  # noqa: E731
    statistic = task.scores(standard(guess)[:, None], standard(truth))["spearman"]
    for _ in range(20):
        rows = random.integers(0, 60, 60)
        assert statistic(rows) == pytest.approx(spearmanr(guess[rows], truth[rows]).statistic, abs=1e-12)
    assert np.isnan(statistic(np.full(60, 7)))


def test_a_cell_that_is_no_number_is_told_what_to_do():
    task = Regression()
    task.prepare([1, 2])
    (odd,) = task.encode(["1.5", "3.5万"])[2]
    assert (odd.row, odd.value) == (1, "3.5万")
    assert odd.reason == "is not a number ('3.5万'); write it out in full, without '万'"
