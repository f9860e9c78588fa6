"""The blocks of an item's vector, and what a user says as blocks of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import DataError
from mmsdk.tasks.ranking.behaviour import neighbour_weights, shrunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.content import Content
    from mmsdk.tasks.ranking.histories import Histories

BEHAVIOUR = "behaviour"
PARTIAL = "partial"
POPULARITY = "popularity"  # one number an item, the same for every user


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What users said, one entry a pair of the interactions, encoded as one of the inputs.

    :param vectors: float32 ``(n_pairs, d)`` by the encoder of ``input``; whatever where absent.
    :param present: bool ``(n_pairs,)``.
    :param input: the input whose encoder read the texts.
    """

    vectors: np.ndarray
    present: np.ndarray
    input: str

    def latest(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        """Return what each user said last within a history: ``(b, d)``, and who said anything ``(b,)``."""
        if len(histories.rows) and histories.rows.max() >= len(self.vectors):
            raise DataError(f"said: {len(self.vectors)} texts for more pairs; expected one row a pair")
        places = np.flatnonzero(self.present[histories.rows])
        last = np.full(len(histories), -1, np.int64)
        np.maximum.at(last, histories.users[places], places)
        spoke = last >= 0
        return self.vectors[histories.rows[np.maximum(last, 0)]] if len(histories.rows) else _nothing(last, self), spoke


def _nothing(last: np.ndarray, said: Said) -> np.ndarray:
    """Return zeros, for users without any history."""
    return np.zeros((len(last), said.vectors.shape[1]), np.float32)


def block_names(inputs: list[str]) -> list[str]:
    """Return the names of all blocks, in their order."""
    return (
        [f"content:{name}" for name in inputs]
        + [f"imputed:{name}" for name in inputs]
        + [BEHAVIOUR, PARTIAL, POPULARITY]
    )


def popularity(degrees: np.ndarray) -> np.ndarray:
    """Return float32 ``(n,)``: log(1 + users), 0 for what nobody touched."""
    return np.asarray(np.log1p(degrees), np.float32)


def item_blocks(
    contents: Mapping[str, Content],
    near: Mapping[str, sp.csr_matrix],
    basis: np.ndarray,
    behaviour: np.ndarray,
    *,
    shrinkage: float,
    partial: np.ndarray,
    only: set[str] | None = None,
) -> dict[str, np.ndarray]:
    """Return block -> float32 ``(n_items, d_b)``, rows of length 1 or less; all but popularity.

    :param near: input -> from which items each borrows; :param behaviour: what goes in as the behaviour block.
    :param partial: what goes in as the partial block, ``(n, 0)`` where there is none.
    :param only: the blocks wanted; the others cost nothing.
    """
    wanted = set(block_names(list(contents))) if only is None else only
    blocks = {f"content:{name}": content.vectors for name, content in contents.items() if f"content:{name}" in wanted}
    for name in contents:
        if f"imputed:{name}" in wanted:
            blocks[f"imputed:{name}"] = shrunk(near[name] @ basis, shrinkage)
    if BEHAVIOUR in wanted:
        blocks[BEHAVIOUR] = behaviour
    if PARTIAL in wanted and partial.shape[1]:
        blocks[PARTIAL] = partial
    return blocks


def new_blocks(
    contents: Mapping[str, Content],
    basis: np.ndarray,
    placed: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    *,
    temperature: float,
    shrinkage: float,
) -> dict[str, np.ndarray]:
    """Return the blocks of what nobody has touched yet (new items, queries), of the inputs at hand.

    :param placed: input -> ``(m, d)`` as :meth:`Content.place` gives them.
    """
    blocks = {}
    for name, values in placed.items():
        content, mask = contents[name], present[name]
        near, cosine = content.nearest(values)
        borrowed = neighbour_weights(content, near, cosine, mask, temperature) @ basis
        blocks[f"content:{name}"], blocks[f"imputed:{name}"] = values, shrunk(borrowed, shrinkage)
    return blocks
