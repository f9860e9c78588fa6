"""Which inputs training lets the network see of each row, drawn at random; a row never loses all it has."""

from __future__ import annotations

import torch
from torch import Tensor


def drop_inputs(present: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Drop each present input of a row with chance ``rate``; where all would go, one at random stays.

    :param present: ``(b, m)`` bool.
    """
    if rate <= 0 or present.shape[1] < 2:
        return present
    draw = torch.rand(present.shape, generator=generator, device=present.device)
    kept = present & (draw >= rate)
    return torch.where(kept.any(dim=1, keepdim=True), kept, present & _highest(draw, present))


def other_subset(present: Tensor, first: Tensor, generator: torch.Generator) -> Tensor:
    """Draw for each row a subset of its inputs, not empty, and not ``first`` where the row has two inputs or more.

    :param present: ``(b, m)`` bool, what the row has.
    :param first: ``(b, m)`` bool, the subset it has to differ from.
    """
    draw = torch.rand(present.shape, generator=generator, device=present.device)
    single = present & _highest(draw, present)
    second = present & (draw >= 0.5)
    second = torch.where(second.any(dim=1, keepdim=True), second, single)
    same = (second == first).all(dim=1, keepdim=True)
    rest = present & ~first
    different = torch.where(rest.any(dim=1, keepdim=True), rest, single)
    return torch.where(same, different, second)


def _highest(draw: Tensor, present: Tensor) -> Tensor:
    """Return a mask that marks one place a row: the present input with the highest draw."""
    best = torch.where(present, draw, draw.new_tensor(-1.0)).argmax(dim=1, keepdim=True)
    return torch.zeros_like(present).scatter(1, best, value=True)
