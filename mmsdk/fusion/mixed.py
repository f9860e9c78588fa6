"""Mixed fusion: the members of the network fuse in different ways, and answer together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.fusion.concat import ConcatFusion
from mmsdk.fusion.cross_attention import CrossAttentionFusion
from mmsdk.fusion.experts import ExpertsFusion
from mmsdk.fusion.gated import GatedFusion
from mmsdk.fusion.interface import Fusion, mean_attention
from mmsdk.fusion.lowrank import LowRankFusion
from mmsdk.fusion.tensor import TensorFusion
from mmsdk.fusion.transformer import TransformerFusion
from mmsdk.options import choice_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

KINDS: dict[str, type[Fusion]] = {
    "gated": GatedFusion,
    "concat": ConcatFusion,
    "lowrank": LowRankFusion,
    "tensor": TensorFusion,
    "experts": ExpertsFusion,
    "cross-attention": CrossAttentionFusion,
    "transformer": TransformerFusion,
}
USUAL = ("gated", "transformer", "cross-attention", "concat")


class MixedFusion(Fusion):
    """Several fusions, one a member of the network, in turn.

    Members that differ in more than their first weights err less alike, and the mean of answers gains by just that
    (Krogh and Vedelsby 1995, the ambiguity decomposition). A network of fewer members than there are fusions gives each
    member all of them, side by side in its width. Sequences are fused as the means of their steps.

    :param of: names of fusions, each with its own defaults; one that is named twice counts twice.
    """

    def __init__(self, inputs: Sequence[str], dim: int, *, of: Sequence[str] = USUAL, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        kinds = _kinds(of)
        self.widths = [len(part) for part in torch.arange(dim).chunk(len(kinds))]  # fewer parts where dim is too small
        self.parts = nn.ModuleList(kind(inputs, width) for kind, width in zip(kinds, self.widths, strict=False))

    @classmethod
    def members(cls, inputs: Sequence[str], width: int, count: int, **options: Any) -> list[Fusion]:
        """Return the fusions of ``count`` members: those that ``of`` names, in turn."""
        kinds = _kinds(options.get("of", USUAL))
        if count < len(kinds) or set(options) - {"of"}:
            return super().members(inputs, width, count, **options)
        return [kind(inputs, width) for kind in itertools.islice(itertools.cycle(kinds), count)]

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        pieces = zip(self.parts, torch.split(tokens, self.widths, dim=2), strict=True)
        return torch.cat([part(piece, present) for part, piece in pieces], dim=1)

    def attention(self, tokens: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Return where its fusions look, the mean over those that have the same word for it."""
        pieces = zip(self.parts, torch.split(tokens, self.widths, dim=2), strict=True)
        return mean_attention([cast("Fusion", part).attention(piece, present) for part, piece in pieces])


def _kinds(of: Any) -> list[type[Fusion]]:
    """Return the classes that are named."""
    if isinstance(of, str) or not isinstance(of, list | tuple) or not of:
        raise ConfigError(f"fusion.options.of: {of!r} is not a list of fusions, such as [gated, transformer]")
    return [KINDS[choice_option("fusion.options.of", one, KINDS)] for one in of]
