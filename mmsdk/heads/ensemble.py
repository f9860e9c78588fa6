"""Many small heads in one batched pass that share their matrices: BatchEnsemble as TabM builds it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion import Dropout

if TYPE_CHECKING:
    from torch import Tensor

    from mmsdk.heads.options import EnsembleOptions


class EnsembleHead(nn.Module):
    """``members`` perceptrons on one fused vector, each apart from the shared matrices by vectors of its own.

    A layer of member ``i`` is ``s_i * (W (r_i * x)) + b_i``: ``W`` is shared, ``r_i``, ``s_i`` and ``b_i`` are not
    (Wen et al. 2020, arXiv:2002.06715). As in TabM (Gorishniy et al. 2024, arXiv:2410.24210, section 3.3) the first
    ``r_i`` starts with random signs, so that members differ, every other adapter starts at one, and the last layer is
    each member's own. Training judges every member by its own loss; the answer is the mean of their logits.

    :param dim: length of the fused vector.
    :param width: how many logits the task has.
    :param options: how many members, and what each is made of.
    """

    def __init__(self, dim: int, width: int, options: EnsembleOptions) -> None:
        super().__init__()
        members, hidden = options.members, options.hidden
        sizes = [dim, *[hidden] * options.layers]
        self.layers = nn.ModuleList(
            SharedLinear(before, after, members, first=number == 0)
            for number, (before, after) in enumerate(itertools.pairwise(sizes))
        )
        self.dropout = Dropout(options.dropout)
        bound = 1 / math.sqrt(sizes[-1])
        self.weight = nn.Parameter(torch.empty(members, sizes[-1], width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, width).uniform_(-bound, bound))

    def forward(self, vector: Tensor) -> Tensor:
        """Return what each member answers to fused vectors ``(b, dim)``: ``(members, b, width)``."""
        hidden = vector.expand(len(self.weight), *vector.shape)
        for layer in self.layers:
            hidden = self.dropout(nn.functional.relu(layer(hidden)))
        return torch.baddbmm(self.bias, hidden, self.weight)


class SharedLinear(nn.Module):
    """A linear layer whose matrix all members share, between two vectors that are each member's own.

    :param first: give the members random signs on its input.
    """

    def __init__(self, before: int, after: int, members: int, *, first: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(before)
        signs = torch.randint(0, 2, (members, 1, before)) * 2.0 - 1.0
        self.weight = nn.Parameter(torch.empty(after, before).uniform_(-bound, bound))
        self.into = nn.Parameter(signs if first else torch.ones(members, 1, before))
        self.out = nn.Parameter(torch.ones(members, 1, after))
        self.bias = nn.Parameter(torch.empty(members, 1, after).uniform_(-bound, bound))

    def forward(self, values: Tensor) -> Tensor:
        """Map ``(members, b, before)`` to ``(members, b, after)``."""
        mixed: Tensor = nn.functional.linear(values * self.into, self.weight) * self.out + self.bias
        return mixed


def width_of(task: Any) -> int:
    """Return how many logits a task has."""
    with torch.no_grad():
        return int(task.head(1)(torch.zeros(1, 1)).shape[1])
