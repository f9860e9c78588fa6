"""Thresholds on the confidence: the error is kept as often as said, the share is the one asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from mmsdk.confidence.abstain import error_bound, threshold_for_error, threshold_for_share


def drawn(rows: int, seed: int):
    random = np.random.default_rng(seed)
    sure = random.uniform(0.5, 1.0, rows)
    return sure, random.random(rows) < sure


def true_error(threshold: float) -> float:
    """Return the error of what is answered, where confidence is uniform and means what it says."""
    start = max(threshold, 0.5)
    return 1 - (start + 1) / 2


def test_the_bound_is_that_of_the_binomial():
    bound = error_bound(3, 50, doubt=0.05)
    assert binom.cdf(3, 50, bound) == pytest.approx(0.05)
    assert error_bound(50, 50, doubt=0.05) == 1.0
    assert error_bound(0, 100, doubt=0.1) == pytest.approx(1 - 0.1**0.01)


def test_the_error_is_kept_nine_times_in_ten_and_rows_are_answered():
    found = [threshold_for_error(*drawn(600, seed), 0.12) for seed in range(200)]
    broken = np.mean([one < 1 and true_error(one) > 0.12 for one in found])
    assert broken <= 0.1
    assert np.mean([one < 1 for one in found]) > 0.6


def test_what_cannot_be_kept_declines_always_and_what_is_easy_never():
    sure, right = drawn(600, 0)
    assert threshold_for_error(sure, right, 0.001) == math.inf
    assert threshold_for_error(sure[:4], right[:4], 0.1) == math.inf
    assert threshold_for_error(sure[:0], right[:0], 0.1) == math.inf
    assert threshold_for_error(sure, np.ones(600, dtype=bool), 0.05) == 0.0


def test_ties_are_answered_all_or_none():
    sure = np.repeat([0.9, 0.6], 300)
    right = np.repeat([True, False], 300)
    threshold = threshold_for_error(sure, right, 0.05)
    assert threshold == math.inf or (0.6 < threshold <= 0.9 and right[sure >= threshold].all())
    assert threshold_for_error(sure, np.ones(600, dtype=bool), 0.05) == 0.0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_share_is_the_one_asked_for(share):
    sure, _ = drawn(500, 0)
    assert (sure >= threshold_for_share(sure, share)).mean() == pytest.approx(share, abs=0.005)
    assert threshold_for_share(sure[:0], share) == 0.0
