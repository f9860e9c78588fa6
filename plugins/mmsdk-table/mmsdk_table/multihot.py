"""The encoder ``multihot``: one column for each of the commonest tags of the training rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError
from mmsdk_table.onehot import by_spelling, check_limit, plainly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class MultiHot:
    """Tags to ``(n, dim)``: a 1 in the column of each.

    Where training rows hold more tags than ``limit``, those beyond it share a last column, and so do tags that training
    never saw; where none was left over, that column does not exist, and an unseen tag leaves no trace.

    :param limit: so many tags, the commonest first, have a column of their own.
    :param idf: weigh each tag by how rare it is (``1 + ln((1 + rows) / (1 + rows with it))``) and bring each row to
        length one: a row of one rare tag then says it louder than a row of ten common ones.
    """

    def __init__(self, limit: int = 256, idf: bool = False) -> None:
        check_limit("multihot", limit)
        if not isinstance(idf, bool):
            raise EncoderError(f"encoder 'multihot': idf is {idf!r}, expected true or false")
        self.limit = limit
        self.idf = idf
        self.dim = 0
        self._places: dict[str, int] = {}
        self._spelled: dict[str, int] = {}
        self._weights = np.zeros(0)

    def fit(self, batch: Sequence[Sequence[str]], modality: str) -> None:
        """Learn the commonest tags, ties by name, and how many rows hold each."""
        ranked = sorted(Counter(tag for row in batch for tag in set(row)).items(), key=lambda one: (-one[1], one[0]))
        own = ranked[: self.limit]
        counts = [count for _, count in own]
        if len(ranked) > self.limit:
            names = {name for name, _ in own}
            counts.append(sum(any(tag not in names for tag in row) for row in batch))
        weights = 1 + np.log((1 + len(batch)) / (1 + np.array(counts, np.float64)))
        self._learn([name for name, _ in own], weights if self.idf else np.ones(len(counts)))

    def encode(self, batch: Sequence[Sequence[str]], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        vectors = np.zeros((len(batch), self.dim))
        rest = len(self._places) if len(self._weights) > len(self._places) else None
        for vector, row in zip(vectors, batch, strict=True):
            places = (self._places.get(tag, self._spelled.get(plainly(tag), rest)) for tag in row)
            columns = [place for place in places if place is not None]
            vector[columns] = self._weights[columns]
        if self.idf:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors.astype(np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return the tags in the order of their columns, and the weight of every column."""
        return {"tags": list(self._places), "weights": self._weights.tolist()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._learn(state["tags"], np.asarray(state["weights"], np.float64))

    def _learn(self, tags: Sequence[str], weights: np.ndarray) -> None:
        """Give each tag its column; at least one column, so that the vector is never empty."""
        self._places = {name: place for place, name in enumerate(tags)}
        self._spelled = by_spelling(self._places)
        self._weights = weights
        self.dim = max(len(weights), 1)
