"""Tensor fusion: the outer product of all inputs, made small enough to be learned from few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.fusion.interface import Fusion, blank_absent
from mmsdk.options import count_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LONGEST = 32


class TensorFusion(Fusion):
    """The tensor fusion network (Zadeh et al. 2017, arXiv:1707.07250), behind a projection of each token.

    Each token is projected to a short vector with a 1 before it, and the outer product of these over all inputs goes
    through one linear layer: it holds every product of values of any of the inputs, those of one alone too. Of an
    absent input only the 1 is left, so that the products of the others go on without it.

    :param products: the most values of the outer product. The short vectors are as long as it allows, 32 at the most:
        with 1,024 products 31 for two inputs, 9 for three, 4 for four, 3 for five.
    :raises ConfigError: the inputs are too many for that, even at one value each.
    """

    def __init__(self, inputs: Sequence[str], dim: int, *, products: int = 1024, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        count = len(self.inputs)
        size = _length(count, count_option("fusion.options.products", products, 2, 1 << 16))
        if size == 0:
            raise ConfigError(
                f"fusion.options.products: the outer product of {count} inputs has {2**count} values at the least, "
                f"more than {products}; raise it, or take the fusion lowrank, which never builds it"
            )
        self.shorten = nn.Parameter(torch.randn(count, dim, size) / dim**0.5)
        self.mix = nn.Linear((size + 1) ** count, dim)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        short = torch.bmm(blank_absent(tokens, present).transpose(0, 1), self.shorten)
        product, *others = nn.functional.pad(short, (1, 0), value=1.0).unbind(0)
        for one in others:
            product = (product[:, :, None] * one[:, None, :]).flatten(1)
        return nn.functional.gelu(self.mix(product))


def _length(count: int, products: int) -> int:
    """Return how long ``count`` short vectors may be for their outer product, each with a 1, to have ``products``."""
    return max((size for size in range(1, LONGEST + 1) if (size + 1) ** count <= products), default=0)
