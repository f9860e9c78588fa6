"""What a ranker learns from pairs, its settings chosen: the vectors of the items and what they were made from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError, unknown
from mmsdk.tasks.ranking.behaviour import behaviour_basis, borrowing, own_behaviour, partial_behaviour
from mmsdk.tasks.ranking.blocks import PARTIAL, POPULARITY, Said, item_blocks
from mmsdk.tasks.ranking.compress import popularity_direction, projection
from mmsdk.tasks.ranking.expected import Outlook, outlook
from mmsdk.tasks.ranking.sequel import SEQUEL, Sequel, no_sequel, sequel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.choice import Choice
    from mmsdk.tasks.ranking.content import Content
    from mmsdk.tasks.ranking.histories import Histories


def learned_parts(
    histories: Histories, contents: Mapping[str, Content], choice: Choice, *, dim: int, seed: int
) -> dict[str, Any]:
    """Return the fields of a :class:`Ranker` that its pairs decide, under their names.

    :param dim: length of the item vectors; shorter where the blocks are shorter together.
    """
    basis, degrees = behaviour_basis(histories, seed), histories.degrees
    near = {name: borrowing(one, choice.temperature) for name, one in contents.items()}
    seen = outlook(near, basis, degrees, itself=np.arange(len(degrees)))
    partial = np.zeros((histories.n_items, 0), np.float32)
    if choice.penalty is not None and choice.weights.get(PARTIAL):
        partial = partial_behaviour(basis, choice.penalty)
    follows = no_sequel(histories.n_items)
    if choice.weights.get(SEQUEL) and histories.ordered:
        follows = sequel(histories, seed)
    blocks = _scaled_blocks(choice, contents, near, basis, seen, seen.shrunk_rows(partial, choice.kappa))
    items, axes = _side_by_side(np.hstack(list(blocks.values())), follows, seen, choice, dim=dim, seed=seed)
    return {
        "basis": basis,
        "degrees": degrees,
        "items": items,
        "axes": axes,
        "popularity_vector": popularity_direction(items, seen.popularity(choice.kappa)),
        "scales": seen.scales,
        "sequel": follows,
        "partial": partial,
    }


def _side_by_side(
    blocks: np.ndarray, follows: Sequel, seen: Outlook, choice: Choice, *, dim: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the item vectors and the axes that their blocks are projected on.

    The projection has the room that what is taken next and popularity leave of ``dim``.
    """
    liked = np.float32(np.sqrt(choice.weights.get(POPULARITY, 0.0)))
    root = np.float32(np.sqrt(choice.weights.get(SEQUEL, 0.0)))
    shrunk = follows.shrunk(seen, choice.kappa)
    beside = int(liked > 0) + 2 * follows.after.shape[1]
    axes = projection(blocks, max(dim - beside, 1), seed)
    items = np.hstack([np.asarray(blocks @ axes, np.float32), root * shrunk.after, root * shrunk.before])
    if liked > 0:
        items = np.hstack([items, liked * seen.popularity(choice.kappa)[:, None]])
    return items, axes


def active_blocks(choice: Choice) -> set[str]:
    """Return the blocks that count at all."""
    return {name for name, weight in [*choice.weights.items(), *choice.said.items()] if weight > 0}


def _scaled_blocks(
    choice: Choice,
    contents: Mapping[str, Content],
    near: Mapping[str, sp.csr_matrix],
    basis: np.ndarray,
    seen: Outlook,
    partial: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the blocks in use, each scaled by the root of its weights."""
    behaviour = seen.behaviour(own_behaviour(basis, seen.degrees), choice.kappa)
    used = active_blocks(choice)
    blocks = item_blocks(contents, near, basis, behaviour, shrinkage=choice.shrinkage, partial=partial, only=used)
    scale = {name: np.sqrt(choice.weights.get(name, 0.0) + choice.said.get(name, 0.0)) for name in blocks}
    return {name: np.float32(scale[name]) * block for name, block in blocks.items()}


def checked(said: Said, vectors: Mapping[str, np.ndarray], contents: Mapping[str, Content]) -> Said | None:
    """Return what was said if its input is in use; refuse an input nobody knows and vectors of another width."""
    if said.input not in contents:
        if said.input not in vectors:
            raise DataError(unknown("input", said.input, vectors, where="said", listed="Inputs"))
        return None
    width = len(contents[said.input].mean)
    if said.vectors.ndim != 2 or said.vectors.shape[1] != width or said.present.shape != (len(said.vectors),):
        raise DataError(f"said: vectors of shape {said.vectors.shape}; expected (n_pairs, {width}) with a mask")
    return replace(said, present=np.asarray(said.present, bool))
