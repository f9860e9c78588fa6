"""The training rows of a run: which are nearest to a vector, and which are typical of a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.explain import Neighbour, prototypes_of
from mmsdk.index.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.collection import Collection
    from mmsdk.protocols import Task

PROTOTYPES = 3
MOST_ROWS = 5000  # training rows whose labels are read, evenly spread


class Likeness:
    """What an explanation asks the index of a run.

    :param ids: of the rows that the run was made with, and their ``parts``; those of ``train`` count, all where no row
        says so; a row that was removed since does not.
    """

    def __init__(self, index: Collection, ids: Sequence[str], parts: Sequence[str]) -> None:
        self._index = index
        trained = [name for name, part in zip(ids, parts, strict=True) if part == "train"] or list(ids)
        self._train = frozenset(trained)
        spread = np.unique(np.linspace(0, len(trained) - 1, min(MOST_ROWS, len(trained))).astype(np.int64))
        self._some = [trained[place] for place in spread]
        self._typical: dict[tuple[str, str], list[str]] = {}

    def some_rows(self, count: int) -> list[Mapping[str, Any]]:
        """Return up to ``count`` training rows by column, evenly spread."""
        known = [name for name in self._some if name in self._index]
        step = max(1, len(known) // count)
        return list(self._index.rows(known[::step][:count]))

    def nearest(self, vector: np.ndarray, k: int, column: str, *, without: str) -> list[Neighbour]:
        """Return the ``k`` training rows nearest to a fused vector ``(1, dim)``, the row itself left out."""
        asked, total = 4 * k + 8, len(self._index)
        while k:
            hits = self._index.search(vector, min(asked, total), exclude=[without] if without in self._index else None)
            found = [hit for hit in hits if hit.id in self._train]
            if len(found) >= k or asked >= total:
                return [_neighbour(hit.id, hit.score, hit.row, column) for hit in found[:k]]
            asked *= 8
        return []

    def typical(
        self, vector: np.ndarray, task: Task, name: str, label: str, column: str, *, without: str
    ) -> list[Neighbour]:
        """Return the prototypes of a label among the training rows, with their cosine to a vector ``(1, dim)``."""
        if (name, label) not in self._typical:
            self._typical[name, label] = self._prototypes(task, label, column)
        ids = [one for one in self._typical[name, label] if one in self._index and one != without][:PROTOTYPES]
        if not ids:
            return []
        vectors = unit_rows(self._index.vectors(ids)) @ unit_rows(vector)[0]
        rows = self._index.rows(ids)
        return [_neighbour(one, float(score), row, column) for one, score, row in zip(ids, vectors, rows, strict=True)]

    def _prototypes(self, task: Task, label: str, column: str) -> list[str]:
        """Return the ids of the prototypes of a label."""
        known = [name for name in self._some if name in self._index]
        cells = [row.get(column) for row in self._index.rows(known)]
        ids = [name for name, cell in zip(known, cells, strict=True) if _has(task, cell, label)]
        places = prototypes_of(self._index.vectors(ids), PROTOTYPES + 1) if ids else []
        return [ids[place] for place in places]


def _has(task: Task, cell: Any, label: str) -> bool:
    """Return whether a cell of the task's column says a label."""
    values, labelled, _ = task.encode([cell])
    if not labelled[0]:
        return False
    labels: Any = getattr(task, "labels", ())
    if np.ndim(values) == 2:
        return bool(values[0][labels.index(label)] > 0.5)
    return bool(labels[int(values[0])] == label)


def _neighbour(id: str, similarity: float, row: Mapping[str, Any], column: str) -> Neighbour:
    """Return a row as a neighbour."""
    return Neighbour(id=id, similarity=float(similarity), label=row.get(column), row=dict(row))
