"""How well two inputs lie in one space: who finds whom, how alike the spaces are, and how far apart they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.align import Moments, canonical_maps, partner_ranks
from mmsdk.align.retrieval import unit
from mmsdk.evaluate.bootstrap import RESAMPLES, bootstrap, paired
from mmsdk.tasks import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.align import SpaceMap
    from mmsdk.evaluate.bootstrap import Interval

    Statistic = Callable[[np.ndarray], float]
    Metrics = dict[str, dict[str, float | int]]
    Pair = tuple[np.ndarray, np.ndarray]

FOUND, ALIKE = "recall@1", "cka"  # the metric that decides; the other one where cosines cannot be taken
CUTS = (1, 5, 10)
MOST_ROWS = 2000  # judged; CKA compares all with all
DIRECTIONS = 10  # whose canonical correlations are averaged
SHARE = 0.1  # of the ridge on each covariance
FEWEST = 10
LEAST = 4  # rows for which the unbiased HSIC is defined


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How to judge: as :class:`mmsdk.evaluate.Scoring`, for alignment.

    :param groups: ``(n,)`` group of each row: intervals resample whole groups.
    :param directions: whether canonical correlations are judged, whose directions ``train`` rows have to give.
    """

    groups: np.ndarray | None = None
    directions: bool = True
    resamples: int = RESAMPLES // 5
    seed: int = 0
    parts: Sequence[str] = ("val", "test")


def pair_names(dims: Mapping[str, int]) -> dict[str, str]:
    """Return, for each pair of aligned inputs of these lengths, its name in metrics.json and the metric that decides.

    The name holds a ``+``, so that it is never that of a task.
    """
    return {
        f"align {first}+{second}": FOUND if dims[first] == dims[second] else ALIKE
        for first, second in combinations(dims, 2)
    }


def score_alignment(
    before: Any, after: Any, inputs: Sequence[str], split: np.ndarray, *, judging: Judging | None = None
) -> dict[str, dict[str, Any]]:
    """Score each pair of aligned inputs on the rows that have both, before and after.

    :param before: ``values`` and ``present`` of all rows as the encoders answered; ``after`` the same, aligned.
    :returns: as metrics.json holds it: ``{"align photo+title": {part: metrics, "baselines": {"before": metrics},
        "paired": {"before": differences}}}``, the last two of the part that decides (``test``, else ``val``). Recall,
        rank and gap compare by cosine: where the lengths differ, as they may before, they are left out.
    """
    how = judging or Judging()
    found = {}
    for first, second in combinations(inputs, 2):
        both = np.asarray(before.present[first], bool) & np.asarray(before.present[second], bool)
        rows = {part: np.flatnonzero(both & (split == part)) for part in how.parts}
        judged = {part: _at_most(one, how.seed) for part, one in rows.items() if len(one) >= FEWEST}
        train = np.flatnonzero(both & (split == "train"))
        if judged and (len(train) >= FEWEST or not how.directions):
            told = train if how.directions else None
            sides = [_Side(one, first, second, told) for one in (before, after)]
            found[next(iter(pair_names({first: 0, second: 0})))] = _of_pair(sides, judged, how)
    return found


class _Side:
    """One pair of inputs, before or after: its rows, and the canonical directions of the training rows, if any."""

    def __init__(self, embeddings: Any, first: str, second: str, train: np.ndarray | None) -> None:
        self.values = embeddings.values[first], embeddings.values[second]
        self.maps: Mapping[str, SpaceMap] | None = None
        if train is None:
            return
        named = {"0": self.values[0][train], "1": self.values[1][train]}
        moments = Moments.of(named, np.ones((len(train), 2), bool))
        self.maps = canonical_maps(moments, min(DIRECTIONS, *(one.shape[1] for one in self.values)))(SHARE, 0.0)

    def statistics(self, rows: np.ndarray) -> dict[str, Statistic]:
        """Return every figure of some rows as a function of positions among them."""
        left, right = (np.asarray(one[rows], np.float32) for one in self.values)
        found = {"cka": cka_statistic(left, right)}
        if self.maps is not None:
            found["canonical_correlation"] = self._correlation(left, right, self.maps)
        return {**recall_statistics(left, right), **found} if left.shape[1] == right.shape[1] else found

    def _correlation(self, left: np.ndarray, right: np.ndarray, maps: Mapping[str, SpaceMap]) -> Statistic:
        """Return the mean correlation of the canonical variates, whose directions these rows had no part in."""
        first, second = (maps[name](one) for name, one in (("0", left), ("1", right)))

        def statistic(rows: np.ndarray) -> float:
            one, other = (side[rows] - side[rows].mean(0) for side in (first, second))
            spread = np.linalg.norm(one, axis=0) * np.linalg.norm(other, axis=0)
            return float(np.mean((one * other).sum(0) / np.where(spread > 0, spread, 1.0)))

        return statistic


