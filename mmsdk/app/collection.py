"""The rows an application can answer with: their fused vectors to search, their item vectors to recommend.

Two indexes with one id space. The one with fused vectors decides what is there; the other, of a run with interactions,
holds the item vectors whose dot product with a user's vector is the score.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.directory import INDEX, split_ids
from mmsdk.errors import DataError, RunError
from mmsdk.index import Hit, JointIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.picking import Picking
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings
    from mmsdk.tasks.ranking import Ranker

FUSED, ITEMS = "fused", "items"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of whom, and for what, a recommendation is asked.

    :param history: ids, oldest first; :param like: an id that is pointed at now.
    :param embeddings: what is said or shown now, one row.
    :param query_weight: 0 to 1, how much what is asked now counts beside the history.
    """

    history: Sequence[str] = ()
    like: str | None = None
    embeddings: Embeddings | None = None
    query_weight: float | None = None


class Collection:
    """``app.index``: search by vector, add and remove rows. Thread-safe; what a call returned from is on the disk.

    :param folder: the run directory; opened when first used.
    :param fingerprint: of the run; an index of another run or encoder is refused.
    """

    def __init__(self, folder: Path, fingerprint: str, pipeline: Pipeline, ranker: Ranker | None) -> None:
        self._folder = folder / INDEX
        self._fingerprint = fingerprint
        self._pipeline = pipeline
        self._ranker = ranker
        self._opened: dict[str, JointIndex] = {}
        self._fitted: Mapping[str, int] | None = None
        self._lock = threading.RLock()

    def search(
        self, vectors: np.ndarray, k: int = 10, where: str | None = None, *, exclude: Sequence[str] | None = None
    ) -> list[Any]:
        """Return the ``k`` nearest rows of fused vectors, best first.

        :param vectors: ``(dim,)`` or ``(b, dim)`` float32 as :meth:`mmsdk.App.embed` returns them.
        :returns: hits of the query; for ``(b, dim)`` with ``b`` above 1, a list of them a query.
        """
        many = np.ndim(vectors) == 2 and len(vectors) > 1
        hits = self._index(FUSED).search(np.atleast_2d(vectors), k, where, exclude)
        return hits if many else hits[0]

    def pick(self, vector: np.ndarray, picking: Picking) -> list[Hit]:
        """Return the rows nearest to a fused vector ``(1, dim)``, as somebody asks for them."""
        return picking.of(self._index(FUSED), vector, self._index(FUSED))

    def recommend(self, asked: Asked, picking: Picking) -> list[Hit]:
        """Return the best items for a user, never one of the history; how alike two are, their fused vectors say."""
        assert self._ranker is not None
        items = self._index(ITEMS)
        known = [*asked.history, *([] if asked.like is None else [asked.like])]
        vectors = items.get(known)[0] if known else np.zeros((0, self._ranker.dim), np.float32)
        count = len(asked.history)
        embeddings = asked.embeddings
        user = self._ranker.user_vectors(
            [vectors[:count]],
            {} if embeddings is None else embeddings.vectors(),
            present=None if embeddings is None else embeddings.present,
            like=None if asked.like is None else vectors[count:],
            query_weight=asked.query_weight,
        )
        picking = replace(picking, exclude=[*known, *checked_ids(picking.exclude)])
        return picking.of(items, user, self._index(FUSED))

    def add(self, rows: Any, *, root: Path | None = None) -> list[str]:
        """Embed rows and add them, or replace those whose ids are known; return their ids.

        :param rows: a list of dicts keyed by input name or column, with the id column; or a table.
        :raises DataError: a row has no id, or a file cannot be used.
        """
        application = self._pipeline.application
        if application.id is None:
            raise RunError(
                "the application has no id column, so rows cannot be added under an id; set id and fit again"
            )
        if isinstance(rows, list | tuple) and not rows:
            return []
        samples, _ = self._pipeline.read(rows, root=root, partial=True)
        samples.table.require([application.id])
        embeddings = self._pipeline.embed(samples)
        self.fill(samples, embeddings)
        return list(samples.ids)

    def fill(self, samples: Samples, embeddings: Embeddings, items: np.ndarray | None = None) -> None:
        """Add embedded rows.

        :param items: item vectors ``(n, dim)`` where they are known already; made from content otherwise.
        """
        rows = samples.table.records(text=[self._pipeline.application.id] if self._pipeline.application.id else [])
        vectors = self._pipeline.fuse(embeddings)[0]
        with self._lock:
            if self._ranker is not None:  # first, so that whatever can be found can also be recommended
                items = self._item_vectors(samples.ids, embeddings) if items is None else items
                self._index(ITEMS).add(samples.ids, items, rows)
            self._index(FUSED).add(samples.ids, vectors, rows)

    def _item_vectors(self, ids: Sequence[str], embeddings: Embeddings) -> np.ndarray:
        """Return item vectors from content; an item that was fitted keeps what people's behaviour taught of it."""
        assert self._ranker is not None
        items = self._ranker.embed_new(embeddings.vectors(), embeddings.present)
        fitted = self._fitted_places()
        for row, name in enumerate(ids):
            if name in fitted:
                items[row] = self._ranker.item_vectors()[fitted[name]]
        return items

    def _fitted_places(self) -> Mapping[str, int]:
        """Return where each id stood in the table the run was made with; read once."""
        if self._fitted is None:
            self._fitted = {name: place for place, name in enumerate(split_ids(self._folder.parent)[0])}
        return self._fitted

    def remove(self, ids: Sequence[str]) -> int:
        """Remove rows; return how many of the ids were there."""
        with self._lock:
            if self._ranker is not None:  # first, so that nothing is recommended that cannot be found
                self._index(ITEMS).remove(checked_ids(ids))
            return self._index(FUSED).remove(checked_ids(ids))

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        """Return the fused vectors ``(n, dim)`` of rows by id."""
        return self._index(FUSED).get(checked_ids(ids))[0]

    def rows(self, ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the rows, by column, of ids."""
        return self._index(FUSED).get(checked_ids(ids))[1]

    def ids(self) -> list[str]:
        """Return the id of every row."""
        return list(self._index(FUSED).ids())

    def some_ids(self, count: int) -> list[str]:
        """Return a few ids, for examples."""
        return self._index(FUSED).ids()[:count]

    def compact(self) -> None:
        """Drop what was removed and write the snapshots anew."""
        for name in self._names():
            self._index(name).compact()

    def save(self) -> None:
        """Bring the FAISS snapshots up to date."""
        for name in self._names():
            self._index(name).save()

    def info(self) -> dict[str, Any]:
        """Return, for each of the indexes, its type and why, counts, bytes and fingerprint."""
        return {name: self._index(name).info() for name in self._names()}

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            for index in self._opened.values():
                index.close()
            self._opened.clear()

    def __len__(self) -> int:
        return len(self._index(FUSED))

    def __contains__(self, id: object) -> bool:
        return id in self._index(FUSED)

    def create(self, dim: int, type: str) -> None:
        """Make the empty indexes of a new run; what an interrupted one left is dropped."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        common = {"fingerprint": self._fingerprint, "type": type}
        self._opened[FUSED] = JointIndex.create(self._folder / FUSED, dim, "cosine", **common)
        if self._ranker is not None:
            self._opened[ITEMS] = JointIndex.create(self._folder / ITEMS, self._ranker.dim, "dot", **common)

    def _names(self) -> tuple[str, ...]:
        """Return the indexes that the run has."""
        return (FUSED,) if self._ranker is None else (FUSED, ITEMS)

    def _index(self, name: str) -> JointIndex:
        """Open an index when it is first used."""
        with self._lock:
            if name not in self._opened:
                self._opened[name] = JointIndex.open(self._folder / name, self._fingerprint)
                if name == ITEMS:
                    self._reconcile(self._opened[ITEMS])
            return self._opened[name]

    def _reconcile(self, items: JointIndex) -> None:
        """Drop items that cannot be found: a kill came between the two writes of an ``add``."""
        found = self._index(FUSED)
        if len(items) != len(found):
            items.remove(sorted(set(items.ids()) - set(found.ids())))


def checked_ids(ids: Sequence[str]) -> list[str]:
    """Return ids as a list; a lone text, whose letters would be taken for ids, is refused."""
    if isinstance(ids, str):
        raise DataError(f"expected a list of ids, not the text {ids!r}; write [{ids!r}]")
    return list(ids)
