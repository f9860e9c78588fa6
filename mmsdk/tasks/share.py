"""A metric that is a share of rows, and of how many independent rows: what the bootstrap cannot tell at 0 and at 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.calibration import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A metric of chosen rows that is 1 where all are right and its least where all are wrong.

    Where every row is right, so is every resample of them, and a percentile interval has no width. A metric of this
    kind gets the interval of a proportion then. A task says which of its ``scores`` are of this kind::

        {"accuracy": Share(of=lambda rows: float(right[rows].mean()), weights=np.ones(len(right)))}

    :param of: function of int64 row positions ``(r,)``.
    :param weights: ``(n,)`` how much each row counts: of a mean over labels one over the rows of its label.
    :param least: the value where all are wrong.
    """

    of: Callable[[np.ndarray], float]
    weights: np.ndarray
    least: float = 0.0

    def __call__(self, rows: np.ndarray) -> float:
        """Return the metric of some rows."""
        return self.of(rows)

    def units(self, rows: np.ndarray, groups: np.ndarray | None = None) -> float:
        """Return how many rows of equal weight, or groups of such, these rows are worth (Kish 1965, section 11.7).

        :param groups: ``(n,)``: the rows of one count as one, unless there is no other.
        """
        weights = np.asarray(self.weights, dtype=np.float64)[rows]
        if groups is not None:
            codes = np.unique(np.asarray(groups)[rows].astype(str), return_inverse=True)[1]
            weights = np.bincount(codes, weights=weights) if codes.any() else weights
        return float(weights.sum() ** 2 / (weights**2).sum())


def in_points(metric: Callable[[np.ndarray], float]) -> bool:
    """Return whether a metric reads as points of a hundred: shares from nothing to all, and the calibration error."""
    return isinstance(metric, CalibrationError) or (isinstance(metric, Share) and metric.least == 0)
