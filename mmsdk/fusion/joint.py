"""The encoders' own shared space: nothing to learn, and a text finds a picture without any training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.interface import Fusion, blank_absent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


class JointFusion(Fusion):
    """The mean of the unit vectors of the inputs that are present, for encoders that share one space (CLIP, CLAP)."""

    def __init__(self, inputs: Sequence[str], dim: int, **options: Any) -> None:
        super().__init__(inputs, dim, **options)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``; a row without any input is zeros."""
        mask = present.to(tokens.dtype)
        return blank_absent(tokens, present).sum(1) / mask.sum(1, keepdim=True).clamp_min(1)


class UnitProjector(nn.Module):
    """In the place of a projector: each vector at length one, as it is; no statistics and no weights.

    :param dims: input name -> length of its vectors, the same for all.
    """

    def __init__(self, dims: Mapping[str, int]) -> None:
        super().__init__()
        self.inputs = tuple(dims)
        self.dims = dict(dims)
        self.lengths: tuple[int, ...] | None = None
        self.register_buffer("mean_0", torch.zeros(1), persistent=False)  # tells the device

    def fit(self, vectors: Mapping[str, Tensor], present: Tensor) -> None:
        """Learn nothing."""

    def standardise(self, vectors: Mapping[str, Tensor], present: Tensor) -> list[Tensor]:
        """Return ``(n, dim)`` of length one for each input, zeros where it is absent."""
        found = []
        for position, name in enumerate(self.inputs):
            values = vectors[name].float()
            clean = torch.where(present[:, position, None], values, torch.zeros_like(values))
            found.append(nn.functional.normalize(clean, dim=1))
        return found

    def usual(self, name: str, vectors: Tensor) -> Tensor:
        """Return zeros in the place of vectors of one input ``(n, d)``: they point nowhere."""
        return torch.zeros_like(vectors)

    def token_of(self, tokens: Tensor, name: str) -> Tensor:
        """Return the token of one input ``(b, dim)``."""
        return tokens[:, self.inputs.index(name)]

    def forward(self, standard: Sequence[Tensor]) -> Tensor:
        """Return tokens ``(b, m, dim)``."""
        return torch.stack(list(standard), dim=1)
