"""The rows an application can answer with: their fused vectors to search, their item vectors to recommend.

Two indexes with one id space. The one with fused vectors decides what is there; the other, of a run with interactions,
holds the item vectors whose dot product with a user's vector is the score.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.directory import INDEX, split_ids
from mmsdk.app.generations import LEARNED, Generations
from mmsdk.app.memory import Memory
from mmsdk.app.ranking import behaviour_of
from mmsdk.errors import DataError, Problem, RunError, some
from mmsdk.index import Hit, JointIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.picking import Picking
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.config import Application
    from mmsdk.data import Samples, Table
    from mmsdk.embed import Embeddings
    from mmsdk.tasks.ranking import Contribution, Profile, Ranker

FUSED, ITEMS = "fused", "items"
BATCH = 4096
NAMED = 8  # columns that a message lists


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
        self._opened: dict[str, JointIndex] = {}
        self._fitted: Sequence[str] | None = None
        self._places: tuple[int, Mapping[str, int]] | None = None
        self._lock = threading.RLock()
        self.changing = threading.RLock()
        self.memory = Memory(folder, folder / LEARNED)
        self._generations = (
            None if ranker is None else Generations(folder, ranker, self._folder / ITEMS, self.fitted_ids)
        )

    @property
    def generations(self) -> Generations:
        """The rankers of the run; it has some."""
        assert self._generations is not None
        return self._generations

    @property
    def ranker(self) -> Ranker | None:
        """What recommends now."""
        return None if self._generations is None else self._generations.latest()[1]

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
        ranker, items = self._ranking()
        known = [*asked.history, *([] if asked.like is None else [asked.like])]
        vectors = items.get(known)[0] if known else np.zeros((0, ranker.dim), np.float32)
        count = len(asked.history)
        embeddings = asked.embeddings
        user = ranker.user_vectors(
            [vectors[:count]],
            {} if embeddings is None else embeddings.vectors(),
            present=None if embeddings is None else embeddings.present,
            like=None if asked.like is None else vectors[count:],
            query_weight=asked.query_weight,
        )
        picking = replace(picking, exclude=[*known, *checked_ids(picking.exclude)])
        return picking.of(items, user, self._index(FUSED))

    def together(self, id: str, picking: Picking) -> list[Hit]:
        """Return the items that are taken together with one, or with what is like it: by behaviour alone."""
        ranker, items = self._ranking()
        user = behaviour_of(ranker, self._profile(ranker, [id]))
        if not user.any():
            raise RunError(
                f"behaviour counts for nothing here, or nobody took {id!r} or anything like it; ask by content"
            )
        return picking.of(items, user, self._index(FUSED))

    def divide(self, asked: Asked, id: str) -> list[Contribution]:
        """Return the parts of the score that an item has for a user; they sum to it.

        :raises RunError: an item came by an earlier mmsdk, which did not keep what it is.
        """
        from mmsdk.tasks.ranking import Asking, contributions

        ranker, items = self._ranking()
        history, embeddings = list(asked.history), asked.embeddings
        like = [] if asked.like is None else [asked.like]
        vectors = items.get([*history, *like, id])[0]
        profile = self._profile(ranker, [*history, *like, id])
        query = {} if embeddings is None else embeddings.vectors()
        known, present = ranker.known(query, embeddings.present) if embeddings is not None else ({}, {})
        count = len(history)
        asking = Asking(
            vectors=vectors[:count],
            items=profile.take(np.arange(count)) if history else None,
            query=known,
            present=present,
            like=(vectors[[count]], profile.take(np.array([count]))) if like else None,
            weight=asked.query_weight,
        )
        return contributions(ranker, asking, profile.take(np.array([len(profile) - 1])), vectors[-1])

    def untaken(self, ids: Sequence[str]) -> set[str]:
        """Return which items nobody had taken when the ranker learned."""
        generation, ranker = self.generations.latest()
        places = self._known_places(generation)
        return {name for name in ids if name not in places or not ranker.degrees[places[name]]}

    def _profile(self, ranker: Ranker, ids: Sequence[str]) -> Profile:
        """Return what items are, block by block: as learned, or by content where they came after that."""
        from mmsdk.tasks.ranking import fitted_profile, new_profile, stacked

        places = self._known_places(self.generations.latest()[0])
        later = [name for name in dict.fromkeys(ids) if name not in places]
        known = list(dict.fromkeys(name for name in ids if name in places))
        if strange := set(later) - set(self.memory.kept()):
            raise RunError(f"item {min(strange)!r} was added by an earlier mmsdk; add it again to have it explained")
        parts = [fitted_profile(ranker, np.array([places[name] for name in known]))] if known else []
        if later:
            widths = {name: content.vectors.shape[1] for name, content in ranker.contents.items()}
            parts.append(new_profile(ranker, *self.memory.placed(later, widths)))
        order = {name: row for row, name in enumerate([*known, *later])}
        return stacked(parts).take(np.array([order[name] for name in ids]))

    def add(self, rows: Any, *, root: Path | None = None) -> list[str]:
        """Embed rows and add them, or replace those whose ids are known; return their ids.

        :param rows: a list of dicts keyed by input name or column, with the id column; or a table.
        :raises DataError: a row has no id, two have one, or a file cannot be used; nothing was added then.
        """
        application = self._pipeline.application
        if application.id is None:
            raise RunError(
                "the application has no id column, so rows cannot be added under an id; set id and fit again"
            )
        if isinstance(rows, list | tuple) and not rows:
            return []
        table = self._pipeline.table(rows, root=root)
        if isinstance(rows, list | tuple):
            _refuse_bare(table, self._pipeline.in_use or application)
        samples, _ = self._pipeline.read(table, partial=True)
        samples.table.require([application.id])
        _refuse_repeated(samples)
        embeddings = self._pipeline.embed(samples)
        self.fill(samples, embeddings)
        return list(samples.ids)

    def fill(self, samples: Samples, embeddings: Embeddings, items: np.ndarray | None = None) -> None:
        """Add embedded rows.

        :param items: item vectors ``(n, dim)`` where they are known already; made from content otherwise.
        """
        rows = samples.table.records(text=[self._pipeline.application.id] if self._pipeline.application.id else [])
        vectors = self._pipeline.fuse(embeddings)[0]
        with self.changing:
            if self._generations is not None and items is not None:
                self._ranking()[1].add(samples.ids, items, rows)
            elif self._generations is not None:  # first, so that whatever can be found can also be recommended
                with self.generations.alone():
                    self._remember(samples.ids, embeddings)
                    self._ranking()[1].add(samples.ids, self._item_vectors(samples.ids), rows)
            self._index(FUSED).add(samples.ids, vectors, rows)

    def _remember(self, ids: Sequence[str], embeddings: Embeddings) -> None:
        """Keep what the items are, so that interactions with them can be learned from."""
        fitted = self.generations.fitted
        self.memory.keep(ids, *fitted.place(embeddings.vectors(), embeddings.present))

    def _item_vectors(self, ids: Sequence[str]) -> np.ndarray:
        """Return item vectors by content; an item that was learned of keeps what people's behaviour taught of it."""
        number, ranker = self.generations.latest()
        widths = {name: content.vectors.shape[1] for name, content in ranker.contents.items()}
        items = ranker.embed_placed(*self.memory.placed(ids, widths))
        known = self._known_places(number)
        for row, name in enumerate(ids):
            if name in known:
                items[row] = ranker.item_vectors()[known[name]]
        return items

    def fitted_ids(self) -> Sequence[str]:
        """Return the ids of the table the run was made with, in its order; read once."""
        if self._fitted is None:
            self._fitted = split_ids(self._folder.parent)[0]
        return self._fitted

    def catalogue(self) -> list[str]:
        """Return the ids of all items that were ever there: the fitted ones, and after them the later ones, sorted."""
        fitted = self.fitted_ids()
        return [*fitted, *sorted(set(self.memory.kept()) - set(fitted))]

    def _known_places(self, number: int) -> Mapping[str, int]:
        """Return where each id stands in the catalogue of a generation."""
        if self._places is None or self._places[0] != number:
            self._places = (number, {name: place for place, name in enumerate(self.generations.ids())})
        return self._places[1]

    def publish(self, ranker: Ranker, ids: Sequence[str], events: int) -> int:
        """Make a ranker the one that recommends, with the vectors of all items that can be found; return its number."""
        places = {name: place for place, name in enumerate(ids)}
        found = self._index(FUSED)

        def fill(folder: Path, number: int) -> None:
            items = self._create(folder, ranker.dim, number)
            with contextlib.closing(items):
                here = found.ids()
                for start in range(0, len(here), BATCH):
                    names = here[start : start + BATCH]
                    rows = found.get(names)[1]
                    items.add(names, ranker.item_vectors()[[places[name] for name in names]], rows)
                items.save()

        return self.generations.publish(ranker, ids, events, fill)

    def _create(self, folder: Path, dim: int, number: int) -> JointIndex:
        """Make an empty index of item vectors."""
        kind = self._pipeline.application.index.type
        return JointIndex.create(folder, dim, "dot", fingerprint=self._fingerprint_of(number), type=kind)

    def _fingerprint_of(self, number: int) -> str:
        """Return what tells the item vectors of a generation from others."""
        return self._fingerprint if number == 0 else f"{self._fingerprint}/{number}"

    def remove(self, ids: Sequence[str]) -> int:
        """Remove rows; return how many of the ids were there."""
        with self.changing:
            if self._generations is not None:  # first, so that nothing is recommended that cannot be found
                with self.generations.alone():
                    self._ranking()[1].remove(checked_ids(ids))
                    return self._index(FUSED).remove(checked_ids(ids))
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
        with self.changing:
            for index in self._indexes().values():
                index.compact()

    def save(self) -> None:
        """Bring the FAISS snapshots up to date."""
        for index in self._indexes().values():
            index.save()

    def info(self) -> dict[str, Any]:
        """Return, for each of the indexes, its type and why, counts, bytes and fingerprint."""
        return {name: index.info() for name, index in self._indexes().items()}

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            for index in self._opened.values():
                index.close()
            self._opened.clear()
        self.memory.close()

    def __len__(self) -> int:
        return len(self._index(FUSED))

    def __contains__(self, id: object) -> bool:
        return id in self._index(FUSED)

    def create(self, dim: int, type: str) -> None:
        """Make the empty indexes of a new run; what an interrupted one left is dropped."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        fingerprint = self._fingerprint
        self._opened[FUSED] = JointIndex.create(self._folder / FUSED, dim, "cosine", fingerprint=fingerprint, type=type)
        if self._generations is not None:
            self._opened[f"{ITEMS}/0"] = self._create(self._folder / ITEMS, self.generations.fitted.dim, 0)

    def _indexes(self) -> dict[str, JointIndex]:
        """Return the indexes that the run has."""
        found = {FUSED: self._index(FUSED)}
        return found if self._generations is None else {**found, ITEMS: self._ranking()[1]}

    def _index(self, name: str) -> JointIndex:
        """Open an index when it is first used."""
        with self._lock:
            if name not in self._opened:
                self._opened[name] = JointIndex.open(self._folder / name, self._fingerprint)
            return self._opened[name]

    def _ranking(self) -> tuple[Ranker, JointIndex]:
        """Return what recommends now, and its item vectors, which belong together."""
        number, ranker = self.generations.latest()
        name = f"{ITEMS}/{number}"
        with self._lock:
            if name not in self._opened:
                items = JointIndex.open(self.generations.items(number), self._fingerprint_of(number))
                self._opened[name] = items
                self._reconcile(items)
                if (before := self._opened.pop(f"{ITEMS}/{number - 2}", None)) is not None:
                    before.close()
            return ranker, self._opened[name]

    def _reconcile(self, items: JointIndex) -> None:
        """Drop items that cannot be found: a kill came between the two writes of an ``add``."""
        found = self._index(FUSED)
        if len(items) != len(found):
            items.remove(sorted(set(items.ids()) - set(found.ids())))


def checked_ids(ids: Sequence[str]) -> list[str]:
    """Return ids as a list; a lone text, whose letters would be taken for ids, is refused, and what is no list."""
    if isinstance(ids, str):
        raise DataError(f"expected a list of ids, not the text {ids!r}; write [{ids!r}]")
    if not isinstance(ids, Iterable):
        raise DataError(f"expected a list of ids, not {ids!r}; write [] where there are none")
    return list(ids)


def _refuse_bare(table: Table, application: Application) -> None:
    """Refuse rows of Python without an id, or of which none holds an input.

    :raises DataError: the rows have no id, or hold no input. A file that lacks columns is refused where it is read.
    """
    assert application.id is not None
    if application.id not in table.names:
        raise DataError(f"row 1 has no id ({application.id!r}); nothing was added")
    inputs = application.inputs.values()
    if not any(entry.reads(name) for entry in inputs for name in table.names):
        columns = list(dict.fromkeys(column for entry in inputs for column in entry.columns))
        wanted, name = some([*map(repr, columns)], NAMED), table.cells(application.id)[0]
        raise DataError(f"row 1 (id {name!r}) holds no input; give at least one of {wanted}")


def _refuse_repeated(samples: Samples) -> None:
    """Refuse rows of which two are to stand under one id.

    :raises DataError: there are; which one is meant, nobody can tell.
    """
    first: dict[str, int] = {}
    problems = []
    for row, name in zip(samples.rows.tolist(), samples.ids, strict=True):
        if first.setdefault(name, row) != row:
            problems.append(
                Problem(row=row, id=name, reason=f"stands already in row {first[name]}; ids must be unique")
            )
    if problems:
        raise DataError(f"{samples.table.name} holds rows of one id; keep one of each, nothing was added", problems)
