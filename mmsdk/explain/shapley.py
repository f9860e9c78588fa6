"""Shapley values over the inputs of a row: what each is worth to the answer, fairly divided."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.explain.scoring import Score

EXACT_UP_TO = 8  # inputs: 256 coalitions
PERMUTATIONS = 128  # sampled beyond, in pairs of one order and its reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapley:
    """Shapley values of ``k`` players in ``n`` games.

    :param values: ``(k, n)`` float64; a column sums to ``whole - base``.
    :param base: ``(n,)``: what the empty coalition is worth.
    :param whole: ``(n,)``: what all together are worth.
    :param exact: every coalition was asked.
    """

    values: np.ndarray
    base: np.ndarray
    whole: np.ndarray
    exact: bool


def shapley_values(
    worth: Callable[[np.ndarray], np.ndarray],
    players: int,
    *,
    exact_up_to: int = EXACT_UP_TO,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Shapley:
    """Return the Shapley values (Shapley 1953) of a game, or of ``n`` games over the same players.

    Up to eight players all ``2^k`` coalitions are asked, in one call. Beyond, orders of the players are drawn, each
    with its reverse (Mitchell et al. 2022, arXiv:2104.12199), and each player's gain is averaged over them; every
    order's gains add up to the whole, so efficiency holds exactly here too. Equal coalitions are asked once.

    :param worth: called once with masks ``(s, k)`` bool, returns ``(s,)`` or ``(s, n)``.
    """
    exact = players <= exact_up_to
    if exact:
        masks = np.arange(2**players)[:, None] >> np.arange(players) & 1 == 1
        found = np.asarray(worth(masks), np.float64).reshape(len(masks), -1)
        values = exact_weights(players) @ found
        return Shapley(values=values, base=found[0], whole=found[-1], exact=True)
    random = np.random.default_rng(seed)
    orders = np.array([random.permutation(players) for _ in range((permutations + 1) // 2)])
    orders = np.concatenate([orders, orders[:, ::-1]])
    chains = np.zeros((len(orders), players + 1, players), bool)
    for step in range(players):
        chains[:, step + 1] = chains[:, step]
        chains[np.arange(len(orders)), step + 1, orders[:, step]] = True
    masks, places = np.unique(chains.reshape(-1, players), axis=0, return_inverse=True)
    found = np.asarray(worth(masks), np.float64).reshape(len(masks), -1)
    along = found[places.reshape(len(orders), players + 1)]  # (orders, steps, n)
    gains = np.diff(along, axis=1)
    values = np.zeros((players, gains.shape[2]))
    for order, gain in zip(orders, gains, strict=True):
        values[order] += gain
    return Shapley(values=values / len(orders), base=along[0, 0], whole=along[0, -1], exact=False)


def exact_weights(players: int) -> np.ndarray:
    """Return ``(k, 2^k)``: what each coalition's worth counts for in each player's value."""
    masks = np.arange(2**players)[:, None] >> np.arange(players) & 1 == 1
    sizes = masks.sum(1)
    total = factorial(players)
    of_size = np.array([factorial(s) * factorial(players - s - 1) / total for s in range(players)] + [0.0])
    gain, loss = of_size[sizes - 1], of_size[sizes]  # with the player in it, and without
    weights: np.ndarray = np.where(masks, gain[:, None], -loss[:, None]).T
    return weights


def row_shapley(
    score: Score,
    values: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    exact_up_to: int = EXACT_UP_TO,
) -> tuple[Sequence[str], Shapley]:
    """Return the inputs that are present in one or more embedded rows, and their Shapley values ``(k, n)``.

    :param score: vectors and presence of rows -> ``(rows,)``.
    :param values: input -> ``(n, d)`` float32; the same inputs must be present in all ``n`` rows.
    """
    names = [name for name in values if present[name].all() and len(present[name])]
    count = len(next(iter(values.values())))

    def worth(masks: np.ndarray) -> np.ndarray:
        rows = np.tile(np.arange(count), len(masks))
        chosen = {name: np.repeat(masks[:, place], count) for place, name in enumerate(names)}
        nothing = np.zeros(len(rows), bool)
        tiled = {name: one[rows] for name, one in values.items()}
        return score(tiled, {name: chosen.get(name, nothing) for name in values}).reshape(len(masks), count)

    return names, shapley_values(worth, len(names), seed=seed, exact_up_to=exact_up_to)
