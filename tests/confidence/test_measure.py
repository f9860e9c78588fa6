"""What is measured of promises, against what it must be by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.confidence.measure import _means, reliability, risk_area, risk_curve
from mmsdk.evaluate.scores import Scoring


def test_the_area_under_risk_and_coverage_by_hand():
    sure, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert risk_area(sure, right) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert risk_curve(sure, right) == [[0.25, 0.0], [0.5, 0.5], [0.75, pytest.approx(1 / 3)], [1.0, 0.5]]


def test_the_order_of_rows_that_are_equally_sure_does_not_matter():
    right = np.repeat([True, False], [30, 10])
    sure = np.full(40, 0.99)
    assert risk_area(sure, right) == risk_area(sure, right[::-1]) == pytest.approx(0.25)
    assert [risk for _, risk in risk_curve(sure, right)] == pytest.approx([0.25] * 40)
    mean = np.mean([risk_area(sure + np.random.default_rng(seed).random(40) / 1e6, right) for seed in range(400)])
    assert mean == pytest.approx(0.25, abs=0.01)


def test_a_bin_has_the_interval_of_a_proportion():
    from scipy.stats import binomtest

    [found] = reliability(np.full(20, 0.95), np.arange(20) > 0)
    exact = binomtest(19, 20).proportion_ci()
    assert (found["low"], found["high"]) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert (found["value"], found["confidence"], found["n"]) == (0.95, pytest.approx(0.95), 20)


def test_rows_of_a_group_that_are_right_together_count_as_what_they_are_worth():
    sure, right = np.full(60, 0.85), np.repeat([True, True, True, True, False, True], 10)
    groups = np.repeat(np.arange(6), 10)
    [rows] = reliability(sure, right)
    [grouped] = reliability(sure, right, groups=groups)
    assert grouped["value"] == rows["value"]
    assert grouped["high"] - grouped["low"] > 2 * (rows["high"] - rows["low"])
    assert reliability(sure, right, groups=np.zeros(60)) == [rows]  # of one group, as everywhere
    assert reliability(sure, right, groups=np.arange(60)) == [rows]


def test_the_size_of_a_set_is_no_share_even_where_every_set_holds_one_label():
    scoring = Scoring(resamples=100, groups=np.repeat([0, 1], 20))
    found = _means({"size": np.ones(40), "coverage": np.ones(40)}, np.arange(40), scoring)
    assert (found["size"]["low"], found["size"]["high"]) == (1.0, 1.0)
    assert found["coverage"]["low"] < 0.5  # two groups that are all right say little of the next one
