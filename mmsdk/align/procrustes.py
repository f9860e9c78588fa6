"""Orthogonal Procrustes: the rotation that brings an input nearest to the target, lengths and angles kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.align.interface import Aligner, checked_target
from mmsdk.align.moments import Moments
from mmsdk.align.target import maps_to_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.align.interface import SpaceMap, Views


class ProcrustesAligner(Aligner):
    """``R = U V^T`` from ``S_hg = U D V^T``, both about their means (Schoenemann 1966).

    Where the two are of one length R is orthogonal and minimises ``|H R - G|``. Where they are not, R is
    semi-orthogonal and maximises ``trace(R^T H^T G)``, the sum of the inner products of partners: a shorter input is
    turned into the longer space, a longer one keeps its directions that agree most.

    :param target: the input that the others are turned to; the first where left out.
    """

    def __init__(self, inputs: Sequence[str], *, seed: int = 0, target: str | None = None, **options: Any) -> None:
        super().__init__(inputs, seed=seed, **options)
        self.target = checked_target(inputs, target)

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

        def rotation(name: str) -> np.ndarray:
            left, _, right = np.linalg.svd(moments.cross(name, self.target), full_matrices=False)
            return np.asarray(left @ right)

        return maps_to_target(self.inputs, self.target, moments, rotation)
