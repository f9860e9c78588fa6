"""Canonical correlations, regularised, of two inputs or more: the directions in which they say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.align.interface import Aligner, SpaceMap, require_positive
from mmsdk.align.moments import Moments
from mmsdk.align.strength import AUTO, Strength, checked_strength, chosen_maps
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.align.interface import Views

MOST = 256  # dims, unless the user says otherwise


class CanonicalAligner(Aligner):
    """CCA (Hotelling 1936), with ``r I`` on each covariance (Vinod 1976); for more than two inputs MAXVAR.

    MAXVAR (Kettenring 1971; Carroll 1968) takes the leading eigenvectors of ``C w = l D w``, C being the matrix of all
    covariances of all inputs, ``r`` on its diagonal, and D its blocks on the diagonal: the variates whose correlation
    matrix has the largest eigenvalue. It is also SUMCOR under one joint constraint, and with two inputs it is CCA.
    Covariances between two inputs are those of the rows that have both.

    Each direction is weighed by its correlation to the power of ``power`` (Gong et al. 2014, arXiv:1212.4522, who take
    eigenvalues of the joint problem to the fourth), since cosines otherwise count the last direction like the first.

    :param dim: directions to keep; at most the length of the shortest input, and of that 256 where left out.
    :param regularisation: ``r`` as a share of the mean variance of each input; ``auto`` takes of 0.001 to 10 what
        finds held-out partners best.
    :param power: 0 counts all directions alike.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        seed: int = 0,
        dim: int | None = None,
        regularisation: Strength = AUTO,
        power: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(inputs, seed=seed, **options)
        self.dim = dim
        self.regularisation = checked_strength(regularisation)
        self.power = require_positive("power", power, zero=True)

    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps.

        :raises ConfigError: ``dim`` is above the length of an input.
        """
        least = min(vectors, key=lambda name: vectors[name].shape[1])
        most = vectors[least].shape[1]
        if self.dim is not None and self.dim > most:
            raise ConfigError(
                f"align.dim is {self.dim}, and input {least!r} has only {most} dims; set it to {most} or less"
            )
        directions = canonical_maps(Moments.of(vectors, present), self.dim or min(most, MOST))
        return chosen_maps(self, self.regularisation, lambda share: directions(share, self.power), held_out)


def canonical_maps(moments: Moments, dim: int) -> Callable[[float, float], dict[str, SpaceMap]]:
    """Return a function ``(regularisation, power) -> maps``; the eigenvectors of each input are found once.

    Each direction has, over the inputs, variances (with the ridge) of 1 on average: of two inputs each has 1.
    """
    from scipy.linalg import eigh

    names = list(moments.means)
    bases = {name: np.linalg.eigh(moments.within[name]) for name in names}
    turned = {
        (first, second): bases[first][1].T @ moments.cross(first, second) @ bases[second][1]
        for first in names
        for second in names
        if first < second
    }

    def maps(share: float, power: float) -> dict[str, SpaceMap]:
        scales = {name: 1 / np.sqrt(np.maximum(bases[name][0], 0) + moments.ridge(name, share)) for name in names}
        blocks = [[_block(turned, scales, first, second) for second in names] for first in names]
        total = sum(len(one) for one in scales.values())
        values, found = eigh(np.block(blocks), subset_by_index=(total - dim, total - 1))
        order = np.argsort(-values, kind="stable")
        correlation = np.clip((values[order]) / max(len(names) - 1, 1), 0, 1)
        edges = np.cumsum([len(scales[name]) for name in names])[:-1]
        parts = dict(zip(names, np.split(_signed(found[:, order]) * np.sqrt(len(names)), edges), strict=True))
        return {
            name: SpaceMap.affine(
                moments.means[name], bases[name][1] @ (scales[name][:, None] * parts[name]) * correlation**power
            )
            for name in names
        }

    return maps


def _block(
    turned: Mapping[tuple[str, str], np.ndarray], scales: Mapping[str, np.ndarray], first: str, second: str
) -> np.ndarray:
    """Return the correlations between two inputs in their own bases; zeros of an input with itself."""
    if first == second:
        return np.zeros((len(scales[first]), len(scales[first])))
    found = turned[first, second] if first < second else turned[second, first].T
    return np.asarray(scales[first][:, None] * found * scales[second])


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Return eigenvectors with their largest entry above 0: a sign that no library version flips."""
    largest = vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])]
    return np.asarray(vectors * np.where(largest < 0, -1.0, 1.0))
