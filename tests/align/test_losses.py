"""The losses against their open formulas, written out pair by pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from mmsdk.align.losses import LOSSES, consistency, infonce, sigmoid, triplet


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(7, 5, generator=generator), torch.randn(7, 5, generator=generator)
    return first, (first + second) / 2, torch.ones(7, dtype=torch.bool)


def cosines(first, second):
    return functional.cosine_similarity(first[:, None], second[None], dim=2)


def test_infonce_pair_by_pair(batch):
    first, second, counts = batch
    scores = cosines(first, second) / 0.3
    rows = [(torch.logsumexp(scores[n], 0) + torch.logsumexp(scores[:, n], 0)) / 2 - scores[n, n] for n in range(7)]
    assert infonce(first, second, counts, temperature=0.3).item() == pytest.approx(float(sum(rows)) / 7, rel=1e-5)


def test_sigmoid_pair_by_pair(batch):
    first, second, counts = batch
    scores = cosines(first, second)
    total = 0.0
    for i in range(7):
        for j in range(7):
            sign = 1 if i == j else -1
            total -= math.log(1 / (1 + math.exp(-sign * (4.0 * float(scores[i, j]) - 2.0))))
    assert sigmoid(first, second, counts, scale=4.0, bias=-2.0).item() == pytest.approx(total / 7, rel=1e-5)


def test_triplet_is_torchs_over_all_that_violate(batch):
    first, second, counts = batch
    both = []
    for anchor, other in ((first, second), (second, first)):
        triples = [(anchor[i], other[i], other[j]) for i in range(7) for j in range(7) if i != j]
        both.append(
            functional.triplet_margin_with_distance_loss(
                *(torch.stack(one) for one in zip(*triples, strict=True)),
                distance_function=lambda x, y: 1 - functional.cosine_similarity(x, y),
                margin=0.4,
                reduction="none",
            )
        )
    hinges = torch.cat(both)
    expected = hinges[hinges > 0].mean().item()
    assert 0 < int((hinges > 0).sum()) < len(hinges)
    assert triplet(first, second, counts, margin=0.4).item() == pytest.approx(expected, rel=1e-5)


def test_consistency_term_by_term(batch):
    first, second, counts = batch
    units = [functional.normalize(one, dim=1) * math.sqrt(5) for one in (first, second)]
    apart = functional.mse_loss(*units).item()
    collapsed = []
    for one in units:
        covariance = torch.cov(one.T)
        lack = (1 - (covariance.diagonal() + 1e-4).sqrt()).clamp_min(0).mean()
        off = covariance.square().sum() - covariance.diagonal().square().sum()
        collapsed.append(float(lack + off / 25 / 5))
    assert consistency(first, second, counts).item() == pytest.approx(apart + sum(collapsed) / 2, rel=1e-4)


def test_one_point_for_all_is_no_way_out():
    """Partners that are all alike cost more than partners that tell rows apart, under every loss."""
    point, apart = torch.ones(8, 8), torch.eye(8)
    counts = torch.ones(8, dtype=torch.bool)
    for name, loss in LOSSES.items():
        assert loss(apart, apart, counts) < loss(point, point, counts), name


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_and_reach_both(name, batch):
    first, second, counts = (one.clone() for one in batch)
    counts[2] = False
    first.requires_grad_()
    second.requires_grad_()
    LOSSES[name](first, second, counts).backward()
    for one in (first, second):
        assert one.grad.isfinite().all()
        assert one.grad[0].any()
        assert not one.grad[2].any()


@pytest.mark.parametrize("name", LOSSES)
def test_one_row_is_finite(name):
    first, second = torch.randn(1, 4), torch.randn(1, 4)
    assert LOSSES[name](first, second, torch.ones(1, dtype=torch.bool)).isfinite()
