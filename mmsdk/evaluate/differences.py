"""Two models on the same rows: differences with intervals, tests row against row, and the sentence that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import RESAMPLES, Interval, bootstrap
from mmsdk.tasks import Classification, Multilabel, Regression, in_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.protocols import Task

FEWEST = 6  # rows or groups to tell two models apart by: of five, all on one side is luck once in 16
QUANTILE = 1.959963984540054  # of the normal distribution, 97.5 %
POWER = 0.8416212335729143  # likewise, 80 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one model answers for rows of one task.

    :param logits: one array ``(n, width)`` a repetition: a single one, or one for each repeat of a cross-validation.
    """

    name: str
    logits: Sequence[np.ndarray]


def compare_answers(
    task: Task,
    truth: np.ndarray,
    first: Answers,
    second: Answers,
    *,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two models on the same labelled rows.

    Differences are ``second - first`` with the paired percentile bootstrap, by whole groups where there are some. The
    tests beside it look at rows one by one and take them for independent, so that with groups they flatter. Of fewer
    than six rows, or groups, the verdict is that they are too few.

    :param truth: ``(n, ...)`` as the task encodes targets.
    :returns: ``{"n", "headline", "metrics": {name: {"a", "b", "difference": {value, low, high, n}}}, "tests": {name:
        {...}}, "verdict", "rows_needed"}``.
    """
    scores = [[task.scores(one, truth) for one in side.logits] for side in (first, second)]
    names = list(scores[0][0])

    def difference(name: str) -> Callable[[np.ndarray], float]:
        return lambda rows: _mean(scores[1], name, rows) - _mean(scores[0], name, rows)

    found = bootstrap(
        {name: difference(name) for name in names}, len(truth), groups=groups, resamples=resamples, seed=seed
    )
    every = np.arange(len(truth))
    metrics = {
        name: {"a": _mean(scores[0], name, every), "b": _mean(scores[1], name, every), "difference": one.as_json()}
        for name, one in found.items()
    }
    errors = [row_errors(task, side.logits[0], truth) for side in (first, second)]
    answer: dict[str, Any] = {"n": len(truth), "headline": task.metric, "metrics": metrics}
    answer["tests"] = {} if errors[0] is None or errors[1] is None else paired_tests(task, errors[0], errors[1])
    if task.metric in found:
        one, better, points = found[task.metric], task.higher_is_better, in_points(scores[0][0][task.metric])
        few = _too_few(len(truth), groups)
        answer["verdict"] = (
            f"{few} too few to tell {first.name} and {second.name} apart: expected {FEWEST} or more"
            if few
            else verdict(task.metric, one, first.name, second.name, higher_is_better=better, points=points)
        )
        answer["rows_needed"] = None if few or _beyond(one) else rows_needed(one)
    return answer


def _too_few(rows: int, groups: np.ndarray | None) -> str:
    """Return how few rows, or groups, there are, ``5 rows are``; nothing where they are enough."""
    count, what = (rows, "row") if groups is None else (len(np.unique(groups.astype(str))), "group")
    return "" if count >= FEWEST else f"{count} {what}{' is' if count == 1 else 's are'}"


def row_errors(task: Task, logits: np.ndarray, truth: np.ndarray) -> np.ndarray | None:
    """Return how wrong each row's answer is, ``(n,)`` float64: 0 or 1, the share of wrong labels, or the distance.

    None for a task type of a plugin, whose errors only the plugin knows.
    """
    if isinstance(task, Classification):
        return np.asarray(logits.argmax(1) != truth, dtype=np.float64)
    if isinstance(task, Multilabel):
        return np.asarray(((logits >= 0) != (truth > 0.5)).mean(1), dtype=np.float64)
    if isinstance(task, Regression):
        return np.asarray(np.abs(logits[:, 0].astype(np.float64) - truth) * task.scale)
    return None


def paired_tests(task: Task, first: np.ndarray, second: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the tests of row errors: McNemar's for right or wrong, else the sign test and Wilcoxon's."""
    if isinstance(task, Classification):
        return {"mcnemar": mcnemar(first == 0, second == 0)}
    return {"sign": sign_test(first, second), "wilcoxon": wilcoxon_test(first, second)}


def mcnemar(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return McNemar's exact test (McNemar 1947) of whether the rows that only one gets right favour one of the two.

    :param first: ``(n,)`` bool, which rows the first gets right.
    :returns: ``a_only``, ``b_only`` (rows that one alone gets right) and the two-sided binomial ``p``.
    """
    from scipy.stats import binomtest

    a_only, b_only = int((first & ~second).sum()), int((~first & second).sum())
    p = float(binomtest(a_only, a_only + b_only, 0.5).pvalue) if a_only + b_only else 1.0
    return {"a_only": a_only, "b_only": b_only, "p": p}


def sign_test(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return the exact sign test: rows on which one is nearer than the other, ties left out."""
    from scipy.stats import binomtest

    a_nearer, b_nearer = int((first < second).sum()), int((second < first).sum())
    p = float(binomtest(a_nearer, a_nearer + b_nearer, 0.5).pvalue) if a_nearer + b_nearer else 1.0
    return {"a_nearer": a_nearer, "b_nearer": b_nearer, "p": p}


def wilcoxon_test(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return Wilcoxon's signed-rank test of the errors (Wilcoxon 1945); rows of equal error are left out."""
    from scipy.stats import wilcoxon

    if not (first != second).any():
        return {"statistic": 0.0, "p": 1.0}
    found = wilcoxon(first, second)
    return {"statistic": float(found.statistic), "p": float(found.pvalue)}


def rows_needed(difference: Interval) -> int | None:
    """Return about how many rows would show a difference of this size four times in five, None where there is none.

    The spread of the difference is taken from its interval and shrinks with the root of the rows; a two-sided test at
    5 % sees a difference of ``(1.96 + 0.84)`` spreads with a chance of 80 %.
    """
    spread = (difference.high - difference.low) / (2 * QUANTILE)
    if difference.value == 0 or spread == 0 or not math.isfinite(spread):
        return None
    return math.ceil(difference.n * ((QUANTILE + POWER) * spread / difference.value) ** 2)


def verdict(metric: str, difference: Interval, first: str, second: str, *, higher_is_better: bool, points: bool) -> str:
    """Return the sentence: which is better and by how much, or that these rows cannot tell.

    :param points: the metric reads as points of a hundred.
    """
    if not _beyond(difference):
        needed = rows_needed(difference)
        amount = _amount(difference, points=points)
        told = f"these {difference.n} rows cannot tell {first} and {second} apart by {metric} ({amount})"
        if needed is None:
            return f"{told}; they answer alike" if difference.low == difference.high else told
        if needed <= difference.n:
            return f"{told}; about as many rows again would settle it"
        return f"{told}; about {_rounded(needed):,} rows would be needed to see a difference of this size"
    ahead = (difference.value > 0) == higher_is_better
    amount = _amount(difference, points=points, absolute=True)
    return f"{second if ahead else first} is better by {amount} of {metric}"


def _amount(one: Interval, *, points: bool, absolute: bool = False) -> str:
    """Return ``2.1 points [0.4, 3.9]``, or the bare numbers."""
    low, value, high = one.low, one.value, one.high
    if absolute and value < 0:
        low, value, high = -high, -value, -low
    if not points:
        return f"{value:.3g} [{low:.3g}, {high:.3g}]"
    return f"{100 * value:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def _beyond(one: Interval) -> bool:
    """Return whether the interval leaves zero out."""
    return one.low > 0 or one.high < 0


def _rounded(number: int) -> int:
    """Return a number of rows with two digits that count; more would pretend."""
    return int(float(f"{number:.2g}"))


def _mean(repeats: Sequence[Any], name: str, rows: np.ndarray) -> float:
    """Return a metric of some rows, its mean over the repetitions."""
    return float(np.mean([one[name](rows) for one in repeats]))


def sided(one: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return whether a difference is one ahead or behind, and by how much: never by less than nothing."""
    if one["value"] >= 0:
        return "Ahead of", one
    low, high = (None if one.get(end) is None else -one[end] for end in ("high", "low"))
    return "Behind", {**one, "value": -one["value"], "low": low, "high": high}
