"""Why an item was recommended: what each item of the history adds to its score, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.behaviour import neighbour_weights, own_behaviour, shrunk
from mmsdk.tasks.ranking.blocks import POPULARITY, popularity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.tasks.ranking.ranker import Ranker


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A part of a score.

    :param block: ``content`` (they are alike in an input), ``imputed`` (items similar in it are taken together),
        ``behaviour`` (these two are taken together) or ``popularity``.
    :param input: the input that a content or imputed block stands on; empty otherwise.
    :param item: position of the item of the history; ``None`` for what the user said and for popularity.
    :param value: what it adds.
    """

    block: str
    input: str
    item: int | None
    value: float


def contributions(
    ranker: Ranker, history: np.ndarray, item: int, *, counts: np.ndarray, asked: Mapping[str, np.ndarray]
) -> list[Contribution]:
    """Return the parts of the score of an item before its vector is shortened, largest first."""
    rows = np.concatenate([history, [item]])
    found = []
    choice = ranker.choice
    for name in {**choice.weights, **choice.said}:
        weight, heard = choice.weights.get(name, 0.0), choice.said.get(name, 0.0)
        if not (weight or heard):
            continue
        if name == POPULARITY:
            popular = float(weight * popularity(ranker.degrees[[item]])[0])
            found.append(Contribution(block=POPULARITY, input="", item=None, value=popular))
            continue
        kind, _, source = name.partition(":")
        block = _rows_of_block(ranker, kind, source, rows)
        similar = block[:-1] @ block[-1]
        if weight:
            values = (weight * counts * similar).tolist()
            found += [
                Contribution(block=kind, input=source, item=int(one), value=value)
                for one, value in zip(history, values, strict=True)
            ]
        if heard and name in asked:
            value = float(heard * (asked[name][0] @ block[-1]))
            found.append(Contribution(block=kind, input=source, item=None, value=value))
    return sorted(found, key=lambda one: -abs(one.value))


def _rows_of_block(ranker: Ranker, kind: str, source: str, rows: np.ndarray) -> np.ndarray:
    """Return some items' vectors of one block, unscaled."""
    if kind == "behaviour":
        return own_behaviour(ranker.basis[rows], ranker.degrees[rows])
    content = ranker.contents[source]
    if kind == "content":
        return np.asarray(content.vectors[rows])
    near, cosine = content.nearest(content.vectors[rows])
    present = content.present[rows]
    borrowed = neighbour_weights(content, near, cosine, present, ranker.choice.temperature) @ ranker.basis
    borrowed[~present] = ranker.basis[rows[~present]]
    return shrunk(borrowed, ranker.choice.shrinkage)