def recall_statistics(left: np.ndarray, right: np.ndarray) -> dict[str, Statistic]:
    """Return recall at 1, 5 and 10 both ways and on average, the mean reciprocal rank, and the modality gap.

    A row finds its partner among all the rows that are judged, by cosine. The gap is the distance between the means of
    the two inputs' unit vectors (Liang et al. 2022, arXiv:2203.02053).
    """
    ranks = {"forth": partner_ranks(left, right), "back": partner_ranks(right, left)}
    found: dict[str, Statistic] = {}
    for cut in CUTS:
        hits = {way: one <= cut for way, one in ranks.items()}
        found[f"recall@{cut}"] = _mean(sum(one.astype(float) for one in hits.values()) / 2)
        found |= {f"recall@{cut}_{way}": _mean(one) for way, one in hits.items()}
    found["mrr"] = _mean((1 / ranks["forth"] + 1 / ranks["back"]) / 2)
    units = unit(left), unit(right)
    apart = units[0] - units[1]
    found["modality_gap"] = by_halves(lambda rows: float(np.linalg.norm(apart[rows].mean(0))), len(left))
    return found


def cka_statistic(left: np.ndarray, right: np.ndarray) -> Statistic:
    """Return debiased linear CKA (Kornblith et al. 2019, arXiv:1905.00414) as a function of row positions.

    With fewer rows than dims the plain one is near 1 for anything; this one estimates HSIC without bias (Song et al.
    2012).
    """
    grams = [np.asarray(one, np.float64) @ np.asarray(one, np.float64).T for one in (left, right)]
    return by_halves(lambda rows: debiased_cka(*(one[np.ix_(rows, rows)] for one in grams)), len(left))


def by_halves(statistic: Statistic, n: int) -> Statistic:
    """Return a statistic of all ``n`` rows whose bootstrap does not drift from it.

    Rows drawn twice are each other's copies, which raises CKA; so do groups of rows that are alike, in a sample with
    fewer of them; and the length of a mean is the greater the fewer rows it is taken over. A resample therefore splits
    all rows into two halves, its first rows and the others, and moves the value by half of the difference between the
    two, which has none of these biases and varies as the value does.
    """
    everything = np.arange(n)
    value = statistic(everything)

    def halved(rows: np.ndarray) -> float:
        _, first = np.unique(rows, return_index=True)
        if len(first) == n:
            return value
        half = rows[np.sort(first)][: n // 2]
        return value + (statistic(half) - statistic(np.setdiff1d(everything, half))) / 2

    return halved


def debiased_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Return CKA of two Gram matrices ``(n, n)`` by the unbiased estimate of HSIC; NaN of fewer than four rows."""
    if len(first) < LEAST:
        return math.nan
    both = [one - np.diag(np.diag(one)) for one in (first, second)]
    own = _hsic(both[0], both[0]) * _hsic(both[1], both[1])
    return _hsic(*both) / float(np.sqrt(own)) if own > 0 else 0.0


def _hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Return the unbiased HSIC of two Gram matrices with zeros on the diagonal (Song et al. 2012, equation 5)."""
    n = len(first)
    sums = first.sum(0), second.sum(0)
    inner = float((first * second).sum()) - 2 / (n - 2) * float(sums[0] @ sums[1])
    return (inner + float(sums[0].sum() * sums[1].sum()) / ((n - 1) * (n - 2))) / (n * (n - 3))


def _of_pair(sides: Sequence[_Side], judged: Mapping[str, np.ndarray], how: Judging) -> dict[str, Any]:
    """Return the figures of one pair of inputs."""
    found: dict[str, Any] = {}
    decides = next((part for part in ("test", "val") if part in judged), "")
    for part, rows in judged.items():
        groups = None if how.groups is None else how.groups[rows]
        draws: dict[str, Any] = {"groups": groups, "resamples": how.resamples, "seed": how.seed}
        before, after = (one.statistics(rows) for one in sides)
        found[part] = _json(bootstrap(after, len(rows), **draws))
        if part == decides:
            found["baselines"] = {"before": _json(bootstrap(before, len(rows), **draws))}
            shared = [name for name in before if name in after]
            ahead = {name: paired(after[name], before[name], len(rows), **draws) for name in shared}
            found["paired"] = {"before": _json(ahead)}
    return found


def _json(found: Mapping[str, Interval]) -> Metrics:
    """Return intervals as metrics.json holds them."""
    return {name: one.as_json() for name, one in found.items()}


def _mean(values: np.ndarray | float) -> Statistic:
    """Return the mean of shares over chosen rows."""
    known = np.asarray(values, np.float64)
    return Share(of=lambda rows: float(known[rows].mean()), weights=np.ones(len(known)))


def _at_most(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return all rows, or as many as are judged, drawn by the seed."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
