"""Users as vectors: what they took, what they said, what they show and what they point at now, each with its weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import DataError
from mmsdk.tasks.ranking.behaviour import neighbour_weights
from mmsdk.tasks.ranking.blocks import POPULARITY
from mmsdk.tasks.ranking.histories import history_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.ranker import Ranker

Vectors = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What ``b`` users ask for now, as vectors without popularity; 0 where they do not.

    :param heard: ``(b, width)`` what they said, with its learned weights.
    :param shown: ``(b, width)`` anything else: mean item vectors of what lies near, and items pointed at.
    :param asked: bool ``(b,)``.
    :param weight: how much all of it counts beside the history, 0 to 1; as learned where ``None``.
    :param usual: how long the history of a fitted user is. The learned weight of what is said counts beside a history;
        without one it would drown in popularity, so it is brought to that length.
    """

    heard: np.ndarray
    shown: np.ndarray
    asked: np.ndarray
    weight: float | None
    usual: float

    def factors(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what history, heard and shown are multiplied by before they are added, each ``(b,)``."""
        one = np.ones(len(users), np.float32)
        aloud = np.where(np.any(users, axis=1), one, self._aloud())
        if self.weight is None:
            return one, aloud, _as_long(self.shown, users)
        if not 0 <= self.weight <= 1:
            raise DataError(
                f"query_weight = {self.weight}: expected a number from 0 (the history alone) to 1 (the query alone)"
            )
        said = np.float32(min(1.0, 2 * self.weight)) * _as_long(aloud[:, None] * self.heard + self.shown, users)
        past = np.where(self.asked, np.float32(min(1.0, 2 * (1 - self.weight))), one)
        return past.astype(np.float32), said * aloud, said

    def _aloud(self) -> np.ndarray:
        """Return what brings what was heard to the length of a usual history ``(b,)``."""
        length = np.linalg.norm(self.heard, axis=1)
        return np.asarray(
            np.where((length > 0) & (self.usual > 0), self.usual / np.maximum(length, 1e-12), 1), np.float32
        )


def history_counts(ranker: Ranker, length: int, weights: np.ndarray | None) -> np.ndarray:
    """Return how much each item of one history counts, of length 1."""
    used = weights if ranker.choice.weighted else None
    counts = history_weights(np.arange(length)[::-1], ranker.choice.half_life, used)
    return np.asarray(counts / max(float(np.linalg.norm(counts)), 1e-12), np.float32)


def sum_of_history(
    ranker: Ranker, histories: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the histories' part of user vectors ``(b, width)``, and who has any.

    :raises DataError: item vectors of another length.
    """
    users = np.zeros((len(histories), ranker.width), np.float32)
    for place, items in enumerate(histories):
        if items.ndim != 2 or items.shape[1] != ranker.dim:
            raise DataError(f"history {place}: expected item vectors (h, {ranker.dim}), got {items.shape}")
        if len(items):
            counts = history_counts(ranker, len(items), None if weights is None else weights[place])
            users[place] = counts @ items[:, : ranker.width]
    return mixed(ranker, users), np.array([len(items) > 0 for items in histories], bool)


def ask(
    ranker: Ranker, query: Vectors, present: Vectors, *, users: int, like: np.ndarray | None, weight: float | None
) -> Query:
    """Return a query as vectors.

    :param query, present: as :meth:`Ranker.known` gives them.
    :param like: item vectors ``(b, dim)``.
    """
    heard, shown = np.zeros((users, ranker.width), np.float32), np.zeros((users, ranker.width), np.float32)
    asked = np.zeros(users, bool)
    for name, vectors in query.items():
        asked |= present[name]
        if is_learned(ranker, name):
            heard += heard_vectors(ranker, vectors, present[name])
        else:
            shown += np.asarray(near_weights(ranker, name, vectors, present[name]) @ ranker.items[:, : ranker.width])
    if like is not None:
        asked[:] = True
        shown += mixed(ranker, like[:, : ranker.width])
    return Query(heard=heard, shown=shown, asked=asked, weight=weight, usual=ranker.usual)


def usual_length(users: np.ndarray) -> float:
    """Return the median length of user vectors ``(b, width)`` of more than nothing; 0 where there is none."""
    lengths = np.linalg.norm(users, axis=1)
    return float(np.median(lengths[lengths > 0])) if np.any(lengths > 0) else 0.0


def mixed(ranker: Ranker, users: np.ndarray) -> np.ndarray:
    """Return sums of item vectors as the history's part of user vectors.

    Items are scaled by the weights of history and query together; the history's own share is taken back here.
    """
    choice = ranker.choice
    if not choice.said:
        return users
    gains = np.concatenate(
        [
            np.full(part.stop - part.start, choice.weights.get(name, 0.0) / ranker.total(name))
            for name, part in ranker.slices.items()
        ]
    ).astype(np.float32)
    return np.asarray(users @ (ranker.axes.T @ (gains[:, None] * ranker.axes)), np.float32)


def what_follows(ranker: Ranker, histories: Sequence[np.ndarray]) -> np.ndarray:
    """Return what follows the last item of each history, as item vectors tell it ``(b, r)``; 0 where there is none."""
    part = ranker.parts[1]
    nothing = np.zeros(part.stop - part.start, np.float32)
    return np.array([items[-1, part] if len(items) else nothing for items in histories], np.float32)


def whole(ranker: Ranker, users: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return user vectors ``(b, dim)``: with what follows the last item, and the number popularity is multiplied by.

    :param last: ``(b, r)``, of :func:`what_follows`.
    """
    parts = [users, last, np.zeros_like(last)]
    if ranker.liked:
        parts.append(np.full((len(users), 1), np.sqrt(ranker.choice.weights[POPULARITY]), np.float32))
    return np.hstack(parts)


def is_learned(ranker: Ranker, name: str) -> bool:
    """Return whether the weight of a query in an input was learned."""
    return f"content:{name}" in ranker.choice.said or f"imputed:{name}" in ranker.choice.said


def heard_vectors(ranker: Ranker, vectors: np.ndarray, spoke: np.ndarray) -> np.ndarray:
    """Return the part of user vectors that what they said adds, with its learned weights."""
    name = next(iter(ranker.choice.said)).split(":", 1)[1]
    found = np.zeros((len(vectors), ranker.width), np.float32)
    for block, query in ranker.new_blocks({name: vectors}, {name: spoke}).items():
        weight = ranker.choice.said.get(block, 0.0)
        if weight:
            scale = np.float32(weight / np.sqrt(ranker.total(block)))
            found += scale * (query @ ranker.axes[ranker.slices[block]])
    return found


def near_weights(ranker: Ranker, name: str, vectors: np.ndarray, present: np.ndarray) -> sp.csr_matrix:
    """Return ``(b, n)``: how much each item counts in what is shown in one input; rows of 0 where it is absent."""
    content = ranker.contents[name]
    near, cosine = content.nearest(content.place(vectors, present))
    return neighbour_weights(content, near, cosine, present, ranker.choice.temperature)


def _as_long(queries: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Return what makes queries as long as the histories of their users; 1 where there is none."""
    length, wanted = np.linalg.norm(queries, axis=1), np.linalg.norm(users, axis=1)
    return np.asarray(np.where(wanted > 0, wanted, length) / np.maximum(length, 1e-12), np.float32)
