"""Evidence by taking away: what the score falls by when a part of an input is gone, through the real encoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.explain.explanation import Deletion, Evidence, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mmsdk.explain.explanation import Unit
    from mmsdk.explain.scoring import Rows, Score
    from mmsdk.protocols import Part

LEAST = 3  # parts: of fewer, the named ones are no choice
SHARE = 0.2  # of the parts that the check takes away
DRAWS = 5  # random choices of as many others


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One input of one row, ready to be taken apart.

    :param component: its modality, which has ``parts`` and ``without``.
    :param sample: as decoded.
    :param encode: samples, ``None`` where nothing is left, to ``(n, d)`` float32 and presence ``(n,)``.
    :param others: samples of training rows; may be empty.
    """

    name: str
    modality: str
    component: Any
    sample: Any
    encode: Callable[[Sequence[Any]], tuple[np.ndarray, np.ndarray]]
    others: Sequence[Any] = ()

    def parts(self) -> list[Part]:
        """Return what the sample falls into."""
        return list(self.component.parts(self.sample))

    def without(self, choices: Iterable[Sequence[Part]]) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors ``(n, d)`` and presence of the sample without each choice of parts."""
        return self.encode([self.component.without(self.sample, choice, self.others) for choice in choices])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One embedded row: ``values`` ``(1, d)`` and ``present`` ``(1,)`` by input."""

    values: Rows
    present: Rows

    def score(self, score: Score) -> float:
        """Return its score."""
        return float(score(self.values, self.present)[0])

    def with_input(self, score: Score, name: str, vectors: np.ndarray, there: np.ndarray) -> np.ndarray:
        """Return the scores ``(n,)`` of the row with one input replaced by each of ``(n, d)`` vectors."""
        count = len(vectors)
        values = {key: np.repeat(one, count, axis=0) for key, one in self.values.items()}
        present = {key: np.repeat(one, count) for key, one in self.present.items()}
        return score({**values, name: vectors}, {**present, name: there})


@dataclass(frozen=True, slots=True, kw_only=True)
class Occlusion:
    """What taking parts of one input away has shown.

    :param falls: ``(p,)``: by how much the score falls without each part.
    :param under: the same under each of some networks with random weights.
    """

    parts: Sequence[Part]
    falls: np.ndarray
    under: Sequence[np.ndarray] = field(default_factory=list)


def occlude(apart: Apart, row: Row, score: Score, shuffled: Sequence[Score] = ()) -> Occlusion:
    """Take each part away in turn (Zeiler and Fergus 2014, arXiv:1311.2901; Li et al. 2016, arXiv:1612.08220)."""
    parts = apart.parts()
    vectors, there = apart.without([part] for part in parts)

    def falls(one: Score) -> np.ndarray:
        return row.score(one) - row.with_input(one, apart.name, vectors, there)

    return Occlusion(parts=parts, falls=falls(score), under=[falls(one) for one in shuffled])


def evidence_of(
    apart: Apart,
    row: Row,
    score: Score,
    found: Occlusion,
    *,
    method: str = "occlusion",
    unit: str | Unit = "probability",
    names: Sequence[str] = (),
    seed: int = 0,
) -> Evidence:
    """Return the evidence, checked by deletion and against random weights.

    :param found: the values of the parts, by whichever method.
    :param names: of columns, by their position, where parts are columns.
    """
    pieces = tuple(
        Piece(name=_named(part, names), kind=part.kind, place=tuple(part.place), value=float(value), lane=part.lane)
        for part, value in zip(found.parts, found.falls, strict=True)
    )
    return Evidence(
        input=apart.name,
        modality=apart.modality,
        method=method,
        unit=unit,
        pieces=pieces,
        text=apart.sample if isinstance(apart.sample, str) else "",
        seconds=_seconds(found.parts),
        deleted=deletion(apart, row, score, found, seed=seed),
        randomised=agreement(found.falls, found.under) if len(pieces) >= LEAST else None,
    )


def deletion(apart: Apart, row: Row, score: Score, found: Occlusion, *, seed: int = 0) -> Deletion | None:
    """Take away a fifth of the parts: those named first, and as many others, from a sample that lacks as many more.

    Taking each part alone away is what ranked them, so it cannot judge: the greatest of some falls is above their mean
    though they be noise. In a sample that has lost others already, only what matters to the model still matters.
    """
    count = len(found.parts)
    if count < LEAST:
        return None
    size = max(1, round(SHARE * count))
    ranked = np.argsort(-found.falls, kind="stable")
    random = np.random.default_rng(seed)
    choices: list[np.ndarray] = []
    for _ in range(DRAWS):
        gone, drawn = random.permutation(ranked[size:])[: 2 * size].reshape(2, size)
        choices += [gone, np.concatenate([gone, ranked[:size]]), np.concatenate([gone, drawn])]
    vectors, there = apart.without([found.parts[place] for place in choice] for choice in choices)
    scores = row.with_input(score, apart.name, vectors, there).reshape(DRAWS, 3)
    named, drawn = (scores[:, :1] - scores[:, 1:]).mean(0).tolist()
    return Deletion(pieces=size, named=named, random=drawn)


def share_deletion(row: Row, score: Score, names: Sequence[str], shares: np.ndarray, usual: Rows) -> Deletion | None:
    """Let the input of the greatest share say what is usual, and each other input in turn, whose mean is a draw.

    Shares come of inputs that are absent, so another way of taking them away judges: see :func:`deletion`.

    :param usual: input -> ``(1, d)``, what stands in its place.
    """
    if len(names) < 2:
        return None
    count, first = len(names), int(np.argmax(shares))
    values = {key: np.repeat(one, count, axis=0) for key, one in row.values.items()}
    present = {key: np.repeat(one, count) for key, one in row.present.items()}
    for place, name in enumerate(names):
        values[name][place] = usual[name][0]
    falls = row.score(score) - score(values, present)
    return Deletion(pieces=1, named=float(falls[first]), random=float(np.delete(falls, first).mean()))


def agreement(values: np.ndarray, under: Sequence[np.ndarray]) -> float | None:
    """Return the mean rank correlation of values with those under random weights.

    :returns: 1 where the weights do not matter; ``None`` where there are no random weights, or one value alone.
    """
    if not under or len(values) < 2:
        return None
    return float(np.mean([rank_correlation(values, one) for one in under]))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation; 0 where one side is constant, which says nothing of the other."""
    from scipy.stats import rankdata

    ranks = rankdata(first), rankdata(second)
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _named(part: Part, names: Sequence[str]) -> str:
    """Return the name of a part, of a column that of the table."""
    if part.kind != "column" or len(names) < 2:  # the elements of a vector in one column have no names
        return part.name
    start, end = (int(place) for place in part.place)
    if end > len(names):
        return part.name
    return names[start] if end == start + 1 else f"{names[start]} to {names[end - 1]}"


def _seconds(parts: Sequence[Part]) -> float | None:
    """Return the end of the last time span."""
    return max((part.place[1] for part in parts if part.kind == "seconds"), default=None)
