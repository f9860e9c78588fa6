"""The trainable ``transformer``: attention over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.attention import AttentionLayer, Waves
from mmsdk.errors import ConfigError
from mmsdk.options import choice_option, count_option, share_option
from mmsdk.trainable.interface import Trainable
from mmsdk.trainable.steps import pool_steps, present_steps

if TYPE_CHECKING:
    from torch import Tensor


class Transformer(Trainable):
    """A small transformer encoder (Vaswani et al. 2017, arXiv:1706.03762) over the steps, with a mask.

    It reads the times in seconds, so that steps at an uneven pace keep their distance. A learned summary token joins
    every row; it, and mean and maximum of the present steps, are the answer.

    :param channels: width of a step inside; a multiple of ``heads``, even.
    :param layers: how many layers.
    :param heads: how many heads each layer attends with.
    :param dropout: share of the values dropped in training.
    :param encoding: of times: ``sinusoidal`` (waves of fixed periods from 0.05 to 600 s), ``learned`` (the periods
        are trained: Time2Vec, Kazemi et al. 2019, arXiv:1907.05321) or ``none`` (order does not matter).
    """

    def __init__(
        self,
        dim: int,
        width: int,
        *,
        channels: int = 64,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        encoding: str = "sinusoidal",
        **options: Any,
    ) -> None:
        super().__init__(dim, width, **options)
        count_option("trainable.options.heads", heads, 1, 64)
        if count_option("trainable.options.channels", channels, 2, 4096) % heads or channels % 2:
            raise ConfigError(f"trainable.options.channels: {channels} is not even or no multiple of the {heads} heads")
        share_option("trainable.options.dropout", dropout)
        count_option("trainable.options.layers", layers, 1, 12)
        self.encoding = choice_option("trainable.options.encoding", encoding, ("sinusoidal", "learned", "none"))
        self.read = nn.Linear(dim, channels)
        self.waves = Waves(channels, learned=encoding == "learned") if encoding != "none" else None
        self.summary = nn.Parameter(0.02 * torch.randn(channels))
        self.layers = nn.ModuleList(AttentionLayer(channels, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(3 * channels)
        self.answer = nn.Linear(3 * channels, width)

    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Turn ``(b, t, dim)`` at ``times`` into ``(b, width)``."""
        values, times, present = present_steps(values, times, present)
        hidden = self.read(values)
        if self.waves is not None:
            hidden = hidden + self.waves(times).to(hidden.dtype)
        hidden = torch.cat([self.summary.to(hidden.dtype).expand(len(hidden), 1, -1), hidden], dim=1)
        seen = nn.functional.pad(present, (1, 0), value=True)  # the summary is there, so no row is without any step
        for layer in self.layers:
            hidden = layer(hidden, seen)
        pooled = torch.cat([hidden[:, 0], pool_steps(hidden[:, 1:], present)], dim=1)
        answer: Tensor = self.answer(self.norm(pooled))
        return answer
