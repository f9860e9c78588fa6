"""Thresholds against crepes and against simulation: the promise is kept, and not by much more."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy.special import softmax

from mmsdk.confidence.conformal import (
    class_threshold,
    label_scores,
    labels_threshold,
    numbers_threshold,
    quantile,
    rows_needed,
)
from mmsdk.confidence.judge import prediction_sets
from mmsdk.tasks import Classification

LEVELS = (0.8, 0.9, 0.95)


def drawn(rows: int, seed: int, labels: int = 5):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, labels)) * 2
    truth = (softmax(logits, axis=1).cumsum(1) < random.random((rows, 1))).sum(1)
    return softmax(logits * 0.4, axis=1), truth  # too unsure, which sets do not care about


@pytest.mark.parametrize("level", LEVELS)
def test_sets_are_those_of_crepes(level):
    crepes = pytest.importorskip("crepes")
    chances, truth = drawn(200, 0)
    asked, _ = drawn(300, 1)
    scores = label_scores(chances, "lac")[np.arange(200), truth]
    model = crepes.ConformalClassifier()
    model.fit(scores)
    expected = model.predict_set(label_scores(asked, "lac"), confidence=level, smoothing=False)
    limit = class_threshold(chances, truth, coverage=level, how="lac")
    assert np.array_equal(label_scores(asked, "lac") <= limit, np.asarray(expected, dtype=bool))


@pytest.mark.parametrize("level", LEVELS)
def test_intervals_are_those_of_crepes(level):
    crepes = pytest.importorskip("crepes")
    random = np.random.default_rng(0)
    guess, truth = random.normal(size=150), random.normal(size=150)
    model = crepes.ConformalRegressor()
    model.fit(truth - guess)
    ends = np.asarray(model.predict_int(np.zeros(1), confidence=level))
    assert numbers_threshold(guess, truth, coverage=level) == pytest.approx(float(ends[0, 1]))


@pytest.mark.parametrize("how", ["lac", "aps", "raps"])
def test_coverage_is_held_over_many_draws(how):
    held = []
    for seed in range(200):
        chances, truth = drawn(40, seed)
        asked, right = drawn(200, 1000 + seed)
        limit = class_threshold(chances, truth, coverage=0.9, how=how)
        held.append((label_scores(asked, how)[np.arange(200), right] <= limit).mean())
    assert np.mean(held) == pytest.approx(37 / 41, abs=0.012)  # ceil(41 * .9) of 41 places


def test_aps_and_raps_by_hand():
    chances = np.array([[0.5, 0.1, 0.3, 0.1]])
    assert label_scores(chances, "lac")[0] == pytest.approx([0.5, 0.9, 0.7, 0.9])
    assert label_scores(chances, "aps")[0] == pytest.approx([0.5, 0.9, 0.8, 1.0])
    assert label_scores(chances, "raps")[0] == pytest.approx([0.5, 0.91, 0.8, 1.02])


@pytest.mark.parametrize("how", ["aps", "raps"])
def test_the_last_label_of_every_row_has_one_score(how):
    chances, _ = drawn(200, 0)
    assert len({float(row.max()) for row in label_scores(chances, how)}) == 1


def test_lac_has_the_smallest_sets():
    chances, truth = drawn(2000, 0)
    asked, _ = drawn(2000, 1)
    size = {
        how: (label_scores(asked, how) <= class_threshold(chances, truth, coverage=0.9, how=how)).sum(1).mean()
        for how in ("lac", "aps", "raps")
    }
    assert size["lac"] < size["raps"]
    assert size["lac"] < size["aps"]


@pytest.mark.parametrize("level", LEVELS)
def test_too_few_rows_leave_everything_in(level):
    need = rows_needed(level)
    assert need == {0.8: 4, 0.9: 9, 0.95: 19}[level]
    assert quantile(np.arange(need - 1.0), level) == math.inf
    assert quantile(np.arange(float(need)), level) == need - 1
    assert labels_threshold(np.zeros((need - 1, 2)), np.ones((need - 1, 2)), coverage=level) == math.inf


def test_missed_labels_are_few_on_average():
    missed = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        chances = random.random((260, 6))
        truth = (random.random((260, 6)) < chances).astype(np.float32)
        limit = labels_threshold(chances[:60], truth[:60], coverage=0.9)
        kept, right = 1 - chances[60:] <= limit, truth[60:] > 0.5
        missed.append(((right & ~kept).sum(1) / np.maximum(right.sum(1), 1)).mean())
    assert np.mean(missed) <= 0.1
    assert np.mean(missed) > 0.07


def test_the_threshold_of_labels_by_hand():
    chances = np.array([[0.9, 0.2], [0.8, 0.4], [0.7, 0.1], [0.6, 0.1]])
    truth = np.array([[1, 0], [1, 1], [1, 0], [1, 0]])
    # (4 + 1) * 0.5 - 1 = 1.5 rows' worth may be missed: the label at .4 costs a half, the one at .6 one more
    assert labels_threshold(chances, truth, coverage=0.5) == pytest.approx(0.3)
    assert labels_threshold(chances, truth, coverage=0.75) == pytest.approx(0.6)
    assert labels_threshold(chances, np.zeros((4, 2)), coverage=0.5) == 0.0


def test_a_set_of_very_many_labels_is_made_in_a_moment():
    task = Classification()
    task.prepare([f"c{number:05d}" for number in range(6000)])
    logits = np.random.default_rng(0).normal(size=(20, 6000)).astype(np.float32)
    answers = task.outputs(logits)
    began = time.process_time()
    sets = prediction_sets(task, answers, logits, np.full(20, math.inf), "lac")
    assert time.process_time() - began < 4  # 0.2 s; each label looked for in a list of all took 11
    assert [one[0] for one in sets] == [one.value for one in answers]
    assert {len(one) for one in sets} == {6000}
