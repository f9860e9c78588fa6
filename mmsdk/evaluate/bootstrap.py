"""Percentile bootstrap: how far a metric could have come out otherwise, by rows or by whole groups of rows."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import resampled, units_drawn
from mmsdk.evaluate.mean import Difference, Mean
from mmsdk.tasks import CalibrationError, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mmsdk.protocols import Task

RESAMPLES = 1000
LEVEL = 0.95
BLOCK = 2**16  # rows of resamples that a mean takes at once
FEW = 30  # rows or groups below which the plain percentiles are too narrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A metric with its percentile interval; ``n`` is the number of rows it rests on.

    ``low`` and ``high`` are NaN where there is none: one row alone does not say how another would have come out.
    """

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return the four numbers as metrics.json holds them; an end that is not there is None."""
        low, high = (None if math.isnan(one) else one for one in (self.low, self.high))
        return {"value": self.value, "low": low, "high": high, "n": self.n}


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
    not defined (NaN) is left out; a statistic that is not defined on the rows themselves is left out altogether. A
    :class:`mmsdk.tasks.Share` at its bound has the interval that :func:`interval` describes, a
    :class:`mmsdk.tasks.CalibrationError` that of :func:`lowered`.

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
    for block in _blocks(resampled(n, groups=groups, resamples=resamples, seed=seed), max(1, BLOCK // n)):
        for name, one in defined.items():
            drawn[name].extend(_each(one, block))
    named = None if groups is None else np.asarray(groups)
    every, units = np.arange(n), units_drawn(n, groups)
    found = {
        name: interval(
            values[name], np.asarray(drawn[name]), n, level=level, units=units, bound=bound_of(one, every, named)
        )
        for name, one in defined.items()
    }
    return {
        name: lowered(found[name], one.by_luck(every, level, seed=seed))
        if isinstance(one, CalibrationError)
        else found[name]
        for name, one in defined.items()
    }


def _blocks(resamples: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray | list[np.ndarray]]:
    """Yield resamples some at a time: ``(b, r)`` where they are of one length, else a list."""
    while block := list(itertools.islice(resamples, size)):
        yield np.stack(block) if len({len(rows) for rows in block}) == 1 else block


def _each(statistic: Callable[[np.ndarray], float], block: np.ndarray | list[np.ndarray]) -> Iterable[float]:
    """Return a statistic of each resample; the figures are those of one at a time, to the bit."""
    plain = statistic.of if isinstance(statistic, Share) else statistic
    if isinstance(block, np.ndarray) and isinstance(plain, Mean | Difference):
        return list(plain.of_each(block))
    return [float(statistic(rows)) for rows in block]


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
    difference = {"difference": Difference(first, second)}
    found = bootstrap(difference, n, groups=groups, resamples=resamples, level=level, seed=seed)
    return found.get("difference", Interval(value=math.nan, low=math.nan, high=math.nan, n=n))


def ahead(
    task: Task, own: Callable[[np.ndarray], float], other: Callable[[np.ndarray], float], n: int, **drawing: Any
) -> Interval:
    """Return how far ahead of other answers to the same rows a task's own are, by the metric that decides.

    :param drawing: as :func:`paired` takes it.
    """
    return paired(own, other, n, **drawing) if task.higher_is_better else paired(other, own, n, **drawing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What bounds the interval of a share whose rows are all right or all wrong.

    :param units: how many independent rows it is a share of.
    :param least: its value where every row is wrong.
    """

    units: float
    least: float = 0.0


def bound_of(
    statistic: Callable[[np.ndarray], float], rows: np.ndarray, groups: np.ndarray | None = None
) -> Bound | None:
    """Return the bound of a statistic on some rows, None where it is no share.

    :param groups: ``(n,)`` of all rows.
    """
    if not isinstance(statistic, Share):
        return None
    return Bound(units=statistic.units(rows, groups), least=statistic.least)


