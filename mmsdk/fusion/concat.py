"""Concatenation: the plain fusion, with a learned token in the place of an absent input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.interface import Fusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class ConcatFusion(Fusion):
    """All tokens side by side through one linear layer; each input has a learned token for when it is absent.

    The learned token acts in training (an input that is missing or dropped) and in use alike.
    """

    def __init__(self, inputs: Sequence[str], dim: int, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        self.missing = nn.Parameter(torch.randn(len(self.inputs), dim) * 0.02)
        self.mix = nn.Linear(len(self.inputs) * dim, dim)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        whole = torch.where(present[:, :, None], tokens, self.missing.to(tokens.dtype))
        return nn.functional.gelu(self.mix(whole.flatten(1)))
