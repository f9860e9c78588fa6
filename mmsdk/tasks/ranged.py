"""Which values a metric can have: what an interval that is symmetric about a mean does not know."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmsdk.tasks.calibration import CalibrationError
from mmsdk.tasks.share import Share

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranged:
    """A metric of chosen rows that is no share of them, and the lowest and the highest it can be.

    :param of: function of int64 row positions ``(r,)``.
    """

    of: Callable[[np.ndarray], float]
    low: float = -math.inf
    high: float = math.inf

    def __call__(self, rows: np.ndarray) -> float:
        """Return the metric of some rows."""
        return self.of(rows)


def range_of(metric: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """Return the lowest and the highest a metric can be; without end where it does not say."""
    if isinstance(metric, Share):
        return metric.least, 1.0
    if isinstance(metric, CalibrationError):
        return 0.0, 1.0
    return (metric.low, metric.high) if isinstance(metric, Ranged) else (-math.inf, math.inf)
