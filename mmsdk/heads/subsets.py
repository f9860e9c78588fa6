"""Subsets of the inputs: which a linear head has a model of its own for, and rows with some inputs hidden."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mmsdk.heads.beside import Lesson

EVERY_UP_TO = 4  # inputs: 15 subsets
OFTEN = 0.1  # share of the training rows
MOST_WEIGHTS = 2**24  # of all models together: 64 MB


def own_subsets(present: Tensor, weights: int) -> Tensor:
    """Return the subsets that are fitted apart, ``(k, m)`` bool, the whole first; never the empty one.

    All ``2^m - 1`` of four inputs or fewer; else the whole, and what a tenth of the training rows or more have.

    :param present: ``(n, m)`` bool, of the training rows.
    :param weights: how many weights a model has: where all would be too many, the least frequent ones go.
    """
    count = present.shape[1]
    patterns, often = torch.unique(present.cpu(), dim=0, return_counts=True)
    share = {tuple(one): float(n) / len(present) for one, n in zip(patterns.tolist(), often.tolist(), strict=True)}
    every = set(product((True, False), repeat=count)) if count <= EVERY_UP_TO else set()
    every |= {one for one, found in share.items() if found >= OFTEN}
    every |= {(True,) * count}
    every -= {(False,) * count}
    order = sorted(every, key=lambda one: (not all(one), -share.get(one, 0.0), -sum(one), [not here for here in one]))
    return torch.tensor(order[: max(1, MOST_WEIGHTS // max(weights, 1))])


def hidden_copies(lesson: Lesson, copies: int) -> Lesson:
    """Return each row as it is, and ``copies - 1`` times with some of its inputs hidden, never all.

    Copies of a row are a group where rows have none, so that no fold judges what it has learned from.
    """
    if len(lesson.inputs) < 2:
        return lesson
    generator = torch.Generator().manual_seed(lesson.seed)
    repeated = lesson.take(np.tile(np.arange(len(lesson)), copies))
    draw = torch.rand(repeated.present.shape, generator=generator).to(repeated.present.device)
    kept = repeated.present & (draw < 0.5)
    kept[: len(lesson)] = lesson.present
    kept = torch.where(kept.any(1, keepdim=True), kept, repeated.present)
    groups = np.tile(np.arange(len(lesson)).astype(str), copies) if lesson.groups is None else repeated.groups
    return replace(repeated, present=kept, groups=groups)
