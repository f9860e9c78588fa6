"""Second moments alone: each input whitened, or given the covariance of the target; who belongs to whom is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.align.interface import Aligner, SpaceMap, checked_target, require_positive
from mmsdk.align.moments import Moments, power
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.align.interface import Views

SHARE = 0.1


class WhiteningAligner(Aligner):
    """ZCA whitening: ``(S + r I)^(-1/2)`` about the mean, so that no direction of an input outshouts the others.

    Of all whitenings the one nearest to the vectors themselves (Kessy, Lewin and Strimmer 2018). It takes a gap between
    inputs of one space away; it does not turn one space into another.

    :param regularisation: ``r`` as a share of the mean variance.
    """

    def __init__(self, inputs: Sequence[str], *, seed: int = 0, regularisation: float = SHARE, **options: Any) -> None:
        super().__init__(inputs, seed=seed, **options)
        self.regularisation = require_positive("regularisation", regularisation)

    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps; each keeps the length of its vectors."""
        moments = Moments.of(vectors, present)
        return {
            name: SpaceMap.affine(
                moments.means[name],
                power(moments.within[name], -0.5, moments.ridge(name, self.regularisation)),
            )
            for name in self.inputs
        }


class CoralAligner(Aligner):
    """CORAL (Sun, Feng and Saenko 2016, arXiv:1511.05547): whitened, then coloured as the target is.

    ``S_h^(-1/2) S_g^(1/2)``, ``r`` on both diagonals where the paper has 1. The target is left as it is about its mean.

    :param target: the input whose covariance the others get; the first where left out.
    :param regularisation: ``r`` as a share of each mean variance.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        seed: int = 0,
        target: str | None = None,
        regularisation: float = SHARE,
        **options: Any,
    ) -> None:
        super().__init__(inputs, seed=seed, **options)
        self.target = checked_target(inputs, target)
        self.regularisation = require_positive("regularisation", regularisation)

    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps.

        :raises ConfigError: the vectors are not of one length.
        """
        dims = {name: values.shape[1] for name, values in vectors.items()}
        if len(set(dims.values())) > 1:
            listed = ", ".join(f"{name} {dim}" for name, dim in dims.items())
            raise ConfigError(
                f"align: coral needs inputs of one length; here: {listed}. Choose ridge, cca or contrastive"
            )
        moments = Moments.of(vectors, present)
        colour = power(moments.within[self.target], 0.5, moments.ridge(self.target, self.regularisation))
        found = {}
        for name in self.inputs:
            white = power(moments.within[name], -0.5, moments.ridge(name, self.regularisation))
            weight = np.eye(len(colour)) if name == self.target else white @ colour
            found[name] = SpaceMap.affine(moments.means[name], weight)
        return found
