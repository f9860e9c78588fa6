"""The calibration error as a function of rows, and what of it is luck: no model shows 0, however well calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 15
DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationError:
    """The gap between confidence and accuracy, averaged over 15 equal bins by their rows (Guo et al. 2017).

    :param sure: ``(n,)`` confidence of each answer, 0 to 1.
    :param right: ``(n,)`` bool.
    """

    sure: np.ndarray
    right: np.ndarray

    def __call__(self, rows: np.ndarray) -> float:
        """Return the error of some rows."""
        return _error(self.sure[rows], self.right[rows])

    def by_luck(self, rows: np.ndarray, level: float, *, seed: int = 0) -> float:
        """Return what a model so sure, and right just as often as it says, stays below with chance ``level``.

        Consistency resampling (Bröcker and Smith 2007, doi:10.1175/WAF993.1). Of 437 rows of eight labels it is about
        .07: an error below that is no sign that anything is wrong.
        """
        sure = self.sure[rows]
        random = np.random.default_rng(seed)
        drawn = [_error(sure, random.random(len(sure)) < sure) for _ in range(DRAWS)]
        return float(np.quantile(drawn, level))


def _error(sure: np.ndarray, right: np.ndarray) -> float:
    """Return the calibration error of some rows."""
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=sure - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))
