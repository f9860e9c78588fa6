"""Prototypes are those that bring the squared MMD down most, by its own definition."""

from __future__ import annotations

import numpy as np

from mmsdk.explain import prototypes_of
from mmsdk.explain.prototypes import greedy


def distance(kernel, chosen):
    """The squared MMD between all points and the chosen ones."""
    return kernel.mean() - 2 * kernel[:, chosen].mean() + kernel[np.ix_(chosen, chosen)].mean()


def test_each_prototype_is_the_one_that_lowers_the_distance_most():
    points = np.random.default_rng(0).normal(size=(40, 3))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(2))
    taken = []
    for _ in range(4):
        rest = [place for place in range(40) if place not in taken]
        taken.append(min(rest, key=lambda place: distance(kernel, [*taken, place])))
    assert greedy(kernel, 4) == taken


def test_two_clusters_give_a_prototype_each():
    random = np.random.default_rng(1)
    clusters = [np.eye(8)[axis] + random.normal(0, 0.05, (count, 8)) for axis, count in ((0, 30), (5, 20))]
    found = prototypes_of(np.concatenate(clusters).astype(np.float32), 2)
    assert found[0] < 30 <= found[1]


def test_few_vectors_are_all_prototypes_and_none_are_none():
    assert prototypes_of(np.zeros((0, 4), np.float32), 3) == []
    assert prototypes_of(np.ones((1, 4), np.float32), 3) == [0]
    assert sorted(prototypes_of(np.eye(2, 4, dtype=np.float32), 3)) == [0, 1]
    assert max(prototypes_of(np.random.default_rng(0).normal(size=(50, 3)), 2, most=10)) < 50
