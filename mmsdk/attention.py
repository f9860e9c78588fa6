"""Attention over steps and tokens with a mask of which are there: one layer, and times as waves."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SHORTEST, LONGEST = 0.05, 600.0  # seconds: periods of the waves that tell times apart


class Waves(nn.Module):
    """Times as sines and cosines of many periods, mixed by a linear layer.

    :param learned: the periods are trained (Time2Vec, Kazemi et al. 2019, arXiv:1907.05321).
    """

    def __init__(self, channels: int, *, learned: bool = False) -> None:
        super().__init__()
        periods = torch.logspace(math.log10(SHORTEST), math.log10(LONGEST), max(1, channels // 2))
        frequencies = 2 * math.pi / periods
        if learned:
            self.frequencies = nn.Parameter(frequencies)
        else:
            self.register_buffer("frequencies", frequencies)
        self.mix = nn.Linear(2 * len(periods), channels)

    def forward(self, times: Tensor) -> Tensor:
        """Return ``(b, t, channels)``; angles are taken in float32 whatever the weights and the autocast are."""
        angles = times.to(torch.float32)[:, :, None] * self.frequencies
        waves = torch.cat([angles.sin(), angles.cos()], dim=2)
        mixed: Tensor = self.mix(waves.to(self.mix.weight.dtype))
        return mixed


class AttentionLayer(nn.Module):
    """Attention and a small network, each on normalised steps and added to them.

    A layer of the encoder of Vaswani et al. 2017 (arXiv:1706.03762), normalised before and not after.

    :param heads: a number that divides ``channels``.
    """

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

    def extra_repr(self) -> str:
        """Show what no layer inside shows."""
        return f"heads={self.heads}, dropout={self.dropout}"

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        """Return ``(b, t, channels)``; no step attends to one that is not ``seen``, of which every row has one."""
        rows, steps, channels = hidden.shape
        query, key, value = self._asked(hidden)
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen[:, None, None, :], dropout_p=self.dropout if self.training else 0.0
        )
        hidden = hidden + self.told(found.transpose(1, 2).reshape(rows, steps, channels))
        total: Tensor = hidden + self.network(hidden)
        return total

    def weights(self, hidden: Tensor, seen: Tensor) -> Tensor:
        """Return how much each step attends to each, the mean over heads: ``(b, t, t)``, rows sum to 1."""
        query, key, _ = self._asked(hidden)
        return attention_weights(query, key, seen)

    def _asked(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, ``(b, heads, t, channels / heads)`` each."""
        rows, steps, channels = hidden.shape
        asked = self.ask(self.attention_norm(hidden)).view(rows, steps, 3, self.heads, channels // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value


def attention_weights(query: Tensor, key: Tensor, seen: Tensor) -> Tensor:
    """Return the weights of scaled dot-product attention, the mean over the heads.

    :param query: ``(b, heads, t, d)``.
    :param key: ``(b, heads, s, d)``.
    :param seen: ``(b, s)`` bool, of which every row has one.
    :returns: ``(b, t, s)``, 0 where nothing is seen.
    """
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    weights: Tensor = scores.masked_fill(~seen[:, None, None, :], -math.inf).softmax(3).mean(1)
    return weights
