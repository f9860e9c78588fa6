"""Low-rank fusion: every product between the inputs, through a few factors of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.interface import Fusion, blank_absent
from mmsdk.options import count_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class LowRankFusion(Fusion):
    """Low-rank multimodal fusion (Liu et al. 2018, arXiv:1806.00064, equation 8).

    The tensor of the outer product of all tokens, each with a 1 put before it, is never built: its weights are a sum of
    ``rank`` products of one matrix an input, so that the fused vector is the sum over the ranks of the element-wise
    product of what each input's matrix makes of its token. The weights of the 1, which start at one here so that the
    product of five inputs neither vanishes nor explodes, are all that is left of an absent input: the products of the
    others go on without it.

    :param rank: how many factors each input has.
    """

    def __init__(self, inputs: Sequence[str], dim: int, *, rank: int = 4, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        self.rank = count_option("fusion.options.rank", rank, 1, 256)
        count = len(self.inputs)
        self.factors = nn.Parameter(torch.randn(count, dim, rank * dim) * 0.5 / dim**0.5)
        self.ones = nn.Parameter(torch.ones(count, rank * dim))
        self.weights = nn.Parameter(torch.randn(rank, 1) / rank**0.5)
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        given = blank_absent(tokens, present).transpose(0, 1)
        factors = torch.baddbmm(self.ones[:, None], given, self.factors).unbind(0)
        product = factors[0]
        for one in factors[1:]:
            product = product * one
        ranks = product.view(len(tokens), self.rank, self.dim)
        fused: Tensor = (ranks * self.weights).sum(1) + self.bias
        return fused
