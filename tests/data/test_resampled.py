"""Which candidates are behind the best by no more than noise."""

from __future__ import annotations

import numpy as np

from mmsdk.data import as_good, resampled


def test_who_is_behind_by_a_standard_error_or_less_is_as_good():
    random = np.random.default_rng(0)
    usual, noise = random.normal(size=(2, 400))
    noise = (noise - noise.mean()) / noise.std()  # its mean has a standard error of 0.05
    rows = np.stack([usual, usual + noise - 0.04, usual + noise - 0.06, usual - 0.01, usual])
    drawn = np.array([rows[:, part].mean(1) for part in resampled(400, resamples=2000)]).T
    assert as_good(rows.mean(1), drawn, 0).tolist() == [True, True, False, False, True]


def test_a_draw_without_a_score_does_not_count():
    drawn = np.array([[1.0, np.nan, 0.0, 1.0], [0.0, 0.0, 1.0, np.nan], [0.5, np.nan, -0.5, 0.5]])
    assert as_good(np.array([1.0, 0.1, 0.5]), drawn, 0).tolist() == [True, True, False]
