"""The mean over folds with an interval that knows that folds share their training rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


FEWEST = 3  # values that have an interval


def resampled_t(
    values: Sequence[float],
    *,
    held_out: float,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> dict[str, float | int | None]:
    """Return the mean of a metric over folds and repeats with the 95 % corrected resampled t interval.

    The variance of the mean is ``(1/k + test/train) s²`` for ``k`` values (Nadeau and Bengio 2003, Machine Learning 52;
    for repeated folds Bouckaert and Frank 2004): the plain ``s²/k`` would take models that share most of their training
    rows for independent, and its interval is far too narrow. It is symmetric and knows no bounds: what of
    it lies where the metric cannot is cut off. Fewer than three values, or values that are all one, tell nothing of how
    far the mean could have come out otherwise, and have no interval: its width would be an accident, or zero.

    :param values: one a fold and repeat; those that are not finite are left out.
    :param held_out: rows scored by rows trained on, in a fold: ``1 / (folds - 1)``.
    :param within: the lowest and the highest the metric can be (:func:`mmsdk.tasks.range_of`).
    :returns: ``value``, ``low`` and ``high`` (None without an interval), and ``n``, the number of values.
    """
    from scipy.stats import t

    known = np.asarray([one for one in values if math.isfinite(one)], dtype=np.float64)
    mean = float(known.mean()) if len(known) else math.nan
    if len(known) < FEWEST or known.min() == known.max():
        return {"value": mean, "low": None, "high": None, "n": len(known)}
    spread = math.sqrt((1 / len(known) + held_out) * float(known.var(ddof=1)))
    reach = float(t.ppf(0.975, len(known) - 1)) * spread
    low, high = max(mean - reach, within[0]), min(mean + reach, within[1])
    return {"value": mean, "low": min(low, mean), "high": max(high, mean), "n": len(known)}
