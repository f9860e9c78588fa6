"""Losses that bring the vectors of one row together: pure functions, for the aligner and for training's match term.

Each is called as ``loss(first, second, counts)`` with two vectors ``(b, dim)`` of each row and ``(b,)`` bool, the rows
that take part; the others are neither asked nor offered. All compare by cosine and return a scalar, 0 of no row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    Loss = Callable[[Tensor, Tensor, Tensor], Tensor]

TEMPERATURE = 0.1
SCALE, BIAS = 10.0, -10.0  # where SigLIP begins to learn them
MARGIN = 0.2
EVEN, APART = 1.0, 0.04  # of the terms that keep a consistent space from collapsing, beside 1: VICReg's 25 : 25 : 1


def infonce(first: Tensor, second: Tensor, counts: Tensor, *, temperature: Tensor | float = TEMPERATURE) -> Tensor:
    """Return InfoNCE (van den Oord et al. 2018, arXiv:1807.03748), both ways: the partner among all of the batch."""
    first, second = _units(first, second)
    scores = first @ second.T / temperature
    scores = scores.masked_fill(~(counts[:, None] & counts[None, :]), torch.finfo(scores.dtype).min)
    own = torch.arange(len(first), device=first.device)
    both = [nn.functional.cross_entropy(one, own, reduction="none") for one in (scores, scores.T)]
    rows = torch.where(counts, (both[0] + both[1]) / 2, 0.0)
    return rows.sum() / counts.sum().clamp_min(1)


def sigmoid(
    first: Tensor, second: Tensor, counts: Tensor, *, scale: Tensor | float = SCALE, bias: Tensor | float = BIAS
) -> Tensor:
    """Return SigLIP's loss (Zhai et al. 2023, arXiv:2303.15343): each pair of the batch is a yes or a no of its own."""
    first, second = _units(first, second)
    signs = 2 * torch.eye(len(first), device=first.device) - 1
    terms = nn.functional.softplus(-signs * (first @ second.T * scale + bias))
    return torch.where(counts[:, None] & counts[None, :], terms, 0.0).sum() / counts.sum().clamp_min(1)


def consistency(first: Tensor, second: Tensor, counts: Tensor) -> Tensor:
    """Return how far partners are apart, and how far the space has collapsed: VICReg (Bardes et al. 2022).

    arXiv:2105.04906, on vectors of length ``sqrt(dim)``, so that a spread of 1 in each coordinate can be had: the
    squared distance a coordinate, what each coordinate's standard deviation lacks to 1, and the squared covariances
    between coordinates, the mean of both sides (the paper has their sum). Partners alone would be content with one
    point for all.
    """
    first, second = (one[counts] * math.sqrt(one.shape[1]) for one in _units(first, second))
    if len(first) == 0:
        return first.sum()
    apart = (first - second).square().mean()
    return apart if len(first) < 2 else apart + (_collapse(first) + _collapse(second)) / 2


def triplet(first: Tensor, second: Tensor, counts: Tensor, *, margin: float = MARGIN) -> Tensor:
    """Return the hinge on every stranger that comes within ``margin`` of a partner, both ways.

    The mean over the triplets that are not yet apart (batch-all of Hermans et al. 2017, arXiv:1703.07737), 0 where all
    are.
    """
    first, second = (one[counts] for one in _units(first, second))
    scores = first @ second.T
    own = scores.diagonal()
    strangers = ~torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    hinges = torch.stack([margin + scores - own[:, None], margin + scores - own[None, :]]).clamp_min(0)
    hinges = hinges * strangers
    return hinges.sum() / (hinges > 0).sum().clamp_min(1)


LOSSES: Mapping[str, Loss] = {
    "infonce": infonce,
    "sigmoid": sigmoid,
    "consistency": consistency,
    "triplet": triplet,
}


def _units(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return both at length one, in single precision at least."""
    return nn.functional.normalize(first.float(), dim=1), nn.functional.normalize(second.float(), dim=1)


def _collapse(vectors: Tensor) -> Tensor:
    """Return what the spread lacks and how coordinates repeat each other, weighed as VICReg weighs them."""
    centred = vectors - vectors.mean(0)
    covariance = centred.T @ centred / (len(vectors) - 1)
    spread = (covariance.diagonal() + 1e-4).sqrt()
    off = covariance - torch.diag(covariance.diagonal())
    return EVEN * (1 - spread).clamp_min(0).mean() + APART * off.square().sum() / vectors.shape[1]
