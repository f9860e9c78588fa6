"""A head beside the network: what it learns from, what it must do, and the vectors of the inputs side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmsdk.protocols import Task

LIMIT = 6.0  # standard deviations: a value beyond says "far out", not how far


class Beside(nn.Module, ABC):
    """Answers one task from the vectors of the inputs, beside the network and after it.

    What it has learned are buffers, which are saved with the run and which no optimiser of the network touches.

    :param inputs: names of the inputs it reads; it leaves others alone.
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        super().__init__()
        self.inputs = tuple(inputs)

    @abstractmethod
    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer.

        :param vectors: input name -> ``(b, d_i)`` as the encoder gave them; rows where it is absent may hold anything.
        :param present: input name -> ``(b,)`` bool.
        :param logits: ``(b, width)``, what the network answers.
        :returns: ``(b, width)``.
        """

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Return, as JSON values, its ``type`` and what was chosen for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Labelled rows to fit a head on.

    :param vectors: input name -> ``(n, d_i)``; rows where it is absent hold anything finite or not.
    :param present: ``(n, m)`` bool, in the order of ``vectors``.
    :param targets: ``(n, ...)`` as the task encodes them.
    :param weights: what the task balances its classes by, or None.
    :param groups: ``(n,)`` group of each row, which inner folds keep together, or None.
    :param seed: of folds, samples and boosters.
    :param columns: inputs of which each number means something by itself (a price, a category): trees are to see it.
    """

    vectors: Mapping[str, Tensor]
    present: Tensor
    task: Task
    targets: Tensor
    weights: Tensor | None = None
    groups: np.ndarray | None = None
    seed: int = 0
    columns: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.present)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of the inputs."""
        return tuple(self.vectors)

    def take(self, rows: np.ndarray) -> Lesson:
        """Return some of the rows."""
        index = torch.from_numpy(np.asarray(rows, dtype=np.int64)).to(self.present.device)
        return replace(
            self,
            vectors={name: one.index_select(0, index) for name, one in self.vectors.items()},
            present=self.present.index_select(0, index),
            targets=self.targets.index_select(0, index),
            groups=None if self.groups is None else self.groups[rows],
        )

    def score(self, logits: Tensor) -> float:
        """Return the task's own metric of logits for all rows, turned so that higher is better."""
        truth = self.targets.cpu().numpy()
        found = float(self.task.scores(logits.cpu().numpy(), truth)[self.task.metric](np.arange(len(truth))))
        return found if self.task.higher_is_better else -found

    def loss(self, logits: Tensor) -> Tensor:
        """Return the mean loss of logits ``(n, width)`` for all rows."""
        return self.task.loss(logits, self.targets, self.weights).mean()


class SideBySide(nn.Module):
    """The vectors of all inputs as one row ``(b, sum d_i + m)``: standardised, and which inputs are absent.

    Each input is standardised by its present training rows and scaled by the root of its length, so that it weighs the
    same however long its vectors are. An absent one is zeros, and a one in its place among the last ``m`` columns.

    :param sizes: input name -> length of its vectors.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.register_buffer("mean", torch.zeros(sum(sizes.values())))
        self.register_buffer("scale", torch.ones(sum(sizes.values())))

    @property
    def width(self) -> int:
        """Return the length of a row."""
        return sum(self.sizes.values()) + len(self.sizes)

    def columns(self) -> Tensor:
        """Return which input each column belongs to, ``(width,)``."""
        counts = torch.tensor(list(self.sizes.values()))
        order = torch.arange(len(counts))
        return torch.cat([order.repeat_interleave(counts), order])

    def fit(self, lesson: Lesson) -> None:
        """Learn mean and spread of the present rows of each input."""
        means, scales = [], []
        for place, (name, size) in enumerate(self.sizes.items()):
            rows = lesson.vectors[name][lesson.present[:, place]].float()
            mean, spread = torch.zeros(size), torch.ones(size)
            if len(rows):
                mean, spread = rows.mean(0).cpu(), rows.std(0, correction=0).cpu()
            flat = spread <= 1e-6 * spread.max().clamp_min(1e-30)
            means.append(mean)
            scales.append(torch.where(flat, torch.ones_like(spread), spread))
        self.get_buffer("mean").copy_(torch.cat(means))
        self.get_buffer("scale").copy_(torch.cat(scales))

    def forward(self, vectors: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """Return rows ``(b, width)`` of ``present`` ``(b, m)``."""
        means = torch.split(self.get_buffer("mean"), list(self.sizes.values()))
        scales = torch.split(self.get_buffer("scale"), list(self.sizes.values()))
        parts = []
        for place, (name, mean, scale) in enumerate(zip(self.sizes, means, scales, strict=True)):
            there = present[:, place, None]
            values = torch.where(there, vectors[name].to(mean.dtype), mean)  # no NaN of an absent input in any product
            parts.append(((values - mean) / scale).clamp(-LIMIT, LIMIT) / max(len(mean), 1) ** 0.5)
        return torch.cat([*parts, (~present).to(parts[0].dtype)], dim=1)


def presence(inputs: Sequence[str], present: Mapping[str, Tensor]) -> Tensor:
    """Return which inputs are there, ``(b, m)`` bool."""
    return torch.stack([present[name] for name in inputs], dim=1)
