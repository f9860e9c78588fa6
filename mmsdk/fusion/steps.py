"""Fusions over sequences: what they are handed, and all inputs' steps as one row of tokens."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from mmsdk.attention import Waves
from mmsdk.fusion.interface import Fusion, blank_absent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of one input, projected to tokens.

    :param values: ``(b, t, dim)`` floating point. An input that is no kept sequence has one step: its token.
    :param times: ``(b, t)`` float32, seconds from the first step of this input, ascending.
    :param present: ``(b, t)`` bool, the steps that are there: the first ones of a row, none where the input is absent.
        What stands elsewhere in the other two never matters.
    """

    values: Tensor
    times: Tensor
    present: Tensor

    def blanked(self) -> Steps:
        """Return it with zeros where no step is."""
        times = torch.where(self.present, self.times, torch.zeros_like(self.times))
        return Steps(values=blank_absent(self.values, self.present), times=times, present=self.present)


class StepFusion(Fusion):
    """A fusion that reads the steps of inputs whose sequences are kept (``trainable: {type: steps}``).

    A subclass writes ``fuse_steps`` in the place of ``forward``. An application without such an input may use it too:
    each token is then a sequence of one step.
    """

    steps: ClassVar[bool] = True

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse tokens ``(b, m, dim)`` under a mask ``(b, m)`` to ``(b, dim)``, each a sequence of one step."""
        return self.fuse_steps(_single(tokens, present))

    def attention(self, tokens: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Return where the fusion looks, each token a sequence of one step."""
        return self.attend_steps(_single(tokens, present))

    @abstractmethod
    def fuse_steps(self, inputs: Sequence[Steps]) -> Tensor:
        """Fuse.

        :param inputs: the steps of each input, in the order of the names; how many there are at the most may differ.
        :returns: ``(b, dim)``. A row may have no step at all: its answer must be finite, and the same whatever else is
            in the batch.
        """

    def attend_steps(self, inputs: Sequence[Steps]) -> dict[str, Tensor]:
        """Return where the fusion looks, as ``attention`` does: of an input, the sum over its steps."""
        return {}


def _single(tokens: Tensor, present: Tensor) -> list[Steps]:
    """Return tokens ``(b, m, dim)`` as sequences of one step."""
    times = torch.zeros(len(tokens), 1, device=tokens.device)
    return [
        Steps(values=tokens[:, n : n + 1], times=times, present=present[:, n : n + 1]) for n in range(tokens.shape[1])
    ]


def pack_steps(inputs: Sequence[Steps]) -> Tensor:
    """Return the steps of all inputs as one tensor ``(b, t, dim + 2)``: values, times, and 1 where a step is, else 0.

    Rows may be cut out of it, put together and blended like those of any tensor: of two blended rows a step is there
    where either has one, and times still ascend, for those of absent steps are that of the last one.
    """
    parts = [
        torch.cat([one.values, one.times[:, :, None].float(), one.present[:, :, None].float()], dim=2) for one in inputs
    ]
    return torch.cat(parts, dim=1)


def unpack_steps(tokens: Tensor, lengths: Sequence[int]) -> list[Steps]:
    """Return the steps of each input out of one tensor; ``lengths`` says how many each has at the most."""
    bounds = itertools.pairwise(itertools.accumulate(lengths, initial=0))
    parts = [tokens[:, start:stop] for start, stop in bounds]
    return [Steps(values=one[:, :, :-2], times=one[:, :, -2], present=one[:, :, -1] > 0) for one in parts]


class StepReader(nn.Module):
    """Adds to each step who it is from and when it was, and puts several inputs' steps side by side."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.who = nn.Parameter(0.02 * torch.randn(count, dim))
        self.when = Waves(dim)

    def forward(self, inputs: Sequence[Steps], first: int = 0) -> tuple[Tensor, Tensor]:
        """Return tokens ``(b, t, dim)`` and which are there ``(b, t)``, of some inputs in a run from ``first``."""
        clean = [one.blanked() for one in inputs]
        marked = [
            one.values + self.who[first + n].to(one.values.dtype) + self.when(one.times).to(one.values.dtype)
            for n, one in enumerate(clean)
        ]
        return torch.cat(marked, dim=1), torch.cat([one.present for one in inputs], dim=1)


def mean_step(values: Tensor, present: Tensor) -> Tensor:
    """Return the mean of the present steps ``(b, dim)``, zeros where a row has none."""
    total = blank_absent(values, present).sum(1)
    return total / present.sum(1, keepdim=True).clamp_min(1)


def sum_by_input(weights: Tensor, inputs: Sequence[Steps]) -> Tensor:
    """Return weights of steps side by side ``(b, t)`` as one for each input, ``(b, m)``."""
    parts = torch.split(weights, [one.present.shape[1] for one in inputs], dim=1)
    return torch.stack([part.sum(1) for part in parts], dim=1)


def fit_heads_to(dim: int, heads: int) -> int:
    """Return how many attention heads a width takes: ``heads``, lowered to a number that divides it."""
    return math.gcd(dim, heads)
