"""The trainable ``tcn``: dilated convolutions over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.options import choice_option, count_option, share_option
from mmsdk.trainable.interface import Trainable
from mmsdk.trainable.steps import pool_steps, present_steps

if TYPE_CHECKING:
    from torch import Tensor


class Tcn(Trainable):
    """A temporal convolutional network (Bai et al. 2018, arXiv:1803.01271), with a mask.

    Each layer looks twice as far as the one before and adds to what came in; mean and maximum of the present steps
    are the answer. Steps are counted, their times are not read: it suits steps at an even pace. It differs from the
    paper where rows must not depend on each other or on padding: steps that are not there are zeros before every
    convolution, each step is normalised by itself instead of by weight normalisation, and a layer has one convolution.

    :param channels: width of a step inside.
    :param layers: how many layers; they see ``(kernel - 1) * (2 ** layers - 1) + 1`` steps.
    :param kernel: steps that one convolution reads; odd where not causal.
    :param dropout: share of the values dropped in training.
    :param causal: a step sees no later one, as in the paper; for live input.
    """

    def __init__(
        self,
        dim: int,
        width: int,
        *,
        channels: int = 64,
        layers: int = 3,
        kernel: int = 3,
        dropout: float = 0.1,
        causal: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(dim, width, **options)
        causal = choice_option("trainable.options.causal", causal, (True, False))
        count_option("trainable.options.channels", channels, 1, 4096)
        kernel = choice_option("trainable.options.kernel", kernel, range(2, 32) if causal else range(3, 32, 2))
        share_option("trainable.options.dropout", dropout)
        count_option("trainable.options.layers", layers, 1, 12)
        self.read = nn.Linear(dim, channels)
        self.layers = nn.ModuleList(
            _Layer(channels, kernel, 2**depth, dropout, causal)
            for depth in range(count_option("trainable.options.layers", layers, 1, 12))
        )
        self.norm = nn.LayerNorm(2 * channels)
        self.answer = nn.Linear(2 * channels, width)

    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Turn ``(b, t, dim)`` into ``(b, width)``; ``times`` are not read."""
        values, _, present = present_steps(values, times, present)
        hidden = self.read(values)
        for layer in self.layers:
            hidden = layer(hidden, present)
        answer: Tensor = self.answer(self.norm(pool_steps(hidden, present)))
        return answer


class _Layer(nn.Module):
    """Normalise, convolve, add."""

    def __init__(self, channels: int, kernel: int, dilation: int, dropout: float, causal: bool) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        self.margins = (reach, 0) if causal else (reach // 2, reach // 2)
        self.norm = nn.LayerNorm(channels)
        self.convolve = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.mix = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, present: Tensor) -> Tensor:
        """Return ``(b, t, channels)`` with what the neighbours of each step add."""
        normed = self.norm(hidden)
        normed = torch.where(present[:, :, None], normed, torch.zeros_like(normed))  # padding says nothing
        padded = nn.functional.pad(normed.transpose(1, 2), self.margins)
        added = self.mix(self.dropout(nn.functional.gelu(self.convolve(padded).transpose(1, 2))))
        total: Tensor = hidden + added
        return total
