"""Transformer fusion: every token, or every step of every input, attends to all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from mmsdk.attention import AttentionLayer
from mmsdk.fusion.steps import StepFusion, StepReader, Steps, fit_heads_to, mean_step, sum_by_input
from mmsdk.options import count_option, share_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class TransformerFusion(StepFusion):
    """A transformer encoder (Vaswani et al. 2017, arXiv:1706.03762) over the tokens of the inputs.

    A learned summary token joins every row. Each token knows its input and, in a kept sequence, its time; none attends
    to what is absent. The summary and the mean of the present tokens are the answer. Over sequences every step attends
    to every other, which costs with the square of their number: the fusion ``bottleneck`` does not.

    :param layers: how many layers.
    :param heads: how many heads each layer attends with, lowered to a number that divides the width of a member.
    :param dropout: share of the values dropped in training.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        dim: int,
        *,
        layers: int = 1,
        heads: int = 4,
        dropout: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(inputs, dim, **options)
        heads = fit_heads_to(dim, count_option("fusion.options.heads", heads, 1, 64))
        share_option("fusion.options.dropout", dropout)
        self.read = StepReader(len(self.inputs), dim)
        self.summary = nn.Parameter(0.02 * torch.randn(dim))
        self.layers = nn.ModuleList(
            AttentionLayer(dim, heads, dropout) for _ in range(count_option("fusion.options.layers", layers, 1, 12))
        )
        self.norm = nn.LayerNorm(2 * dim)
        self.mix = nn.Linear(2 * dim, dim)

    def fuse_steps(self, inputs: Sequence[Steps]) -> Tensor:
        """Fuse the steps of each input to ``(b, dim)``."""
        hidden, seen = self._summarised(inputs)
        for layer in self.layers:
            hidden = layer(hidden, seen)
        whole = torch.cat([hidden[:, 0], mean_step(hidden[:, 1:], seen[:, 1:])], dim=1)
        fused: Tensor = self.mix(self.norm(whole))
        return fused

    def attend_steps(self, inputs: Sequence[Steps]) -> dict[str, Tensor]:
        """Return how much the summary attends to each input, the mean over heads and layers; the rest is to itself."""
        hidden, seen = self._summarised(inputs)
        looked = []
        for layer in self.layers:
            looked.append(cast("AttentionLayer", layer).weights(hidden, seen)[:, 0, 1:])
            hidden = layer(hidden, seen)
        return {"attention of the summary": sum_by_input(torch.stack(looked).mean(0), inputs)}

    def _summarised(self, inputs: Sequence[Steps]) -> tuple[Tensor, Tensor]:
        """Return the summary token and the steps of all inputs behind it, and which of them are there."""
        hidden, present = self.read(inputs)
        hidden = torch.cat([self.summary.to(hidden.dtype).expand(len(hidden), 1, -1), hidden], dim=1)
        return hidden, nn.functional.pad(present, (1, 0), value=True)
