"""Who took what, oldest first: the pairs of each user as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """The pairs of user ``u`` are ``starts[u]:starts[u + 1]``, oldest first; a user has each item once.

    :param starts: int64 ``(n_users + 1,)``.
    :param items: int64 ``(n_pairs,)``: positions in the table of items.
    :param weights: float32 ``(n_pairs,)``, above 0.
    :param rows: int64 ``(n_pairs,)``: where each pair stood in what was given.
    :param n_items: size of the catalogue.
    :param times: float64 ``(n_pairs,)``; without them the order within a user means nothing.
    """

    starts: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    n_items: int
    times: np.ndarray | None

    @classmethod
    def of(
        cls,
        users: np.ndarray,
        items: np.ndarray,
        *,
        n_users: int,
        n_items: int,
        weights: np.ndarray | None = None,
        times: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> Histories:
        """Sort pairs by user and time; of a pair that repeats the weights are summed and the latest is kept.

        :param users: ``(n,)`` integers below ``n_users``; ``items``: ``(n,)`` integers below ``n_items``.
        :param times: ``(n,)`` finite numbers; left out, the order has no meaning.
        :param rows: ``(n,)`` what to call the pairs; 0, 1, 2 ... where left out.
        :raises DataError: shapes that differ, positions out of range, weights not above 0, times that are no numbers.
        """
        users, items = np.asarray(users, np.int64), np.asarray(items, np.int64)
        weights = np.ones(len(users), np.float32) if weights is None else np.asarray(weights, np.float32)
        rows = np.arange(len(users)) if rows is None else np.asarray(rows, np.int64)
        when = np.zeros(len(users)) if times is None else np.asarray(times, np.float64)
        _check_pairs(users, items, n_users=n_users, n_items=n_items, weights=weights, times=when)
        order = np.lexsort((rows, when, users))
        users, items, weights, rows, when = users[order], items[order], weights[order], rows[order], when[order]
        last, total = _last_of_each(users * n_items + items, weights)
        counts = np.bincount(users[last], minlength=n_users)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        kept = {"items": items[last], "weights": total, "rows": rows[last]}
        return cls(starts=starts, n_items=n_items, times=None if times is None else when[last], **kept)

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]], n_items: int, *, ordered: bool = False) -> Histories:
        """Return the histories of some users, given as lists of item positions, oldest first."""
        users = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        items = np.array([item for one in lists for item in one], np.int64)
        times = np.arange(len(items), dtype=np.float64) if ordered else None
        return cls.of(users, items, n_users=len(lists), n_items=n_items, times=times)

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.starts) - 1

    @property
    def ordered(self) -> bool:
        """Whether the order within a user means anything (there were times)."""
        return self.times is not None

    @property
    def lengths(self) -> np.ndarray:
        """Number of items of each user."""
        return np.diff(self.starts)

    @property
    def users(self) -> np.ndarray:
        """The user of each pair."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def back(self) -> np.ndarray:
        """How far each pair lies from the end of its history; 0 is the latest."""
        return np.repeat(self.starts[1:], self.lengths) - 1 - np.arange(len(self.items))

    @property
    def degrees(self) -> np.ndarray:
        """How many users touched each item."""
        return np.bincount(self.items, minlength=self.n_items)

    def of_user(self, user: int) -> np.ndarray:
        """Return the items of one user, oldest first."""
        return self.items[self.starts[user] : self.starts[user + 1]]

    def kept(self, mask: np.ndarray) -> Histories:
        """Return the same users with only the pairs of a mask ``(n_pairs,)``."""
        counts = np.bincount(self.users[mask], minlength=len(self))
        return self._with(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), mask)

    def select(self, users: np.ndarray) -> Histories:
        """Return only some users, in the order given."""
        lengths = self.lengths[users]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(starts[-1]) + np.repeat(self.starts[users] - starts[:-1], lengths)
        return self._with(starts, places)

    def matrix(self) -> sp.csr_matrix:
        """Return the float32 matrix ``(n_users, n_items)`` of ones."""
        return self._csr(np.ones(len(self.items), np.float32))

    def coefficients(self, half_life: float | None = None, weighted: bool = False) -> sp.csr_matrix:
        """Return the matrix ``(n_users, n_items)`` whose rows, of length 1, say how much each item of a history counts.

        :param half_life: an item this many places before the end counts half; ``None`` counts all alike.
        :param weighted: count an item by ``log2(1 + weight)``.
        """
        counts = history_weights(self.back, half_life, self.weights if weighted else None)
        length = np.sqrt(np.bincount(self.users, counts**2, minlength=len(self)))
        return self._csr((counts / length[self.users]).astype(np.float32))

    def _csr(self, values: np.ndarray) -> sp.csr_matrix:
        """Return values of the pairs as a sparse matrix."""
        return sp.csr_matrix((values, self.items, self.starts), shape=(len(self), self.n_items))

    def _with(self, starts: np.ndarray, places: np.ndarray) -> Histories:
        """Return some of the pairs under new starts."""
        kept = {"items": self.items[places], "weights": self.weights[places], "rows": self.rows[places]}
        times = None if self.times is None else self.times[places]
        return Histories(starts=starts, n_items=self.n_items, times=times, **kept)


def history_weights(back: np.ndarray, half_life: float | None, weights: np.ndarray | None) -> np.ndarray:
    """Return how much each item of a history counts, before the history is scaled to length 1."""
    counts = np.ones(len(back)) if weights is None else np.log2(1.0 + np.asarray(weights, np.float64))
    return counts if half_life is None else counts * 0.5 ** (np.minimum(back, 50 * half_life) / half_life)


def _last_of_each(keys: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the last entry of each key, ascending, and the summed weights of its key."""
    _, first, inverse = np.unique(keys[::-1], return_index=True, return_inverse=True)
    places = len(keys) - 1 - first
    totals = np.bincount(inverse, weights[::-1]) if len(keys) else np.zeros(0)
    order = np.argsort(places)
    return places[order], totals[order].astype(np.float32)


def _check_pairs(
    users: np.ndarray, items: np.ndarray, *, n_users: int, n_items: int, weights: np.ndarray, times: np.ndarray
) -> None:
    """Refuse pairs that do not fit together."""
    shapes = {array.shape for array in (users, items, weights, times)}
    if len(shapes) != 1 or users.ndim != 1:
        raise DataError(
            f"interactions: users, items, weights and times differ in shape {sorted(shapes)}; expected (n,)"
        )
    for name, found, limit in (("user", users, n_users), ("item", items, n_items)):
        if len(found) and (found.min() < 0 or found.max() >= limit):
            raise DataError(f"interactions: a {name} position is not between 0 and {limit - 1}")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise DataError("interactions: a weight is no number above 0; mend it, or leave the weight column out")
    if not np.isfinite(times).all():
        raise DataError("interactions: a time is missing; mend it, or leave the time column out")
