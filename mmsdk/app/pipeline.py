"""Rows to samples to embeddings to fused vectors: the same steps when fitting and in use."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import Policy, Samples, Table, read_samples, read_table
from mmsdk.embed import Embedder, EmbeddingCache, Embeddings, OpenEncoder
from mmsdk.errors import DataError, unknown
from mmsdk.model import JointNet, infer

if TYPE_CHECKING:
    from mmsdk.config import Application
    from mmsdk.errors import Problem

Rows = Any  # whatever read_table takes


@dataclass(kw_only=True)
class Pipeline:
    """The fixed part of an application: its inputs, their opened encoders, and how cells are read.

    :param net: the joint network, once it is fitted.
    """

    application: Application
    encoders: Mapping[str, OpenEncoder]
    device: str
    policy: Policy
    quiet: bool = False
    net: JointNet | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, rows: Rows, *, root: Path | None = None, need_ids: bool = True) -> tuple[Samples, list[Problem]]:
        """Read rows into samples; a list of dicts may be keyed by input name or by column.

        :param need_ids: whether a row without the id column is an error; where not, rows are numbered.
        """
        table = read_table(self._by_column(rows) if _is_rows(rows) else rows, root=root)
        application = self.application
        if not need_ids and application.id is not None and application.id not in table.names:
            application = application.model_copy(update={"id": None})
        return read_samples(_with_missing(table, application), application, self.policy)

    def embed(self, samples: Samples) -> Embeddings:
        """Embed every input, from the cache where it can be."""
        with self._lock:  # encoders are not promised to be thread-safe
            cache = EmbeddingCache()
            try:
                embedder = Embedder(cache, device=self.device, precision=self.application.precision, quiet=self.quiet)
                return embedder.embed(samples, self.encoders, self.policy)
            finally:
                cache.close()

    def fuse(
        self, embeddings: Embeddings, keep: Sequence[str] | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return fused vectors ``(n, dim)`` and logits of each task."""
        assert self.net is not None
        return infer(self.net, embeddings.values, embeddings.present, keep=keep)

    def _by_column(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows keyed by column; a key is the name of an input or of a column."""
        known = {name: entry.columns for name, entry in self.application.inputs.items()}
        columns = {column for names in known.values() for column in names}
        allowed = {*known, *columns, *self._other_columns()}
        found = []
        for number, row in enumerate(rows, 1):
            for key in row:
                if key not in allowed and not _fits(key, columns):
                    raise DataError(unknown("input or column", str(key), allowed, where=f"row {number}", listed="Known"))
            found.append(
                {(known[key][0] if key in known and key not in columns else key): value for key, value in row.items()}
            )
        return found

    def _other_columns(self) -> set[str]:
        """Return the columns that are no inputs and may stand in a row all the same."""
        tasks = {task.column for task in self.application.tasks.values()}
        return tasks | ({self.application.id} if self.application.id else set())


def _is_rows(rows: Rows) -> bool:
    """Return whether the rows are a list of mappings."""
    return isinstance(rows, list | tuple) and all(isinstance(row, Mapping) for row in rows)


def _fits(key: str, columns: set[str]) -> bool:
    """Return whether a key fits a pattern of columns."""
    import fnmatch

    return any("*" in column and fnmatch.fnmatchcase(key, column) for column in columns)


def _with_missing(table: Table, application: Application) -> Table:
    """Return the table as it is; a column of an input that it lacks is a missing input, not an error, in use."""
    return table.with_empty_columns(
        column for entry in application.inputs.values() for column in entry.columns if "*" not in column
    )
