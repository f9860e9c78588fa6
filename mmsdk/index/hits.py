"""What a search answers: an id, its score, and its row, read from the store only when somebody looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Row = Mapping[str, Any]


class RowReader(Protocol):
    """The one method of the store that a hit needs."""

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows of the ids that exist."""
        ...


class RowBatch:
    """The rows of all hits of one search, read together by one query when the first of them is looked at."""

    __slots__ = ("_ids", "_reader", "_rows")

    def __init__(self, reader: RowReader, ids: Sequence[str]) -> None:
        """Remember which rows may be asked for; read none."""
        self._reader = reader
        self._ids = ids
        self._rows: dict[str, Row] | None = None

    def row(self, id: str) -> Row:
        """Return one row; ``{}`` where the item was removed after the search."""
        if self._rows is None:
            self._rows = self._reader.rows(list(dict.fromkeys(self._ids)))
        return self._rows.get(id, {})


class _Kept:
    """Rows at hand, in place of a store."""

    def __init__(self, kept: dict[str, Row]) -> None:
        self._kept = kept

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows of the ids that are there."""
        return {name: self._kept[name] for name in ids if name in self._kept}


class Hit:
    """One item that a search found.

    A plain slotted class, not a frozen dataclass: 640 of them (64 queries, k = 10) cost 0.12 ms instead of 0.6 ms,
    and a search may add a tenth to FAISS's own time.

    :ivar id: the item's id, as given to ``add``.
    :ivar score: inner product, which is the cosine where the index says so; higher is nearer.
    """

    __slots__ = ("_batch", "id", "score")

    def __init__(self, id: str, score: float, batch: RowBatch) -> None:
        """Hold the answer and the way to its row."""
        self.id = id
        self.score = score
        self._batch = batch

    @property
    def row(self) -> Row:
        """The item's columns as of this first look; ``{}`` where it was removed since the search."""
        return self._batch.row(self.id)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"id", "score", "row"}`` as JSON values, as ``mmsdk search --json`` prints them."""
        return {"id": self.id, "score": float(self.score), "row": dict(self.row)}

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the row along to another process, which has no store to read it from."""
        return Hit, (self.id, self.score, RowBatch(_Kept({self.id: dict(self.row)}), [self.id]))

    def __eq__(self, other: object) -> bool:
        """Two hits are equal when they name one item with one score."""
        return isinstance(other, Hit) and (self.id, self.score) == (other.id, other.score)

    def __hash__(self) -> int:
        """Hash by what equality compares."""
        return hash((self.id, self.score))

    def __repr__(self) -> str:
        """Return ``Hit('sku-1', 0.931)``; the row is left out, since showing a hit must not read the disk."""
        return f"Hit({self.id!r}, {self.score:.3f})"
