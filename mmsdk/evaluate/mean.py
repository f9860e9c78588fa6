"""Means as statistics of rows: the one kind that a bootstrap can take of many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of ``values`` ``(n,)`` as a function of int64 row positions ``(r,)``."""

    values: np.ndarray

    def __call__(self, rows: np.ndarray) -> float:
        """Return the mean of some rows."""
        return float(self.values[rows].mean())

    def of_each(self, rows: np.ndarray) -> np.ndarray:
        """Return the means ``(b,)`` of row positions ``(b, r)``: the numbers that each alone would give."""
        return np.asarray(self.values[rows].mean(axis=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Difference:
    """``first - second`` as a function of int64 row positions ``(r,)``."""

    first: Callable[[np.ndarray], float]
    second: Callable[[np.ndarray], float]

    def __call__(self, rows: np.ndarray) -> float:
        """Return the difference on some rows."""
        return self.first(rows) - self.second(rows)

    def of_each(self, rows: np.ndarray) -> np.ndarray:
        """Return the differences ``(b,)`` on row positions ``(b, r)``."""
        return np.asarray(_of_each(self.first, rows) - _of_each(self.second, rows))


def _of_each(statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> np.ndarray:
    """Return a statistic on each of many resamples, at once where it is a mean."""
    if isinstance(statistic, Mean):
        return statistic.of_each(rows)
    return np.array([statistic(one) for one in rows], dtype=np.float64)