def interval(
    value: float,
    drawn: np.ndarray,
    n: int,
    *,
    level: float = LEVEL,
    units: int | None = None,
    bound: Bound | None = None,
) -> Interval:
    """Return the percentile interval of a value from its resampled values; without any, the value itself.

    Of few groups the plain one is too narrow: a nominal 95 % hold 80 % at four, 92 % at eighteen. Below 30 rows or
    groups the percentiles lie further out, where Student's t and the spread that knows of the mean would put them
    (the expanded percentile interval of Hesterberg 2015, doi:10.1080/00031305.2015.1089789): 94 % from eight on. Of
    two or three nothing helps: no resample says more than the groups themselves.

    Where every row is right, every resample is, and the interval would have no width, as if 20 rows proved that there
    is never an error. A share has the one-sided interval of a proportion of ``u`` rows then, from ``(1 - level)^(1/u)``
    to 1 (Clopper and Pearson 1934; about ``3/u``, the rule of three: Hanley and Lippman-Hand 1983), likewise where
    all are wrong. Of one row, whose every resample is that row, any other figure has no interval.

    :param units: how many rows or groups a resample draws; taken to be many where left out.
    """
    usable = drawn[np.isfinite(drawn)]
    outside = _outside(level, units)
    low, high = np.quantile(usable, [outside, 1 - outside]) if len(usable) else (value, value)
    if bound is not None and low == high:
        reach = _unseen(bound, level)
        low = low - reach if math.isclose(value, 1.0) else low
        high = high + reach if math.isclose(value, bound.least, abs_tol=1e-9) else high
    if units == 1 and low == high:
        low = high = math.nan
    return Interval(value=value, low=float(low), high=float(high), n=n)


def of_difference(one: Interval, bound: Bound | None, *, level: float = LEVEL) -> Interval:
    """Return the interval of a difference of two shares on the same rows, widened where every resample is the same.

    Two models that none of ``u`` rows tells apart may still differ, either way, in the share of rows that
    :func:`interval` allows an error that was never seen.

    :param bound: of either share; None where the metric is none, whose interval stays as it is.
    """
    if bound is None or one.low < one.high:
        return one
    reach, most = _unseen(bound, level), 1 - bound.least
    return replace(one, low=max(one.value - reach, -most), high=min(one.value + reach, most))


def _unseen(bound: Bound, level: float) -> float:
    """Return how far a share may move by what not one of its rows showed."""
    return float((1 - bound.least) * (1 - (1 - level) ** (1 / bound.units)))


def lowered(one: Interval, by_luck: float) -> Interval:
    """Return the interval of an error that luck alone adds to: its lower end moved down, to 0 where luck explains all.

    A resample adds to a calibration error as the sample did, so that the percentiles lie above what they should hold,
    at times above the value itself. The lower end is that of the basic bootstrap, ``2 value - high`` (Davison and
    Hinkley 1997, equation 5.6), and 0 where the value is no more than a calibrated model would show.
    """
    if math.isnan(one.high):
        return one
    low = 0.0 if one.value <= by_luck else max(0.0, min(one.value, 2 * one.value - one.high))
    return replace(one, low=low, high=max(one.value, one.high))


def reach_of(width: float, units: int | None) -> float:
    """Return a reach in spreads of a bootstrap as wide as so few rows or groups ask for; of 30 or more as it is.

    The spread of few is too small by ``sqrt((u - 1) / u)``, and its own luck is Student's.
    """
    from scipy.stats import norm, t

    if units is None or units >= FEW or units < 2:
        return width
    return float(math.sqrt(units / (units - 1)) * t.ppf(norm.cdf(width), units - 1))


def _outside(level: float, units: int | None) -> float:
    """Return the share of the resamples that lies below the interval, and above it."""
    from scipy.stats import norm

    plain = (1 - level) / 2
    if units is None or units >= FEW:
        return plain
    return float(norm.cdf(-reach_of(float(norm.ppf(1 - plain)), units))) if units > 1 else 0.0
