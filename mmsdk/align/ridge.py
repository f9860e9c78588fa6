"""Least squares: each input is mapped to where the target's vector of the same row is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.align.interface import Aligner, checked_target
from mmsdk.align.moments import Moments
from mmsdk.align.strength import AUTO, Strength, checked_strength, chosen_maps
from mmsdk.align.target import maps_to_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.align.interface import SpaceMap, Views


class RidgeAligner(Aligner):
    """Ridge regression of every other input on the target: ``A = S_gh (S_hh + r I)^-1`` (Hoerl and Kennard 1970).

    That is the minimiser of ``1/2 sum |g - A h|^2`` (and ``r n / 2 |A|^2`` beside it), g being a row's target vector
    and h its other one, each less its mean; ``r`` is a share of the mean variance of h. The common space is the
    target's own, moved so that the training mean is its origin, since cosines are taken about it.

    :param target: the input that the others are mapped to; the first where left out.
    :param regularisation: the share; ``auto`` takes of 0.001 to 10 what finds held-out partners best.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        seed: int = 0,
        target: str | None = None,
        regularisation: Strength = AUTO,
        **options: Any,
    ) -> None:
        super().__init__(inputs, seed=seed, **options)
        self.target = checked_target(inputs, target)
        self.regularisation = checked_strength(regularisation)

    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps; the target's is the identity about its mean."""
        moments = Moments.of(vectors, present)
        bases = {name: np.linalg.eigh(moments.within[name]) for name in self.inputs if name != self.target}
        projected = {name: basis.T @ moments.cross(name, self.target) for name, (_, basis) in bases.items()}

        def maps(share: float) -> dict[str, SpaceMap]:
            def weight(name: str) -> np.ndarray:
                values, basis = bases[name]
                inverse = 1 / (np.maximum(values, 0) + moments.ridge(name, share))
                return np.asarray(basis @ (inverse[:, None] * projected[name]))

            return maps_to_target(self.inputs, self.target, moments, weight)

        return chosen_maps(self, self.regularisation, maps, held_out)
