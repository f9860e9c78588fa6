"""Mixture of experts: several small fusions, and a router that reads what is present and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.interface import Fusion, blank_absent
from mmsdk.options import count_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class ExpertsFusion(Fusion):
    """A mixture of experts (Jacobs et al. 1991; the best of them alone: Shazeer et al. 2017, arXiv:1701.06538).

    Every expert reads all tokens, zeros where one is absent, and the mask; so does the router, whose softmax says how
    much each expert counts in a row. Rows with other inputs, or that say other things, may thus be fused by other
    weights. All experts are computed; they are few and small, and there is no auxiliary loss that evens out their load.

    :param experts: how many there are.
    :param best: so many of them answer for a row, those with the most weight; 0 lets all.
    """

    def __init__(self, inputs: Sequence[str], dim: int, *, experts: int = 4, best: int = 0, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        count_option("fusion.options.experts", experts, 1, 64)
        self.best = count_option("fusion.options.best", best, 0, experts)
        width = len(self.inputs) * (dim + 1)
        self.route = nn.Linear(width, experts)
        self.experts = nn.Linear(width, experts * dim)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        given = torch.cat([blank_absent(tokens, present).flatten(1), present.to(tokens.dtype)], dim=1)
        scores = self.route(given)
        if self.best:
            least = scores.topk(self.best, dim=1).values[:, -1:]
            scores = scores.masked_fill(scores < least, torch.finfo(scores.dtype).min)
        answers = nn.functional.gelu(self.experts(given)).view(len(given), -1, self.dim)
        fused: Tensor = (scores.softmax(1)[:, :, None] * answers).sum(1)
        return fused
