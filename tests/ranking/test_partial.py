"""What two items have to do with each other beyond all others: EASE in a symmetric form, and where it counts."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.tasks.ranking import Histories, Ranker
from mmsdk.tasks.ranking.baselines import _ease_weights
from mmsdk.tasks.ranking.behaviour import behaviour_basis, partial_behaviour

ITEMS = 40


@pytest.fixture(scope="module")
def histories():
    """Everybody takes some of the same four things, and two that go together: popularity hides the pairs."""
    random = np.random.default_rng(0)
    lists = []
    for _ in range(400):
        pair = 4 + 2 * random.integers(18)
        common = np.flatnonzero(random.random(4) < 0.8)
        lists.append([*common, pair, pair + 1][: len(common) + 1 + int(random.random() < 0.9)])
    return Histories.from_lists(lists, ITEMS)


def test_it_is_ease_up_to_the_scale_of_items(histories):
    basis = behaviour_basis(histories, 0)
    rows = partial_behaviour(basis, 10.0)
    weights = _ease_weights(histories.matrix(), 10.0).astype(np.float64)  # -P_ij / P_jj
    symmetric = np.sign(weights) * np.sqrt(np.maximum(weights * weights.T, 0))  # -P_ij / sqrt(P_ii P_jj)
    np.fill_diagonal(symmetric, 0)
    found = (rows @ rows.T).astype(np.float64)
    np.fill_diagonal(found, 0)
    np.testing.assert_allclose(found, symmetric, atol=1e-4)
    assert not partial_behaviour(np.zeros((3, 2), np.float32), 10.0).any()


def test_it_counts_where_popularity_hides_what_goes_together(histories):
    random = np.random.default_rng(1)
    vectors = {"noise": random.normal(size=(ITEMS, 5)).astype(np.float32)}
    fitted = Ranker.fit(histories, vectors, {}, quiet=True)
    assert {one["penalty"] for one in fitted.choice.inner} >= {None, 10.0, 100.0, 1000.0}
    choice = type(fitted.choice).from_json({**fitted.choice.as_json(), "penalty": 10.0})
    weights = {name: float(name == "partial") for name in choice.weights}
    alone = Ranker.fit(histories, vectors, {}, choice=type(choice).from_json({**choice.as_json(), "weights": weights}))
    scores = alone.items @ alone.items.T
    np.fill_diagonal(scores, -np.inf)
    pairs = np.arange(4, ITEMS)
    partner = np.where(pairs % 2 == 0, pairs + 1, pairs - 1)
    assert (scores[pairs].argmax(1) == partner).mean() > 0.9
    parts = alone.explain([4], 5)
    assert parts[0].block == "partial"
    assert sum(part.value for part in parts) == pytest.approx(
        float(alone.user_vectors([alone.items[[4]]])[0] @ alone.items[5]), abs=1e-4
    )
    again = Ranker.load(alone.arrays(), alone.state())
    np.testing.assert_array_equal(again.embed_new(vectors), alone.embed_new(vectors))
