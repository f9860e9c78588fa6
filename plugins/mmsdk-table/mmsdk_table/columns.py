"""The encoder ``columns``: each column of a table by its kind, an empty value as a signal of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError
from mmsdk_table.calendar import Calendar
from mmsdk_table.kinds import KINDS, kind_of, read
from mmsdk_table.onehot import OneHot, check_limit
from mmsdk_table.quantile import Quantile, check_bins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Columns:
    """Rows of raw values to ``(n, dim)``: what the encoder of each column's kind makes of it, and its empty flag.

    A number is scaled and put into quantile bins, a category has a column of its own (the commonest; the rest share
    one), a date is circles and a line, as ``quantile``, ``onehot`` and ``calendar`` do. Where a value is empty, or
    cannot be read as its column's kind, the column's part is its mean over the training rows, and its flag is 1. A
    column that training never saw empty has no flag: its weight would be what chance made it.

    :param bins: quantile bins of a number, at most.
    :param limit: categories of a column with a place of their own, at most.
    :param kinds: the kind of each column (``number``, ``category``, ``date``, or nothing to have it decided).
    """

    def __init__(self, bins: int = 16, limit: int = 64, kinds: Sequence[str | None] | None = None) -> None:
        self._options = {"bins": bins, "limit": limit}
        check_bins("columns", bins)
        check_limit("columns", limit)
        if kinds is not None and (isinstance(kinds, str) or any(kind not in {None, *KINDS} for kind in kinds)):
            raise EncoderError(f"encoder 'columns': kinds is {kinds!r}, expected a list of {', '.join(KINDS)} or null")
        self.kinds = None if kinds is None else tuple(kinds)
        self.dim = 0
        self._columns: list[_Column] = []
        self._seen = 0
        self._unread = 0

    def fit(self, batch: Sequence[Sequence[Any]], modality: str) -> None:
        """Decide the kind of each column and learn what it holds.

        :raises ValueError: there is no row, or ``kinds`` has another length than the rows.
        """
        if not len(batch):
            raise ValueError("no training row holds a value, so the columns are not known")
        asked = self.kinds or (None,) * len(batch[0])
        if len(asked) != len(batch[0]):
            raise ValueError(f"kinds names {len(asked)} columns, where the input has {len(batch[0])}")
        columns = []
        for kind, values in zip(asked, zip(*batch, strict=True), strict=True):
            columns.append(_Column(kind=kind or kind_of(values), **self._options))
            columns[-1].fit(values)
        self._learn(columns)

    def encode(self, batch: Sequence[Sequence[Any]], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32.

        :raises ValueError: a row has another number of columns than those of training.
        """
        for place, row in enumerate(batch, 1):
            if len(row) != len(self._columns):
                raise ValueError(f"row {place} holds {len(row)} columns, where {len(self._columns)} are expected")
        parts = []
        for column, values in zip(self._columns, zip(*batch, strict=True), strict=True):
            part, unread = column.encode(values)
            parts.append(part)
            self._seen += sum(value is not None for value in values)
            self._unread += unread
        return np.hstack(parts).astype(np.float32)

    def report(self) -> Mapping[str, tuple[int, int]]:
        """Return how many of how many values could not be read as their column's kind."""
        return {"unread": (self._unread, self._seen)}

    def sources(self) -> list[int]:
        """Return of each element of a vector the column it came of."""
        return [place for place, column in enumerate(self._columns) for _ in range(column.dim)]

    def state(self) -> Mapping[str, Any]:
        """Return kind, flag, mean and what its encoder learned, of each column."""
        return {"columns": [column.state() for column in self._columns]}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        columns = []
        for one in state["columns"]:
            columns.append(_Column(kind=one["kind"], **self._options))
            columns[-1].load_state(one)
        self._learn(columns)

    def _learn(self, columns: list[_Column]) -> None:
        """Keep the columns; the vector is as long as theirs together."""
        self._columns = columns
        self.dim = sum(column.dim for column in columns)


class _Column:
    """One column: its encoder, its mean, and whether emptiness has a place."""

    def __init__(self, *, kind: str, bins: int, limit: int) -> None:
        self.kind = kind
        self.encoder: Any = Quantile(bins) if kind == "number" else OneHot(limit) if kind == "category" else Calendar()
        self.flagged = False
        self.mean = np.zeros(0)

    @property
    def dim(self) -> int:
        """Return how many numbers it makes."""
        return len(self.mean) + self.flagged

    def fit(self, values: Sequence[Any]) -> None:
        """Learn from the training values."""
        known = [one for value in values if (one := read(value, self.kind)) is not None]
        self.encoder.fit(known, self.kind)
        self.flagged = len(known) < len(values)
        vectors = self.encoder.encode(known, self.kind) if known else np.zeros((1, self.encoder.dim), np.float32)
        self.mean = vectors.mean(0, dtype=np.float64)

    def encode(self, values: Sequence[Any]) -> tuple[np.ndarray, int]:
        """Return ``(n, dim)`` and how many values could not be read."""
        found = [read(value, self.kind) for value in values]
        there = np.array([one is not None for one in found])
        vectors = np.tile(np.append(self.mean, [1.0] * self.flagged), (len(values), 1))
        if there.any():
            known = [one for one in found if one is not None]
            vectors[there, : len(self.mean)] = self.encoder.encode(known, self.kind)
            vectors[there, len(self.mean) :] = 0
        unread = sum(one is None and value is not None for one, value in zip(found, values, strict=True))
        return vectors, unread

    def state(self) -> dict[str, Any]:
        """Return what was learned."""
        learned = dict(self.encoder.state())
        return {"kind": self.kind, "flagged": self.flagged, "mean": self.mean.tolist(), "learned": learned}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self.encoder.load_state(state["learned"])
        self.flagged, self.mean = state["flagged"], np.asarray(state["mean"], np.float64)
