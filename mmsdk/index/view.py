"""One state of an index, never changed once made: what searches run on while others write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.index.exact import Floats, Found, Keys, merged, nearest
from mmsdk.index.flat import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmsdk.index.snapshot import Snapshot
    from mmsdk.index.store import Store, StoreState
    from mmsdk.protocols import VectorIndex

# Below this many allowed items all of them are compared; an approximate search would pass over most of what it finds.
NARROW = 20_000
TIED = 1_000


class Names:
    """The ids of keys: looked up one by one at first, and all at once when that would cost more."""

    def __init__(self, store: Store, generation: int) -> None:
        """Know none."""
        self._store = store
        self.generation = generation
        self._names: NDArray[np.object_] = np.empty(0, object)
        self._looked_up = 0

    def of(self, keys: Keys, places: int) -> list[str]:
        """Return the id of each key ``(m,)``; what stands for an empty place (-1) means nothing."""
        if len(self._names) <= places:
            grown = np.empty(places + places // 4 + 1024, object)
            grown[: len(self._names)] = self._names
            self._names = grown
        names = self._names
        found = names[keys].tolist()
        if None in found and (missing := sorted({key for key in keys.tolist() if key >= 0 and names[key] is None})):
            self._fill(names, missing)
            found = names[keys].tolist()
        return found  # type: ignore[no-any-return]

    def _fill(self, names: NDArray[np.object_], missing: Sequence[int]) -> None:
        self._looked_up += len(missing)
        if self._looked_up > max(2_000, len(names) // 50):
            self._looked_up = 0
            for key, name in self._store.all_names(self.generation):
                if key < len(names):
                    names[key] = name
            missing = [key for key in missing if names[key] is None]
        for key, name in self._store.names(missing, self.generation).items():
            names[key] = name


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The store at one change number, its vectors, and the snapshot that covers its first places.

    :ivar alive: bool ``(places,)``; what is in neither snapshot nor tail any more is False.
    :ivar odd: of columns that a filter compared with a ``number`` or a ``date``, how many cells are text that is none.
    :ivar gone: how many removed items a search may still come upon.
    """

    store: Store
    state: StoreState
    vectors: Floats
    alive: NDArray[np.bool_]
    living: int
    gone: int
    snapshot: Snapshot | None
    index: VectorIndex | None
    names: Names
    filters: dict[str, Keys] = field(default_factory=dict)
    odd: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def covered(self) -> int:
        """The first place of the tail."""
        return self.snapshot.covered if self.snapshot else 0

    @property
    def tail(self) -> int:
        """How many places the snapshot does not cover."""
        return self.state.places - self.covered

    def search(self, queries: Floats, k: int, allowed: Keys | None, excluded: Keys) -> Found:
        """Return scores and keys ``(b, k)``, best first, equal scores by id, ``-inf`` and ``-1`` in empty places.

        Where fewer than k of the living, allowed and not excluded items are found, exact search finds the rest. Of
        equal scores at the k-th place the smallest ids are taken, among the first thousand that tie.
        """
        if allowed is not None and len(excluded):
            allowed, excluded = np.setdiff1d(allowed, excluded, assume_unique=True), excluded[:0]
        limit = min(k, self.living - len(excluded) if allowed is None else len(allowed))
        scores, keys = self._found(queries, limit, min(limit + 1, TIED + limit), allowed, excluded)
        # Neighbours in the order with one score are rare: one comparison tells.
        if (scores[:, 1:] == scores[:, :-1]).any():
            scores, keys = self._ordered(queries, limit, (scores, keys), allowed, excluded)
        return padded(scores[:, :limit], keys[:, :limit], k)

    def _found(self, queries: Floats, needed: int, wanted: int, allowed: Keys | None, excluded: Keys) -> Found:
        """Return up to ``wanted`` columns; at least ``needed`` of each row are filled."""
        if allowed is not None and (self.index is None or len(allowed) <= NARROW):
            return padded(*nearest(queries, self.vectors, wanted, allowed), wanted)
        if not (self.gone or len(excluded)):
            scores, keys = self._candidates(queries, wanted, allowed)
        else:
            more = wanted + len(excluded) + min(self.gone, wanted + 16)
            scores, keys = self._candidates(queries, more, allowed)
            dropped = (keys >= 0) & (~self.alive[keys] | np.isin(keys, excluded))
            scores[dropped], keys[dropped] = -np.inf, -1
            scores, keys = merged((scores, keys), (scores[:, :0], keys[:, :0]), wanted)
        scores, keys = padded(scores, keys, wanted)
        if needed and keys[:, needed - 1].min(initial=0) < 0:
            short = np.flatnonzero(keys[:, needed - 1] < 0)
            exact = nearest(queries[short], self.vectors, wanted, self._rows(allowed, excluded))
            scores[short], keys[short] = padded(*exact, wanted)
        return scores, keys

    def _rows(self, allowed: Keys | None, excluded: Keys) -> Keys | None:
        """Return the places that may be found at all; ``None`` for every place."""
        if allowed is not None:
            return allowed
        if self.living == self.state.places and not len(excluded):
            return None
        return np.setdiff1d(self.places(), excluded, assume_unique=True)

    def _candidates(self, queries: Floats, k: int, allowed: Keys | None) -> Found:
        """Search the snapshot and the tail, and join what they find."""
        found: Found | None = None
        if self.index is not None and self.snapshot is not None:
            found = self.index.search(queries, min(k, self.snapshot.count), allowed)
            if not self.tail:
                return found
        start = self.covered
        rows = None if allowed is None else allowed[allowed >= start] - start
        scores, places = nearest(queries, self.vectors[start:], k, rows)
        return (scores, places + start) if found is None else merged(found, (scores, places + start), k)

    def _ordered(self, queries: Floats, k: int, found: Found, allowed: Keys | None, excluded: Keys) -> Found:
        """Order equal scores by id, after fetching all that tie with the k-th."""
        scores, keys = found[0][:, : k + 1].copy(), found[1][:, : k + 1].copy()
        for row in np.flatnonzero((scores[:, 1:] == scores[:, :-1]).any(axis=1)):
            line, names = scores[row], keys[row]
            size = k + 1
            while len(line) > k and line[k - 1] == line[-1] > -np.inf and k < size < min(self.living, TIED + k):
                size = min(size * 4, self.living, TIED + k)
                wide = self._found(queries[row : row + 1], k, size, allowed, excluded)
                line, names = wide[0][0], wide[1][0]
            ids = np.array(self.names.of(names, self.state.places), object)
            order = sorted(range(len(line)), key=lambda at: (-line[at], names[at] < 0, str(ids[at])))[: scores.shape[1]]
            scores[row], keys[row] = line[order], names[order]
        return scores, keys

    def known(self, keys: Keys) -> Keys:
        """Keep the keys that were there when this view was taken."""
        keys = keys[keys < self.state.places]
        return keys[self.alive[keys]]

    def places(self) -> Keys:
        """Return the places of living items, ascending."""
        return np.flatnonzero(self.alive)
