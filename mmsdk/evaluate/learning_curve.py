"""What more rows would bring: a power law through the scores of growing shares of the training rows."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import resampled, units_drawn
from mmsdk.evaluate.bootstrap import bound_of, interval
from mmsdk.tasks import in_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RATES = (0.1, 1.5)  # how fast a power law may flatten; errors of learners fall with exponents of about 0.1 to 1
RESAMPLES = 100
MORE = (1, 2, 5)  # leading digits of a round number of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A model learned from a share of the rows.

    :param share: which of the nested shares, from 1.
    :param rows: it was trained on, about the same for one share.
    :param score: of positions among the judged rows.
    """

    share: int
    rows: int
    score: Callable[[np.ndarray], float]


def learning_curve(
    trials: Sequence[Trial],
    n: int,
    *,
    metric: str,
    higher_is_better: bool,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit ``a + b rows^-c`` and say what half as many rows again would bring.

    The interval redraws the judged rows (by whole groups; all models on the same ones) and moves each mean by the luck
    of its trainings, as the repeats show it; each time the law is fitted anew. Where the interval of the gain holds
    zero, the answer is that this cannot be told.

    :param trials: of at least three different numbers of rows.
    :param n: judged rows.
    :returns: ``{"metric", "points": [{"rows", value, low, high, n}], "more", "gain": {value, low, high, n} or None,
        "law": {"a", "b", "c"} or None, "sentence"}``; a positive gain is an improvement.
    """
    every = np.arange(n)
    shares = sorted({one.share for one in trials})
    sizes = [round(float(np.mean([one.rows for one in trials if one.share == share]))) for share in shares]
    points, more = _means(trials, shares, every), round_number(sizes[-1] / 2)
    law = fit_power_law(np.array(sizes, dtype=np.float64), points)
    sign = 1.0 if higher_is_better else -1.0
    random, unrest = np.random.default_rng(seed), _unrest(trials, shares, every)
    drawn, gains = [], []
    for rows in resampled(n, groups=groups, resamples=RESAMPLES, seed=seed):
        drawn.append(_means(trials, shares, rows) + random.normal(0.0, 1.0, len(shares)) * unrest)
        gains.append(sign * _gain(fit_power_law(np.array(sizes, dtype=np.float64), drawn[-1]), sizes[-1], more))
    spread, units, bound = np.array(drawn), units_drawn(n, groups), bound_of(trials[0].score, every, groups)
    found = [
        {"rows": size, **interval(float(points[place]), spread[:, place], n, units=units, bound=bound).as_json()}
        for place, size in enumerate(sizes)
    ]
    gain = interval(sign * _gain(law, sizes[-1], more), np.array(gains), n, units=units)
    usable = law is not None and math.isfinite(gain.low) and np.isfinite(gains).mean() > 0.5
    return {
        "metric": metric,
        "points": found,
        "more": more,
        "gain": gain.as_json() if usable else None,
        "law": None if law is None else dict(zip("abc", law, strict=True)),
        "sentence": _sentence(metric, more, gain if usable else None, points=in_points(trials[0].score)),
    }


def fit_power_law(rows: np.ndarray, scores: np.ndarray) -> tuple[float, float, float] | None:
    """Return ``a, b, c`` of ``a + b rows^-c`` by least squares (scipy's ``curve_fit``), None where nothing fits.

    :param rows: float64 ``(k,)``, different numbers.
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(rows) < 3 or not np.isfinite(scores).all():
        return None
    scale = rows.max()
    first = (float(scores[-1]), float(scores[0] - scores[-1]), 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # three numbers from few points: the interval says how sure
        try:
            (a, b, c), _ = curve_fit(
                _law,
                rows / scale,
                scores,
                p0=first,
                bounds=((-np.inf, -np.inf, RATES[0]), (np.inf, np.inf, RATES[1])),
                max_nfev=400,
            )
        except (RuntimeError, ValueError):
            return None
    return float(a), float(b * scale**c), float(c)


def _law(rows: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    """Return the scores that a power law gives."""
    return np.asarray(a + b * rows**-c)


def _gain(law: tuple[float, float, float] | None, rows: int, more: int) -> float:
    """Return the change of the score from some rows to more."""
    if law is None:
        return math.nan
    _, b, c = law
    return float(b * ((rows + more) ** -c - rows**-c))


def _means(trials: Sequence[Trial], shares: Sequence[int], rows: np.ndarray) -> np.ndarray:
    """Return the mean score of each share on some judged rows."""
    return np.array([np.mean([one.score(rows) for one in trials if one.share == share]) for share in shares])


def _unrest(trials: Sequence[Trial], shares: Sequence[int], rows: np.ndarray) -> np.ndarray:
    """Return how far the mean of each share may be off by the luck of its trainings, ``(shares,)``.

    The variance of a training is taken to be the same at every share, since three repeats alone say little of it.
    """
    scores = [[one.score(rows) for one in trials if one.share == share] for share in shares]
    within = sum(float(((np.array(one) - np.mean(one)) ** 2).sum()) for one in scores)
    spare = sum(len(one) - 1 for one in scores)
    variance = within / spare if spare else 0.0
    return np.sqrt([variance / len(one) for one in scores])


def round_number(about: float) -> int:
    """Return the round number (1, 2 or 5 and zeros) nearest below, at least 1."""
    power = 10 ** math.floor(math.log10(max(about, 1)))
    return int(max((one * power for one in MORE if one * power <= about), default=1))


def _sentence(metric: str, more: int, gain: Any, *, points: bool) -> str:
    """Return what to expect of more rows, or that it cannot be told."""
    if gain is None:
        return f"these points do not follow a law by which {more:,} more rows could be judged"
    amount = _amount({"value": gain.value, "low": gain.low, "high": gain.high}, points=points)
    if gain.low > 0:
        return f"with {more:,} more training rows expect {metric} to improve by {amount}"
    if gain.high < 0:
        return (
            f"with {more:,} more training rows {metric} would get worse, by {amount}: look at the newest rows' labels"
        )
    return f"these rows cannot tell whether {more:,} more training rows would help: {metric} {amount}"


def _amount(gain: Mapping[str, float], *, points: bool) -> str:
    """Return ``+2.1 points [+0.4, +3.0]``, or the bare numbers."""
    if not points:
        value, low, high = (_signed(gain[key], "+.3g") for key in ("value", "low", "high"))
        return f"{value} [{low}, {high}]"
    value, low, high = (_signed(100 * gain[key], "+.1f") for key in ("value", "low", "high"))
    return f"{value} points [{low}, {high}]"


def _signed(number: float, form: str) -> str:
    """Return a number with its sign; what rounds to nothing has none."""
    shown = format(number, form)
    return shown.lstrip("+-") if float(shown) == 0 else shown
