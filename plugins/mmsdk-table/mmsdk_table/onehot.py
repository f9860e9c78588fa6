"""The encoder ``onehot``: one column for each of the commonest categories of the training rows."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHOLE = re.compile(r"(-?\d+)\.0+", re.ASCII)


class OneHot:
    """Categories to ``(n, dim)``: a 1 in the column of the category.

    Where training rows hold more categories than ``limit``, those beyond it share a last column, and so does a category
    that training never saw. Where none was left over, that column would never have been trained, so it does not exist
    and an unseen category is all zeros. ``7.0`` is the ``7`` of training and ``True`` its ``true``, and the other way
    round, unless training knew both.

    :param limit: so many categories, the commonest first, have a column of their own.
    """

    def __init__(self, limit: int = 256) -> None:
        check_limit("onehot", limit)
        self.limit = limit
        self.dim = 0
        self._places: dict[str, int] = {}
        self._spelled: dict[str, int] = {}
        self._rest = False

    def fit(self, batch: Sequence[str], modality: str) -> None:
        """Learn the commonest categories; ties go by name, so that the order of rows does not matter."""
        ranked = sorted(Counter(batch).items(), key=lambda one: (-one[1], one[0]))
        self._learn([name for name, _ in ranked[: self.limit]], rest=len(ranked) > self.limit)

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32 of zeros and ones."""
        vectors = np.zeros((len(batch), self.dim), np.float32)
        rest = self.dim - 1 if self._rest else -1
        places = np.array([self._places.get(value, self._spelled.get(plainly(value), rest)) for value in batch], int)
        known = np.flatnonzero(places >= 0)
        vectors[known, places[known]] = 1
        return vectors

    def state(self) -> Mapping[str, Any]:
        """Return the categories in the order of their columns, and whether the rest have one."""
        return {"categories": list(self._places), "rest": self._rest}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._learn(state["categories"], rest=state["rest"])

    def _learn(self, categories: Sequence[str], *, rest: bool) -> None:
        """Give each category its column; at least one column, so that the vector is never empty."""
        self._places = {name: place for place, name in enumerate(categories)}
        self._spelled = by_spelling(self._places)
        self._rest = rest
        self.dim = max(len(categories) + rest, 1)


def plainly(name: str) -> str:
    """Return a value as no program spells it otherwise: ``7.0``, as tables with gaps are written, is ``7``."""
    said = name.lower()
    return said if said in {"true", "false"} else found[1] if (found := WHOLE.fullmatch(name)) else name


def by_spelling(places: Mapping[str, int]) -> dict[str, int]:
    """Return the places of values by their plain spelling, of those that training knew in one spelling alone."""
    counts = Counter(map(plainly, places))
    return {plain: place for name, place in places.items() if counts[plain := plainly(name)] == 1}


def check_limit(encoder: str, limit: object) -> None:
    """Refuse what is no number of columns."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 65_536:
        raise EncoderError(f"encoder {encoder!r}: limit is {limit!r}, expected a whole number from 1 to 65536")
