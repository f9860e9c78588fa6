"""Percentile bootstrap: how far a metric could have come out otherwise, by rows or by whole groups of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import resampled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A metric with its percentile interval; ``n`` is the number of rows it rests on."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, float | int]:
        """Return the four numbers as metrics.json holds them."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def bootstrap(
    statistics: Mapping[str, Callable[[np.ndarray], float]],
    n: int,
    *,
    groups: Sequence[Any] | np.ndarray | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return each statistic on all rows with its percentile interval (Efron and Tibshirani 1993, chapter 13).

    All statistics see the same resamples, and the same seed gives the same ones. A resample on which a statistic is
    not defined (NaN) is left out; a statistic that is not defined on the rows themselves is left out altogether.

    :param statistics: name -> function of int64 row positions ``(r,)``, drawn with repetition from ``0..n-1``.
    :param n: number of rows.
    :param groups: ``(n,)`` group of each row: whole groups are drawn, since rows of one group are not independent.
    :param level: share of the resamples inside the interval.
    """
    if n == 0:
        return {}
    values = {name: float(one(np.arange(n))) for name, one in statistics.items()}
    defined = {name: one for name, one in statistics.items() if math.isfinite(values[name])}
    drawn: dict[str, list[float]] = {name: [] for name in defined}
    for rows in resampled(n, groups=groups, resamples=resamples, seed=seed):
        for name, one in defined.items():
            drawn[name].append(float(one(rows)))
    return {name: interval(values[name], np.asarray(drawn[name]), n, level=level) for name in defined}


def paired(
    first: Callable[[np.ndarray], float],
    second: Callable[[np.ndarray], float],
    n: int,
    *,
    groups: Sequence[Any] | np.ndarray | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Return ``first - second`` with the interval of the difference on the same resamples.

    Two answers to the same rows err together, so that this interval is narrower than the two of its parts suggest.
    """
    difference = {"difference": lambda rows: first(rows) - second(rows)}
    found = bootstrap(difference, n, groups=groups, resamples=resamples, level=level, seed=seed)
    return found.get("difference", Interval(value=math.nan, low=math.nan, high=math.nan, n=n))


def interval(value: float, drawn: np.ndarray, n: int, *, level: float = LEVEL) -> Interval:
    """Return the percentile interval of a value from its resampled values; without any, the value itself."""
    usable = drawn[np.isfinite(drawn)]
    if len(usable) == 0:
        return Interval(value=value, low=value, high=value, n=n)
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=value, low=float(low), high=float(high), n=n)
