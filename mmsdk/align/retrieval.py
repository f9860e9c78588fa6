"""How well the vectors of two inputs find each other: the rank of a row's own partner."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mmsdk.align.interface import SpaceMap, Views

BLOCK = 1024


def partner_ranks(asked: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` float64: at which place row i of ``offered`` comes when row i of ``asked`` asks, best is 1.

    By cosine, among all rows of ``offered``; of equals the middle place counts, so that a map which makes all rows
    alike gains nothing.

    :param asked: ``(n, k)``.
    :param offered: ``(n, k)``, row for row the partners.
    """
    asked, offered = unit(asked), unit(offered)
    found = np.zeros(len(asked))
    for start in range(0, len(asked), BLOCK):
        scores = asked[start : start + BLOCK] @ offered.T
        rows = np.arange(len(scores))
        own = scores[rows, start + rows][:, None]
        found[start : start + BLOCK] = 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows at length one, zeros where they are nothing."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def mean_reciprocal_rank(maps: Mapping[str, SpaceMap], held_out: Views) -> float:
    """Return the mean of 1/rank over all pairs of inputs, both ways; 0.0 where no row has two."""
    vectors, present = held_out
    places = {name: position for position, name in enumerate(vectors)}
    found = []
    for first, second in combinations(maps, 2):
        rows = np.flatnonzero(present[:, places[first]] & present[:, places[second]])
        left, right = maps[first](vectors[first][rows]), maps[second](vectors[second][rows])
        found += [1 / partner_ranks(left, right), 1 / partner_ranks(right, left)]
    together = np.concatenate(found) if found else np.zeros(0)
    return float(together.mean()) if len(together) else 0.0


def best_of(
    strengths: Iterable[float], make: Callable[[float], dict[str, SpaceMap]], held_out: Views
) -> tuple[float, dict[str, SpaceMap]]:
    """Return the strength, and its maps, by which held-out partners find each other best; the first of equals."""
    tried = [(strength, make(strength)) for strength in strengths]
    return max(tried, key=lambda one: mean_reciprocal_rank(one[1], held_out))
