"""Why an item was recommended: what each item of the history adds to its score, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.behaviour import neighbour_weights, own_behaviour, shrunk
from mmsdk.tasks.ranking.blocks import POPULARITY
from mmsdk.tasks.ranking.expected import Outlook, outlook

if TYPE_CHECKING:
    from collections.abc import Mapping

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.ranker import Ranker


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A part of a score.

    :param block: ``content`` (they are alike in an input), ``imputed`` (items similar in it are taken together),
        ``behaviour`` (these two, or items like them, are taken together) or ``popularity``.
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
    seen = _outlook(ranker, rows)
    for name in {**choice.weights, **choice.said}:
        weight, heard = choice.weights.get(name, 0.0), choice.said.get(name, 0.0)
        if not (weight or heard):
            continue
        if name == POPULARITY:
            popular = float(weight * seen.popularity(choice.kappa)[-1])
            found.append(Contribution(block=POPULARITY, input="", item=None, value=popular))
            continue
        kind, _, source = name.partition(":")
        block = _rows_of_block(ranker, seen, kind, source, rows)
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


def _outlook(ranker: Ranker, rows: np.ndarray) -> Outlook:
    """Return what is expected of some items."""
    near = {name: _near(ranker, name, rows) for name in ranker.contents} if ranker.choice.kappa else {}
    return outlook(near, ranker.basis, ranker.degrees, itself=rows, scales=ranker.scales)


def _near(ranker: Ranker, source: str, rows: np.ndarray) -> sp.csr_matrix:
    """Return the neighbour weights of some items in an input."""
    content = ranker.contents[source]
    near, cosine = content.nearest(content.vectors[rows])
    return neighbour_weights(content, near, cosine, content.present[rows], ranker.choice.temperature)


def _rows_of_block(ranker: Ranker, seen: Outlook, kind: str, source: str, rows: np.ndarray) -> np.ndarray:
    """Return some items' vectors of one block, unscaled."""
    if kind == "behaviour":
        return seen.behaviour(own_behaviour(ranker.basis[rows], ranker.degrees[rows]), ranker.choice.kappa)
    content = ranker.contents[source]
    if kind == "content":
        return np.asarray(content.vectors[rows])
    present = content.present[rows]
    borrowed = _near(ranker, source, rows) @ ranker.basis
    borrowed[~present] = ranker.basis[rows[~present]]
    return shrunk(borrowed, ranker.choice.shrinkage)
