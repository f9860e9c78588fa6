"""How unlike the training rows a row is: its distance to them in the joint space, as a share of held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT = 1000  # training vectors; more tell little more and are carried by every run
NEIGHBOUR = 5
POINTS = 501  # of each scale of distances


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """Distances to training rows, and what is usual.

    The distance is the one to the fifth nearest training row (Sun et al. 2022, arXiv:2204.06507, who take vectors of
    length one; on three categories of products left out of training the plain distance told them better, an AUC of .75
    against .67), in units of the spread of the training rows. How far a row may be depends on what is given, so
    each subset of the inputs has its own scale; one that has none takes that of the largest part of it that has.

    :param references: float32 ``(m, dim)``.
    :param scales: subset of inputs -> ascending distances of held-out rows answered from that subset, float32.
    """

    references: np.ndarray
    scales: Mapping[tuple[str, ...], np.ndarray]

    def scale(self, given: tuple[str, ...]) -> np.ndarray:
        """Return the scale of a subset, or of the largest known part of it; empty where no part is known."""
        known = {subset: one for subset, one in self.scales.items() if len(one)}
        parts = [subset for subset in known if set(subset) <= set(given)]
        return known[max(parts, key=len)] if parts else np.zeros(0, np.float32)

    def of(self, vectors: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Return the novelty of fused vectors ``(n, dim)``: the share of held-out rows that are less far, 0 to 1."""
        if len(scale) == 0:
            return np.zeros(len(vectors))
        return np.asarray(np.searchsorted(scale, distances(vectors, self.references), side="left") / len(scale))


def kept_rows(rows: np.ndarray) -> np.ndarray:
    """Return up to 1,000 of the rows, ascending, the same each time."""
    if len(rows) <= KEPT:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, KEPT, replace=False))


def distances(vectors: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the distance to the fifth nearest reference over the spread of the references, float32 ``(n,)``."""
    centre = references.mean(0, dtype=np.float64)
    known, asked = references - centre, vectors - centre
    spread = max(float(np.sqrt((known**2).sum(1).mean())), 1e-12)
    squares = (asked**2).sum(1)[:, None] + (known**2).sum(1) - 2 * asked @ known.T
    place = min(NEIGHBOUR, squares.shape[1])
    nearest = np.partition(squares, place - 1, axis=1)[:, place - 1]
    return np.asarray(np.sqrt(np.maximum(nearest, 0.0)) / spread, dtype=np.float32)


def scale_of(held: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return ascending distances, thinned out to 501 quantiles where there are more."""
    ranked = np.sort(np.asarray(held, dtype=np.float32))
    if len(ranked) <= POINTS:
        return ranked
    return np.quantile(ranked, np.linspace(0, 1, POINTS), method="inverted_cdf").astype(np.float32)
