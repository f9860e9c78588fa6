"""Where a trainable meets the network: packed rows in, standardised steps to the trainable, one vector out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from mmsdk.trainable.interface import Trainable

NO_STEP = -1.0
LIMIT = 6.0


class SequenceStem(nn.Module):
    """A trainable over packed rows ``(b, steps * (dim + 1))``.

    A row holds for each step the seconds since the one before, below zero where there is no step; then their values.

    :param steps: of a row.
    :param dim: length of the vector of a step.
    """

    def __init__(self, trainable: Trainable, steps: int, dim: int) -> None:
        super().__init__()
        self.trainable = trainable
        self.steps = steps
        self.dim = dim

    def statistics(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and spread ``(dim,)`` over every step that is there in ``(n, steps * (dim + 1))``."""
        gaps, values = self._parts(rows)
        steps = values[gaps >= 0]
        return steps.mean(0), steps.std(0, correction=0)

    def standardise(self, rows: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return rows with the values of their steps standardised; zeros where there is no step."""
        gaps, values = self._parts(rows)
        values = ((values - mean) / scale).clamp(-LIMIT, LIMIT)
        values = torch.where((gaps >= 0)[:, :, None], values, torch.zeros_like(values))
        return torch.cat([gaps, values.flatten(1)], dim=1)

    def usual(self, rows: Tensor, mean: Tensor) -> Tensor:
        """Return rows whose every step has the mean ``(dim,)`` of the steps in the place of its values."""
        gaps, values = self._parts(rows)
        return torch.cat([gaps, mean.expand_as(values).flatten(1)], dim=1)

    def means(self, rows: Tensor) -> Tensor:
        """Return the mean step ``(n, dim)`` of packed rows, zeros where a row has no step."""
        gaps, values = self._parts(rows)
        there = (gaps >= 0).to(values.dtype)
        return torch.einsum("nt,ntd->nd", there, values) / there.sum(1, keepdim=True).clamp_min(1)

    def absent(self, rows: Tensor) -> Tensor:
        """Return rows of the same shape without any step."""
        empty = torch.zeros_like(rows)
        empty[:, : self.steps] = NO_STEP
        return empty

    def forward(self, rows: Tensor) -> Tensor:
        """Return the trainable's answer ``(b, width)`` for standardised rows."""
        gaps, values = self._parts(rows)
        present = gaps >= 0
        times = torch.where(present, gaps, torch.zeros_like(gaps)).cumsum(1)
        answer: Tensor = self.trainable(values, times, present)
        return answer

    @property
    def each_step(self) -> bool:
        """Return whether the trainable can answer each step."""
        return self.trainable.each_step

    def steps_of(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return its answer to each step ``(b, steps, width)``, their times and which are there ``(b, steps)``."""
        gaps, values = self._parts(rows)
        present = gaps >= 0
        times = torch.where(present, gaps, torch.zeros_like(gaps)).cumsum(1)
        return self.trainable.forward_steps(values, times, present), times, present

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return gaps ``(b, steps)`` and values ``(b, steps, dim)``."""
        return rows[:, : self.steps], rows[:, self.steps :].reshape(len(rows), self.steps, self.dim)
