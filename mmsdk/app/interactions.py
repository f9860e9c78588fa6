"""``app.interactions``: who took what since the run was fitted, and learning from it without fitting again."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmsdk.app.ranking import learned_contents
from mmsdk.data import read_events, read_table
from mmsdk.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mmsdk.app.application import App
    from mmsdk.app.collection import Collection
    from mmsdk.config import InteractionsConfig
    from mmsdk.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What came of adding interactions.

    :param added: how many were new; :param known: how many were there before, or stood twice.
    :param problems: rows that were left out (``on_bad_row="skip"``).
    :param generation: the number of what recommends now; ``None`` where it was left for later.
    :param seconds: that learning took.
    """

    added: int = 0
    known: int = 0
    problems: Sequence[Problem] = ()
    generation: int | None = None
    seconds: float = 0.0


class InteractionLog:
    """The interactions of a run. Thread-safe; what a call returned from is on the disk."""

    def __init__(self, app: App) -> None:
        self._app = app

    def add(self, rows: Any, *, root: Path | None = None, learn: bool = True) -> Learned:
        """Add interactions, and learn from all there are.

        The statistics (who took what together, popularity, what new items borrow) are computed anew from all pairs and
        all items, exactly as a fit would; the weights, settings and encoders stay. Hence any order and any division
        into calls gives the same. One that is known (same user, item and time) counts once.

        :param rows: a list of dicts, or a table, under the columns of the application's ``interactions``; items must be
            in the index, or have been (add them with ``app.index.add`` first).
        :param learn: ``False`` only keeps them; :meth:`learn` learns from them later.
        :raises DataError: a row that cannot be used, an item nobody knows; nothing was added then.
        :raises RunError: the run recommends nothing, or does not know the pairs it was fitted on.
        """
        collection, config = self._collection(), self._config()
        if isinstance(rows, list | tuple) and not rows:
            return self.learn() if learn else Learned()
        with collection.changing:
            table = read_table(rows, root=root)
            events, problems = read_events(table, config, collection.catalogue(), self._app.pipeline.policy)
            added = collection.memory.add(events)
            found = Learned(added=added, known=len(events) - added, problems=tuple(problems))
            if not learn:
                return found
            done = self.learn()
        return replace(found, generation=done.generation, seconds=done.seconds)

    def learn(self) -> Learned:
        """Learn from everything that was added, interactions and items alike; see :meth:`add`."""
        collection, config = self._collection(), self._config()
        started = time.perf_counter()
        generations = collection.generations
        with collection.changing, generations.alone():
            ids = collection.catalogue()
            histories = collection.memory.histories(ids, timed=config.time is not None)
            contents = learned_contents(generations.fitted, collection.fitted_ids(), ids, collection.memory)
            ranker = generations.fitted.relearned(histories, contents)
            number = collection.publish(ranker, ids, collection.memory.counts()["events"])
        return Learned(generation=number, seconds=time.perf_counter() - started)

    def histories(self) -> dict[str, list[str]]:
        """Return user -> ids of the items taken that are in the index, oldest first where there are times."""
        here = set(self._collection().ids())
        found = {
            user: [item for item in items if item in here]
            for user, items in self._collection().memory.by_user().items()
        }
        return {user: items for user, items in found.items() if items}

    def info(self) -> dict[str, Any]:
        """Return how many pairs the run was fitted on, what came since, and which generation recommends."""
        collection = self._collection()
        since = collection.memory.counts()
        return {
            "fitted": collection.memory.fitted(),
            "added": since["events"],
            "not_learned": since["events"] - collection.generations.events(),
            "items_added": since["items"],
            "generation": collection.generations.latest()[0],
        }

    def _collection(self) -> Collection:
        """Return the index of the run.

        :raises RunError: the run recommends nothing.
        """
        if self._app.ranker is None:
            raise RunError(f"{self._app.folder} was fitted without interactions, so nobody has a history")
        return self._app.index

    def _config(self) -> InteractionsConfig:
        """Return what the columns are called."""
        config = self._app.application.interactions
        assert config is not None
        return config
