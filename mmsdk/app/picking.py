"""Which of the ranked rows are answered with: filters, exclusions, candidates, variety, so many of a group."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsdk.errors import DataError, unknown
from mmsdk.index.varied import varied

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy as np

    from mmsdk.index import Hit, JointIndex

POOL = 10  # times k answers are looked at, where the order of the scores is not the order of the answers
LEAST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """What a caller asks of the answers, beside the ranking.

    :param k: how many; :param where: a filter over columns.
    :param exclude: ids never to answer with; :param candidates: answer with these ids only.
    :param diversity: 0 to 1, see :func:`mmsdk.index.varied.varied`.
    :param per: a column of whose every value at most ``at_most`` rows are answered with; an empty cell is of no group.
    """

    k: int = 10
    where: str | None = None
    exclude: Sequence[str] = ()
    candidates: Sequence[str] | None = None
    diversity: float = 0.0
    per: str | None = None
    at_most: int = 1

    def __post_init__(self) -> None:
        """Take counts as Python's own, NumPy's too.

        :raises DataError: ``k`` or ``at_most`` is no whole number.
        """
        for name, value in (("k", self.k), ("at_most", self.at_most)):
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise DataError(f"{name} is {value!r}, expected a whole number")
            object.__setattr__(self, name, operator.index(value))

    def of(self, ranked: JointIndex, vector: np.ndarray, looks: JointIndex) -> list[Hit]:
        """Return the answers of one query, in the order to show them.

        :param ranked: the index that scores; :param vector: the query ``(1, dim)``.
        :param looks: the index whose vectors say how alike two answers are.
        :raises DataError: no such column, or numbers out of range.
        :raises StoreError: a filter that does not read, ``k`` below 1.
        """
        if self.per is None and not self.diversity:
            return self._search(ranked, vector, self.k)
        if self.per is not None and self.per not in ranked.columns():
            raise DataError(unknown("column", self.per, ranked.columns(), where="per", listed="Known"))
        wanted = max(POOL * self.k, LEAST)
        while True:
            hits = self._search(ranked, vector, wanted)
            taken = self._varied(hits, looks)
            if len(taken) >= self.k or len(hits) < wanted:
                return [hits[place] for place in taken]
            wanted *= 4  # few groups among so many

    def _search(self, ranked: JointIndex, vector: np.ndarray, k: int) -> list[Hit]:
        """Return the best ``k`` by score alone."""
        return ranked.search(vector, k, self.where, self.exclude, self.candidates)[0]

    def _varied(self, hits: Sequence[Hit], looks: JointIndex) -> list[int]:
        """Return the places of the answers among the best."""
        vectors = looks.get([hit.id for hit in hits])[0] if self.diversity and hits else None
        groups = None if self.per is None else [_group(hit.row.get(self.per)) for hit in hits]
        return varied(
            [hit.score for hit in hits],
            vectors,
            self.k,
            diversity=self.diversity,
            groups=groups,
            at_most=self.at_most,
        )


def _group(value: Any) -> Hashable | None:
    """Return a cell as the name of a group; nothing where it is empty."""
    return None if value is None or value == "" else str(value)
