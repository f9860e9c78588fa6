"""Attention bottleneck: each input keeps to itself, and a few tokens carry what passes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.attention import AttentionLayer
from mmsdk.fusion.steps import StepFusion, StepReader, Steps, fit_heads_to, mean_step
from mmsdk.options import count_option, share_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class BottleneckFusion(StepFusion):
    """The multimodal bottleneck transformer (Nagrani et al. 2021, arXiv:2107.00135, equations 8 and 9).

    In every layer the steps of each input attend to each other and to a few bottleneck tokens, by weights of that input
    alone; then the bottlenecks are the mean of what the inputs that are present made of them. So one input hears of
    another through the bottlenecks only, and the cost grows with each sequence, not with their product. The mean of the
    bottlenecks, and the mean over the present inputs of their mean steps, are the answer; the paper averages the logits
    of one class token an input.

    :param tokens: how many bottleneck tokens.
    :param layers: how many layers; with one, no input hears of another except in the answer.
    :param heads: how many heads each layer attends with, lowered to a number that divides the width of a member.
    :param dropout: share of the values dropped in training.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        dim: int,
        *,
        tokens: int = 4,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(inputs, dim, **options)
        count_option("fusion.options.tokens", tokens, 1, 256)
        count_option("fusion.options.layers", layers, 1, 12)
        heads = fit_heads_to(dim, count_option("fusion.options.heads", heads, 1, 64))
        share_option("fusion.options.dropout", dropout)
        self.read = StepReader(len(self.inputs), dim)
        self.bottlenecks = nn.Parameter(torch.randn(tokens, dim))
        self.layers = nn.ModuleList(
            nn.ModuleList(AttentionLayer(dim, heads, dropout) for _ in self.inputs) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(2 * dim)
        self.mix = nn.Linear(2 * dim, dim)

    def fuse_steps(self, inputs: Sequence[Steps]) -> Tensor:
        """Fuse the steps of each input to ``(b, dim)``."""
        parts = [self.read([one], n) for n, one in enumerate(inputs)]
        hidden, masks = [one for one, _ in parts], [mask for _, mask in parts]
        here = torch.stack([mask.any(1) for mask in masks], dim=1)
        shared = self.bottlenecks.to(hidden[0].dtype).expand(len(here), -1, -1)
        for layer in self.layers:
            hidden, shared = _pass(layer, hidden, masks, here, shared)
        own = torch.stack([mean_step(one, mask) for one, mask in zip(hidden, masks, strict=True)], dim=1)
        whole = torch.cat([shared.mean(1), mean_step(own, here)], dim=1)
        fused: Tensor = self.mix(self.norm(whole))
        return fused


def _pass(
    layer: Any, hidden: list[Tensor], masks: list[Tensor], here: Tensor, shared: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Return the steps of each input and the bottlenecks after one layer; of a row without any input, as they were."""
    found, told = [], []
    for one, steps, mask in zip(layer, hidden, masks, strict=True):
        count = steps.shape[1]
        both = one(torch.cat([steps, shared], dim=1), nn.functional.pad(mask, (0, shared.shape[1]), value=True))
        found.append(both[:, :count])
        told.append(both[:, count:])
    mean = mean_step(torch.stack(told, dim=1).flatten(2), here).view_as(shared)
    return found, torch.where(here.any(1)[:, None, None], mean, shared)
