"""Thresholds on the confidence: the error is kept as often as said, the share is the one asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from mmsdk.confidence.abstain import effective_rows, error_bound, threshold_for_error, threshold_for_share


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


def test_of_few_rows_no_more_are_answered_than_asked():
    sure = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    assert [(sure >= threshold_for_share(sure, share)).sum() for share in (0.2, 0.4, 0.6, 0.8, 1.0)] == [1, 2, 3, 4, 5]
    assert threshold_for_share(sure, 0.7) == 0.6  # four are at least 70 %, three are not
    assert threshold_for_share(np.ones(5), 0.2) == 1.0  # rows that are alike are answered all


def test_rows_of_one_group_count_less_than_as_many_others():
    """Thirty patients of ten pictures each, right or wrong together, say what thirty rows say."""
    random = np.random.default_rng(0)
    wrong = np.repeat(random.random(30) < 0.3, 10)
    groups = np.repeat(np.arange(30), 10)
    assert 15 < effective_rows(wrong, groups, doubt=0.01) < 31
    mixed = random.permutation(wrong)
    assert 100 < effective_rows(mixed, groups, doubt=0.01) <= 300
    assert effective_rows(np.zeros(300, bool), groups, doubt=0.01) == 30
    assert effective_rows(wrong, np.zeros(300), doubt=0.01) == 1
    assert effective_rows(mixed, np.arange(300), doubt=0.01) == 300


def test_few_groups_keep_no_promise_that_many_rows_would():
    random = np.random.default_rng(0)
    sure = random.random(400)
    right = np.ones(400, bool)
    assert threshold_for_error(sure, right, 0.1) == 0.0
    assert threshold_for_error(sure, right, 0.1, groups=np.arange(400)) == 0.0
    assert threshold_for_error(sure, right, 0.1, groups=np.arange(400) % 8) == np.inf


def test_the_promise_holds_for_new_groups():
    """Errors that come by group: at 90 % certainty the error of the answers given is above the one asked in a tenth."""
    broken, plain = 0, 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        groups = np.repeat(np.arange(40), 6)
        bad = np.repeat(random.random(40) < 0.17, 6)  # a patient is answered wrongly throughout, or rightly
        sure = random.random(240)
        broken += np.isfinite(threshold_for_error(sure, ~bad, 0.15, groups=groups))
        plain += np.isfinite(threshold_for_error(sure, ~bad, 0.15))
    assert broken <= 6
    assert plain > broken  # rows taken for independent promise what they cannot keep
