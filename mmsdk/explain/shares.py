"""What each input adds to the answers of many rows: the mean size of its Shapley values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import bootstrap
from mmsdk.evaluate.mean import Mean
from mmsdk.explain.scoring import score_of
from mmsdk.explain.shapley import EXACT_UP_TO, PERMUTATIONS, shapley_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.evaluate.scores import Scoring
    from mmsdk.explain.scoring import Answers, Rows

MOST_ROWS = 200
MOST_ANSWERS = 12_800  # rows times coalitions


def mean_shares(
    answers: Answers, values: Rows, present: Rows, rows: np.ndarray, *, scoring: Scoring | None = None
) -> dict[str, dict[str, Any]]:
    """Return input -> the mean absolute Shapley value over rows that have it, as ``{value, low, high, n}``.

    What is divided up is each row's own answer: the probability of its label, or the number.

    :param rows: positions; of many, up to 200 evenly spread, fewer where the inputs are many.
    :param scoring: groups, resamples and seed of the interval.
    """
    chosen = _some(rows, len(values))
    found = row_shares(answers, values, present, chosen)
    summed: dict[str, dict[str, Any]] = {}
    for name, shares in found.items():
        here = np.flatnonzero(present[name][chosen])
        if not len(here):
            continue
        groups = None if scoring is None or scoring.groups is None else scoring.groups[chosen[here]]
        summed[name] = _interval(np.abs(shares[here]), groups, scoring)
    return summed


def _interval(sizes: np.ndarray, groups: np.ndarray | None, scoring: Scoring | None) -> dict[str, Any]:
    """Return the mean of some sizes with its interval."""
    return bootstrap(
        {"mean": Mean(sizes)},
        len(sizes),
        groups=groups,
        resamples=1000 if scoring is None else scoring.resamples,
        seed=0 if scoring is None else scoring.seed,
    )["mean"].as_json()


def row_shares(answers: Answers, values: Rows, present: Rows, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return input -> the Shapley value of each row ``(r,)``, 0 where the row does not have it."""
    shares = {name: np.zeros(len(rows)) for name in values}
    there = np.stack([np.asarray(present[name])[rows] for name in values], axis=1)
    for pattern, places in _patterns(there):
        names = [name for name, here in zip(values, pattern, strict=True) if here]
        part = {name: np.asarray(one[rows[places]], np.float32) for name, one in values.items()}
        for name, row in zip(names, _of_pattern(answers, part, names), strict=True):
            shares[name][places] = row
    return shares


def _of_pattern(answers: Answers, part: Rows, names: list[str]) -> np.ndarray:
    """Return the values ``(k, n)`` of rows that have the same inputs."""
    count = len(next(iter(part.values())))
    whole = answers(part, {name: np.full(count, name in names) for name in part})

    def worth(masks: np.ndarray) -> np.ndarray:
        rows = np.tile(np.arange(count), len(masks))
        here = {name: np.zeros(len(rows), bool) for name in part}
        here |= {name: np.repeat(masks[:, place], count) for place, name in enumerate(names)}
        outputs = answers({name: one[rows] for name, one in part.items()}, here)
        found = [score_of(one, whole[row]) for one, row in zip(outputs, rows.tolist(), strict=True)]
        return np.array(found).reshape(len(masks), count)

    return shapley_values(worth, len(names)).values


def _patterns(there: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each set of inputs that rows have, and the places of those rows."""
    patterns, which = np.unique(there, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            yield pattern, np.flatnonzero(which.reshape(-1) == number)


def _some(rows: np.ndarray, inputs: int) -> np.ndarray:
    """Return as many rows, evenly spread, as are answered in a moment."""
    coalitions = 2**inputs if inputs <= EXACT_UP_TO else PERMUTATIONS * inputs
    most = max(10, min(MOST_ROWS, MOST_ANSWERS // coalitions))
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64))]


def strongest(shares: Mapping[str, float], count: int = 3) -> str:
    """Return ``photo +0.31, title +0.12`` for a line of text."""
    ranked = sorted(shares.items(), key=lambda one: -abs(one[1]))[:count]
    return ", ".join(f"{name} {value:+.2g}" for name, value in ranked)
