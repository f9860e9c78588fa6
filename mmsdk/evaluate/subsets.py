"""What each subset of the inputs is worth, and what one more input adds, from cached embeddings: no encoder runs."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import resampled, units_drawn
from mmsdk.evaluate.bootstrap import LEVEL, interval, reach_of
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.model import JointNet

ALL_UP_TO = 8  # inputs: 255 subsets; beyond, the ones that say most
FEWEST = 4  # rows or groups that can tell a loss from luck
EVERY_METRIC_UP_TO = 5  # inputs: 31 subsets; beyond, only the metric that decides

Drawn = tuple[float, np.ndarray]
"""A subset's score, higher better, and its scores ``(resamples,)`` on resampled rows."""


def input_subsets(inputs: Sequence[str], all_up_to: int = ALL_UP_TO) -> list[tuple[str, ...]]:
    """Return the subsets to score, smallest first, each in the order of the inputs.

    All ``2^m - 1`` up to so many inputs; else each input alone, each left out, and all together.
    """
    count = len(inputs)
    sizes = range(1, count + 1) if count <= all_up_to else (1, count - 1, count)
    return [subset for size in sizes for subset in combinations(inputs, size)]


def subset_logits(net: JointNet, embeddings: Any, rows: np.ndarray, subset: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the logits of every task for some rows as if only ``subset`` had been given.

    A row that has none of the subset is answered too: by what the model says when it knows nothing.
    """
    return infer(net, embeddings.values, embeddings.present, rows=rows, keep=subset)[1]


def draw_scores(
    statistic: Callable[[np.ndarray], float],
    n: int,
    *,
    better: int,
    groups: np.ndarray | None,
    resamples: int,
    seed: int,
) -> Drawn:
    """Return a metric on all rows and on each resample, times ``better`` (1 where higher is better, else -1).

    Equal ``n``, ``groups`` and ``seed`` see the same resamples, so that differences between subsets are paired.
    """
    drawn = [statistic(rows) for rows in resampled(n, groups=groups, resamples=resamples, seed=seed)]
    return better * statistic(np.arange(n)), better * np.asarray(drawn, dtype=np.float64)


def added_inputs(
    scores: Mapping[tuple[str, ...], Drawn], n: int, metric: str, *, groups: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what each input adds to each subset without it, and where it takes away more than chance explains.

    Differences are gains: positive where the input helps, whatever the direction of the metric. There are many of
    them, and of a hundred honest ones two or three lie below zero by their own 95 % interval. So ``worse`` names only
    those that stay below zero in a band that holds all of them at once in 95 % of the resamples (the bootstrap
    of the largest standardised deviation; Romano and Wolf 2005, doi:10.1198/016214504000000539, whose first step this
    is, by the upper percentile as the intervals have it, where they mirror the lower one).

    :param scores: subset -> its score and its scores on the same resamples.
    :param n: rows that they rest on; ``groups``: ``(n,)``, what the resamples drew.
    :returns: ``{"added": {input: {"a+b": {metric: {value, low, high, n}}}}, "worse": {input: ["a+b"]}}``, the names
        being of the subset that the input was added to. What is not defined on the rows is left out.
    """
    scores = {subset: one for subset, one in scores.items() if np.isfinite(one[0])}
    pairs = [(subset, one) for subset in scores for one in _absent(subset, scores)]
    gains = [_gain(scores[subset], scores[_with(subset, one, scores)]) for subset, one in pairs]
    found: dict[str, Any] = {"added": {}, "worse": {}}
    units = units_drawn(n, groups)
    for (subset, one), (value, drawn), bad in zip(pairs, gains, beyond_noise(gains, units=units), strict=True):
        name = "+".join(subset)
        found["added"].setdefault(one, {})[name] = {metric: interval(value, drawn, n, units=units).as_json()}
        if bad:
            found["worse"].setdefault(one, []).append(name)
    return found


def beyond_noise(gains: Sequence[Drawn], level: float = LEVEL, *, units: int | None = None) -> list[bool]:
    """Return which gains are below zero in a band that holds all of them at once.

    Of fewer than 30 rows or groups the band is as much wider as their number asks for
    (:func:`mmsdk.evaluate.bootstrap.reach_of`): else six honest gains of four groups are called worse in four of ten
    cases. Of fewer than four groups none is.

    :param gains: each with its values on the same resamples, ``(resamples,)``.
    :param units: how many rows or groups a resample draws; taken to be many where left out.
    """
    if units is not None and units < FEWEST:
        return [False] * len(gains)
    spreads = [float(np.nanstd(drawn)) if np.isfinite(drawn).any() else 0.0 for _, drawn in gains]
    deviations = [(drawn - value) / spread for (value, drawn), spread in zip(gains, spreads, strict=True) if spread > 0]
    highest = np.nan_to_num(np.stack(deviations), nan=-np.inf).max(axis=0) if deviations else np.zeros(1)
    width = reach_of(float(np.quantile(highest[np.isfinite(highest)], level)), units)
    return [value + width * spread < 0 for (value, _), spread in zip(gains, spreads, strict=True)]


def _absent(subset: tuple[str, ...], scores: Mapping[tuple[str, ...], Drawn]) -> list[str]:
    """Return the inputs whose addition to a subset was scored too."""
    inputs = dict.fromkeys(one for each in scores for one in each)
    return [one for one in inputs if one not in subset and _with(subset, one, scores) in scores]


def _with(subset: tuple[str, ...], one: str, scores: Mapping[tuple[str, ...], Drawn]) -> tuple[str, ...]:
    """Return a subset with one more input, in the order of the inputs."""
    inputs = dict.fromkeys(name for each in scores for name in each)
    return tuple(name for name in inputs if name == one or name in subset)


def _gain(without: Drawn, given: Drawn) -> Drawn:
    """Return the difference and its values on the resamples."""
    return given[0] - without[0], given[1] - without[1]
