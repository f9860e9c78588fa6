"""Shapley values against a reference that goes through every order of the players, and their axioms."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from mmsdk.explain import row_shapley, shapley_values


def brute_force(worth, players):
    """The mean gain of each player over every order, one coalition at a time."""
    found = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        mask = np.zeros(players, bool)
        for player in order:
            before = worth(mask[None])[0]
            mask[player] = True
            found[player] += worth(mask[None])[0] - before
    return found / len(orders)


def game(players, seed=0):
    table = np.random.default_rng(seed).normal(size=2**players)
    return lambda masks: table[masks @ (1 << np.arange(players))]


@pytest.mark.parametrize("players", [1, 2, 3, 5, 6])
def test_exact_values_are_those_of_every_order(players):
    worth = game(players)
    found = shapley_values(worth, players)
    assert found.exact
    assert found.values[:, 0] == pytest.approx(brute_force(worth, players), abs=1e-12)


@pytest.mark.parametrize(("players", "exact_up_to"), [(0, 8), (1, 8), (4, 8), (8, 8), (9, 8), (12, 8), (4, 2)])
def test_values_sum_to_the_whole_less_the_base(players, exact_up_to):
    worth = game(players)
    found = shapley_values(worth, players, exact_up_to=exact_up_to)
    assert found.exact is (players <= exact_up_to)
    assert found.values.sum() == pytest.approx(float((found.whole - found.base)[0]), abs=1e-12)
    assert found.base[0] == worth(np.zeros((1, players), bool))[0]
    assert found.whole[0] == worth(np.ones((1, players), bool))[0]


def test_equal_players_get_the_same_and_one_that_adds_nothing_gets_nothing():
    found = shapley_values(lambda masks: (masks[:, 0] & masks[:, 1]) * 6.0 + masks[:, 2] * 1.0, 4).values[:, 0]
    assert found == pytest.approx([3, 3, 1, 0])


def test_sampled_values_are_near_the_exact_ones_and_ask_in_one_call():
    asked = []
    worth = game(10)

    def counted(masks):
        asked.append(len(masks))
        return worth(masks)

    exact = shapley_values(worth, 10, exact_up_to=10).values[:, 0]
    sampled = shapley_values(counted, 10, permutations=4000)
    assert len(asked) == 1
    assert asked[0] <= 2**10  # equal coalitions are asked once
    assert not sampled.exact
    assert sampled.values[:, 0] == pytest.approx(exact, abs=0.1)
    assert np.array_equal(sampled.values, shapley_values(worth, 10, permutations=4000).values)
    assert not np.array_equal(sampled.values, shapley_values(worth, 10, permutations=4000, seed=1).values)


def test_many_games_at_once_are_each_their_own():
    worths = [game(4, seed) for seed in range(3)]
    found = shapley_values(lambda masks: np.stack([worth(masks) for worth in worths], 1), 4)
    for place, worth in enumerate(worths):
        assert found.values[:, place] == pytest.approx(shapley_values(worth, 4).values[:, 0])


def test_absent_inputs_are_no_players():
    values = {name: np.zeros((1, 2), np.float32) for name in "abc"}
    present = {"a": np.array([True]), "b": np.array([False]), "c": np.array([True])}
    seen = []

    def score(rows, there):
        seen.append(there["b"].any())
        return there["a"] * 2.0 + there["c"] * 1.0

    names, found = row_shapley(score, values, present)
    assert list(names) == ["a", "c"]
    assert found.values[:, 0] == pytest.approx([2, 1])
    assert seen == [False]
