"""The index a run keeps: one id space, searched, filtered, changed and reopened; durable whatever happens."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mmsdk.errors import StoreError, did_you_mean
from mmsdk.index.exact import Floats, Found, Keys, above
from mmsdk.index.hits import Hit, Row, RowBatch
from mmsdk.index.keeper import Keeper
from mmsdk.index.store import Moved, Settings, Store
from mmsdk.index.vectors import BLOCK, checked, normalised
from mmsdk.index.where import compile_where, no_dates_in, no_numbers_in
from mmsdk.plugins import get_registry
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.index.view import View


FILTERS = 16
NOTHING: Keys = np.empty(0, np.int64)


class JointIndex:
    """Vectors, ids and rows in one folder. Thread-safe; one process writes at a time, any number read.

    What ``add`` and ``remove`` have returned from is on the disk: SQLite and a vector file hold it, and survive a
    kill at any moment. The FAISS file is a snapshot that can be deleted; what came after it is searched exactly
    beside it, and it is written anew by :meth:`save`, or once that tail passes a tenth of the collection. A reader in
    another process sees a change at its next search.
    """

    def __init__(self, store: Store, *, mmap: bool) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self._store = store
        self._keeper = Keeper(store, mmap=mmap)

    @classmethod
    def create(
        cls,
        folder: str | Path,
        dim: int,
        metric: str = "cosine",
        fingerprint: str = "",
        type: str = "auto",
    ) -> Self:
        """Make an empty index.

        :param folder: where; made if missing, refused if an index is there.
        :param dim: length of the vectors.
        :param metric: ``cosine`` (vectors are brought to length one as they come in) or ``dot``.
        :param fingerprint: of the encoder or model whose vectors it holds; :meth:`open` compares it.
        :param type: ``auto`` (by size, see :func:`mmsdk.index.choose.choose`), or an installed type by name.
        :raises StoreError: the folder holds an index, or dim or metric cannot be.
        :raises PluginError: no such type is installed.
        """
        if metric not in ("cosine", "dot"):
            raise StoreError(f"metric {metric!r}: expected cosine or dot.{did_you_mean(metric, ('cosine', 'dot'))}")
        if dim < 1:
            raise StoreError(f"dim {dim}: expected 1 or more")
        settings = Settings(dim=dim, metric=metric, fingerprint=fingerprint, type=_lasting_type(type))
        return cls(Store.create(Path(folder), settings), mmap=True)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        fingerprint: str | None = None,
        *,
        mmap: bool = True,
        type: str | None = None,
    ) -> Self:
        """Open an index; a snapshot that is missing, torn or of another type is built again, and said so on stderr.

        :param fingerprint: of the encoder or model that will search it; ``None`` does not compare.
        :param mmap: map the snapshot into memory instead of reading it.
        :param type: want another type from now on.
        :raises StoreError: no index is there, it is damaged, or another encoder or model made it.
        """
        store = Store.open(Path(folder))
        made_by = store.settings.fingerprint
        if fingerprint is not None and fingerprint != made_by:
            store.close()
            raise StoreError(
                f"{folder}: this index was made by {made_by or 'an unnamed model'}, and {fingerprint} was to use it; "
                "their vectors cannot be compared: open it with the model that made it, or build it again"
            )
        wanted = None if type is None else _lasting_type(type)
        if wanted not in (None, store.settings.type):
            store.set_type(wanted)
        index = cls(store, mmap=mmap)
        try:
            index._keeper.open()
        except BaseException:
            store.close()
            raise
        return index

    # --- searching ---------------------------------------------------------------------------------------------

    def search(
        self,
        vectors: Any,
        k: int = 10,
        where: str | None = None,
        exclude: Sequence[str] | None = None,
        candidates: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Return the ``k`` nearest items of each query, best first, equal scores by id.

        :param vectors: ``(b, dim)`` numbers.
        :param where: a filter over the items' columns, see :func:`mmsdk.index.where.compile_where`. Where k items
            satisfy it, k are found.
        :param exclude: ids never to answer with, such as a history; unknown ones are passed over.
        :param candidates: answer with these ids only, such as what is in stock; unknown ones are passed over.
        :returns: one list a query, shorter than k only where fewer items exist. ``Hit.row`` is read when looked at.
        :raises StoreError: wrong dim, NaN, ``k`` below 1, or a filter that does not read.
        """
        queries = self._query(vectors, k)

        def work(view: View) -> tuple[Floats, Keys, list[str]]:
            allowed = self._among(view, self._allowed(view, where), candidates)
            scores, keys = view.search(queries, k, allowed, self._excluded(view, exclude))
            return scores, keys, view.names.of(keys.ravel(), view.state.places)

        scores, keys, names = self._keeper.steady(work)
        hits = list(map(Hit, names, scores.ravel().tolist(), repeat(RowBatch(self._store, names))))
        rows = [hits[at : at + k] for at in range(0, len(hits), k)]
        if hits and keys.min() < 0:
            return [row[: int((line >= 0).sum())] for row, line in zip(rows, keys, strict=True)]
        return rows

    def search_raw(
        self, vectors: Any, k: int = 10, where: str | None = None, exclude: Sequence[str] | None = None
    ) -> Found:
        """Search as :meth:`search`, and return arrays: scores ``(b, k)`` float32 and keys ``(b, k)`` int64.

        An empty place has score ``-inf`` and key ``-1``. :meth:`names` turns keys into ids; a key stays an item's own
        until it is given a new vector, or the index is compacted.
        """
        queries = self._query(vectors, k)
        return self._keeper.steady(
            lambda view: view.search(queries, k, self._allowed(view, where), self._excluded(view, exclude))
        )

    def names(self, keys: Keys) -> list[str]:
        """Return the ids of keys ``(m,)`` that a search has just returned."""
        wanted = np.asarray(keys, np.int64).ravel()
        return self._keeper.steady(lambda view: view.names.of(wanted, view.state.places))

    def range(self, vector: Any, threshold: float, where: str | None = None) -> list[Hit]:
        """Return every item whose score reaches the threshold, best first, equal scores by id.

        Exact whatever the type: every vector is compared (about 50 ms at 1,000,000 x 256).

        :param vector: ``(dim,)`` numbers.
        """
        query = self._query(np.reshape(vector, (1, -1)))[0]

        def work(view: View) -> tuple[Floats, list[str]]:
            allowed = self._allowed(view, where)
            rows = view.places() if allowed is None and view.living < view.state.places else allowed
            scores, keys = above(query, view.vectors, threshold, rows)
            return scores, view.names.of(keys, view.state.places)

        scores, names = self._keeper.steady(work)
        hits = map(Hit, names, scores.tolist(), repeat(RowBatch(self._store, names)))
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))

    def _query(self, vectors: Any, k: int = 1) -> Floats:
        """Check the queries and ``k`` before anything is touched."""
        if k < 1:
            raise StoreError(f"k = {k}: expected 1 or more")
        queries = checked(vectors, self._store.settings.dim, "query")
        return normalised(queries) if self._store.settings.metric == "cosine" else queries

    def _excluded(self, view: View, ids: Sequence[str] | None) -> Keys:
        """Return the keys of those ids that are there, ascending."""
        if not ids:
            return NOTHING
        keys = np.unique(np.fromiter(self._store.keys(list(ids), view.state.generation).values(), np.int64))
        return view.known(keys)

    def _among(self, view: View, allowed: Keys | None, candidates: Sequence[str] | None) -> Keys | None:
        """Return the keys that a filter lets through, of some candidates only; ascending."""
        if candidates is None:
            return allowed
        keys = self._excluded(view, candidates)
        return keys if allowed is None else np.intersect1d(allowed, keys, assume_unique=True)

    def _allowed(self, view: View, where: str | None) -> Keys | None:
        """Return the keys a filter lets through, remembered for as long as nothing changes."""
        if where is None or not where.strip():
            return None
        if (known := view.filters.get(where)) is not None:
            return known
        columns, generation = self._store.columns(), view.state.generation
        keys = view.known(self._store.matching(compile_where(where, columns), generation))
        for what, found in (("number", no_numbers_in(where, columns)), ("date", no_dates_in(where, columns))):
            for name, condition in found.items():
                if (what, name) not in view.odd:  # every cell is looked at: once, not for every filter
                    view.odd[what, name] = len(view.known(self._store.matching(condition, generation)))
                if count := view.odd[what, name]:
                    note(f"where: {name}: {count} cells are text that is no {what}, and were compared with none")
        if len(view.filters) < FILTERS:
            view.filters[where] = keys
        return keys

    # --- looking -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return how many items there are."""
        return self._keeper.view().living

    def __contains__(self, item: object) -> bool:
        """Say whether an item of this id is there."""
        return isinstance(item, str) and bool(self._store.rows([item]))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, in the order in which their vectors came."""
        return iter(self.ids())

    def columns(self) -> tuple[str, ...]:
        """Return the columns that any item has."""
        return tuple(self._store.columns())

    def ids(self, where: str | None = None) -> list[str]:
        """Return the ids, in the order in which their vectors came; with ``where`` those it lets through."""

        def work(view: View) -> list[str]:
            allowed = self._allowed(view, where)
            return view.names.of(view.places() if allowed is None else allowed, view.state.places)

        return self._keeper.steady(work)

    def get(self, ids: Sequence[str]) -> tuple[Floats, list[Row]]:
        """Return the vectors ``(n, dim)`` and rows of some ids, in their order.

        :raises StoreError: an id is not there.
        """

        def work(view: View) -> tuple[Floats, list[Row]]:
            keys, rows = self._store.keys(list(ids), view.state.generation), self._store.rows(list(ids))
            if missing := [one for one in ids if one not in keys or one not in rows]:
                raise StoreError(
                    f"{self._store.folder}: no item {missing[0]!r} in the index ({len(missing)} of {len(ids)} missing)"
                )
            places = [keys[one] for one in ids]
            if max(places, default=-1) >= view.state.places:
                raise Moved  # given a new vector between the two looks
            found = np.array(view.vectors[places], np.float32).reshape(len(ids), self._store.settings.dim)
            return found, [rows[one] for one in ids]

        return self._keeper.steady(work)

    def items(self, batch: int = 4096) -> Iterator[tuple[str, Floats, Row]]:
        """Iterate over ``(id, vector, row)``, as of the first step; ids are held in memory, the rest in batches."""
        view, ids = self._keeper.steady(lambda view: (view, view.names.of(view.places(), view.state.places)))
        places = view.places()
        for start in range(0, len(places), batch):
            names = ids[start : start + batch]
            rows = self._store.rows(names)
            vectors = np.asarray(view.vectors[places[start : start + batch]])
            for name, vector in zip(names, vectors, strict=True):
                yield name, vector, rows.get(name, {})

    def info(self) -> dict[str, Any]:
        """Return what it is and why: type, counts, bytes, fingerprint, and what the snapshot covers."""
        view, settings = self._keeper.view(), self._store.settings
        snapshot = view.snapshot
        choice = self._keeper.choice(view)
        return {
            "type": snapshot.type if snapshot else "flat",
            "why": snapshot.why if snapshot else choice.why if choice.type == "flat" else "exact until the first save",
            "wanted": settings.type,
            "count": view.living,
            "dim": settings.dim,
            "metric": settings.metric,
            "fingerprint": settings.fingerprint,
            "covered": view.covered,
            "tail": view.tail if snapshot else 0,
            "removed": view.state.places - view.living,
            "recall_at_10": snapshot.recall if snapshot else 1.0,
            "effort": getattr(view.index, "effort", None),
            "build_seconds": snapshot.seconds if snapshot else 0.0,
            "bytes": {file.name: file.stat().st_size for file in self._store.folder.iterdir() if file.is_file()},
            "columns": list(self._store.columns()),
            "changes": view.state.seq,
        }

    # --- changing ----------------------------------------------------------------------------------------------

    def add(self, ids: Sequence[str], vectors: Any, rows: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Add items, or replace those whose ids are known; all of them or none, on the disk when it returns.

        :param ids: unique among themselves.
        :param vectors: ``(n, dim)`` finite numbers; may be memory-mapped.
        :param rows: one mapping an item of what can be kept as JSON; NaN becomes null. None for no columns.
        :raises StoreError: something does not fit, or the disk is full; nothing was changed then.
        """
        ids = list(ids)
        rows = [{}] * len(ids) if rows is None else rows
        array = checked(vectors, self._store.settings.dim)
        _check_ids(ids)
        if not len(ids) == len(array) == len(rows):
            raise StoreError(f"{len(ids)} ids, {len(array)} vectors and {len(rows)} rows; expected as many of each")
        if not ids:
            return
        cosine = self._store.settings.metric == "cosine"
        blocks = (array[at : at + BLOCK] for at in range(0, len(array), BLOCK))
        self._store.add(ids, map(normalised, blocks) if cosine else blocks, rows)
        self._keeper.save_where_due()

    def update(self, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> int:
        """Replace the rows of items and leave their vectors; return how many of the ids exist."""
        _check_ids(ids)
        if len(ids) != len(rows):
            raise StoreError(f"{len(ids)} ids and {len(rows)} rows; expected as many of each")
        return self._store.update(list(ids), rows)

    def remove(self, ids: Sequence[str]) -> int:
        """Remove items; return how many of the ids were there."""
        gone = self._store.remove(list(dict.fromkeys(ids)))
        if gone:
            self._keeper.save_where_due()
        return gone

    def save(self) -> None:
        """Bring the snapshot up to date now; without it the next open searches the tail exactly.

        :raises StoreError: the snapshot cannot be written; every item is safe all the same.
        """
        self._keeper.save()

    def compact(self) -> None:
        """Give back the room of removed items, and build the snapshot anew."""
        self._keeper.compact()

    def close(self) -> None:
        """Close the files; the index is not used afterwards."""
        self._keeper.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _lasting_type(wanted: str) -> str:
    """Return a type as the store keeps it, so that it still means the same when another plugin takes its name.

    :raises PluginError: nobody declares it; says the nearest name.
    """
    return wanted if wanted == "auto" else get_registry().lasting("index", wanted)


def _check_ids(ids: Sequence[str]) -> None:
    """Refuse ids that are no text, empty, or twice in one call."""
    for place, one in enumerate(ids):
        if not isinstance(one, str) or not one:
            raise StoreError(f"ids: item {place} has id {one!r}; expected text that is not empty")
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(one for one in ids if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        raise StoreError(f"ids: {twice!r} stands twice in one call; give each id once")
