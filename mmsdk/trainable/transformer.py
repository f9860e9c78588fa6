"""The trainable ``transformer``: attention over the steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.trainable.interface import Trainable
from mmsdk.trainable.steps import choice_option, count_option, pool_steps, present_steps, share_option

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST, LONGEST = 0.05, 600.0  # seconds: periods of the waves that tell times apart


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
        count_option("heads", heads, 1, 64)
        if count_option("channels", channels, 2, 4096) % heads or channels % 2:
            raise ConfigError(f"trainable.options.channels: {channels} is not even or no multiple of the {heads} heads")
        share_option("dropout", dropout)
        count_option("layers", layers, 1, 12)
        self.encoding = choice_option("encoding", encoding, ("sinusoidal", "learned", "none"))
        self.read = nn.Linear(dim, channels)
        self.waves = _Waves(channels, learned=encoding == "learned") if encoding != "none" else None
        self.summary = nn.Parameter(0.02 * torch.randn(channels))
        self.layers = nn.ModuleList(_Layer(channels, heads, dropout) for _ in range(layers))
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


class _Waves(nn.Module):
    """Times as sines and cosines of many periods, mixed by a linear layer."""

    def __init__(self, channels: int, *, learned: bool) -> None:
        super().__init__()
        periods = torch.logspace(math.log10(SHORTEST), math.log10(LONGEST), channels // 2)
        frequencies = 2 * math.pi / periods
        if learned:
            self.frequencies = nn.Parameter(frequencies)
        else:
            self.register_buffer("frequencies", frequencies)
        self.mix = nn.Linear(channels, channels)

    def forward(self, times: Tensor) -> Tensor:
        """Return ``(b, t, channels)`` float32; angles are taken in float32 whatever the autocast."""
        angles = times.to(torch.float32)[:, :, None] * self.frequencies
        mixed: Tensor = self.mix(torch.cat([angles.sin(), angles.cos()], dim=2))
        return mixed


class _Layer(nn.Module):
    """Attention and a small network, each on normalised steps and added to them."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.told = nn.Linear(channels, channels)
        self.network = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 2 * channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * channels, channels),
            nn.Dropout(dropout),
        )

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        """Return ``(b, t, channels)``; no step attends to one that is not ``seen``."""
        rows, steps, channels = hidden.shape
        asked = self.ask(self.attention_norm(hidden)).view(rows, steps, 3, self.heads, channels // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind(0)
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen[:, None, None, :], dropout_p=self.dropout if self.training else 0.0
        )
        hidden = hidden + self.told(found.transpose(1, 2).reshape(rows, steps, channels))
        total: Tensor = hidden + self.network(hidden)
        return total
