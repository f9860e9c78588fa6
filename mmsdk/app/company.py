"""Rows that come one after another, each measured within what was seen of its group: a recording, a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.decoded import embed_decoded
from mmsdk.embed.within import Tally, measured
from mmsdk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.app.prediction import Prediction
    from mmsdk.embed import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Rows that were seen and may be answered, now or when more was seen.

    :param groups: whose each row is; ``None`` where nobody knows.
    """

    embeddings: Embeddings
    groups: tuple[str | None, ...]


class Company:
    """What was seen so far of each group, for the inputs of a run that have a ``within``.

    A table in use has all the rows of a person at once (:meth:`mmsdk.App.predict`). A recording gives them in turn:
    :meth:`see` them, and :meth:`answer` each with what was seen until then, or all of them at the end. Rows of a group
    of which no more than one row was seen are measured as a lone row is, by what is usual in the training rows.

    Of one recording and one thread; it keeps a count, a mean and a spread for each group, no rows.

    :param app: a fitted run; one without a ``within`` is answered as :meth:`mmsdk.App.predict_samples` does.
    :param weight: what a row counts, 0 to 1; windows that overlap share what they show, and count ``hop / window``.
    :raises ConfigError: a weight that is no such number.
    """

    def __init__(self, app: App, *, weight: float = 1.0) -> None:
        if not 0 < weight <= 1:
            raise ConfigError(f"weight is {weight!r}; expected what a row counts, more than 0 and at most 1")
        self._app, self._weight = app, weight
        self.inputs = tuple(name for name, entry in app.application.inputs.items() if entry.within is not None)
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._rows: dict[tuple[str, str], int] = {}

    def see(self, samples: Sequence[Mapping[str, Any]], groups: Sequence[str | None]) -> Seen:
        """Embed rows and count them in.

        :param samples: as of :meth:`mmsdk.App.predict_samples`.
        :param groups: whose each row is (a person, a camera, a site); ``None``: nobody knows, and it is not counted.
        :raises DataError: an input nobody knows, or not one group a row.
        """
        if len(groups) != len(samples):
            raise DataError(f"{len(samples)} rows and {len(groups)} groups; give one group a row, None where unknown")
        pipeline = self._app.pipeline
        found = embed_decoded(samples, pipeline.encoders, pipeline.application.precision)
        for name in self.inputs:
            for row in np.flatnonzero(found.present[name]).tolist():
                if (group := groups[row]) is not None:
                    self._count((name, group), np.asarray(found.values[name][row : row + 1], np.float64))
        return Seen(found, tuple(groups))

    def answer(self, seen: Seen) -> list[Prediction]:
        """Answer every task for rows that were seen, measured within what was seen of their groups until now."""
        if not seen.groups:
            return []
        changed = {name: self._measured(name, seen) for name in self.inputs}
        found = replace(seen.embeddings, values={**seen.embeddings.values, **changed})
        return self._app.answer(self._app.pipeline.aligned(found))

    def rows(self, group: str | None) -> dict[str, int]:
        """Return input -> how many rows a row of a group is measured against; 0: what is usual in the training rows."""
        tallies = {} if group is None else {name: self._tallies.get((name, group)) for name in self.inputs}
        enough = {name for name, tally in tallies.items() if tally is not None and tally.weight > 1}
        return {name: self._rows[(name, str(group))] if name in enough else 0 for name in self.inputs}

    def _count(self, key: tuple[str, str], row: np.ndarray) -> None:
        """Count a row ``(1, d)`` in."""
        fresh = Tally.of(row, self._weight)
        if key in self._tallies:
            self._tallies[key].add(fresh)
        else:
            self._tallies[key] = fresh
        self._rows[key] = self._rows.get(key, 0) + 1

    def _measured(self, name: str, seen: Seen) -> np.ndarray:
        """Return the vectors of an input, measured; zero where there are none."""
        values, present = seen.embeddings.values[name], seen.embeddings.present[name]
        found = np.zeros(values.shape, np.float32)
        for row in np.flatnonzero(present).tolist():
            group = seen.groups[row]
            tally = self._tallies.get((name, group)) if group is not None else None
            found[row] = measured(np.asarray(values[row], np.float64), tally, self._app.pipeline.usual[name])
        return found
