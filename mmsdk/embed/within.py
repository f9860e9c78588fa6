"""Vectors relative to the rows of the same group: a face against the same person's other faces, no labels needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

STEADY = 8.0  # rows that the usual spread is worth beside a group's own
FLAT = 0.05  # of the usual spread: what hardly varies is not blown up
LEAST, MOST = 1e-3, 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What the training rows say of groups in general, ``(d,)`` float64 each.

    :param mean: over all rows.
    :param spread: of the rows of a group around its own mean.
    :param ratio: variance within groups over variance between them: how many rows the usual mean is worth.
    """

    mean: np.ndarray
    spread: np.ndarray
    ratio: np.ndarray


def usual_of(values: np.ndarray, rows: np.ndarray, groups: Sequence[Any]) -> Usual:
    """Return what some rows of ``(n, d)`` say of groups."""
    known = np.asarray(values[rows], np.float64)
    dim = values.shape[1]
    if not len(known):
        return Usual(mean=np.zeros(dim), spread=np.ones(dim), ratio=np.full(dim, MOST))
    parts = [known[places] for places in _places(rows, groups).values()]
    means = np.stack([part.mean(0) for part in parts])
    inner = sum((((part - part.mean(0)) ** 2).sum(0) for part in parts), np.zeros(dim)) / max(
        len(known) - len(parts), 1
    )
    outer = means.var(0) - inner * np.mean([1 / len(part) for part in parts])
    spread = np.sqrt(inner)
    everybody = known.std(0)
    floor = np.where(everybody > 1e-9, everybody, 1.0)
    ratio = np.clip(inner / np.maximum(outer, 1e-12), LEAST, MOST)
    return Usual(mean=known.mean(0), spread=np.where(spread > 1e-3 * floor, spread, floor), ratio=ratio)


@dataclass(slots=True)
class Tally:
    """What was seen of one group: how much, its mean and its squared deviations from that, ``(d,)`` float64 each.

    :param weight: rows, or what they count: those of windows that overlap are no rows of their own.
    """

    weight: float
    mean: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, part: np.ndarray, weight: float = 1.0) -> Tally:
        """Return the tally of rows ``(n, d)`` that count ``weight`` each."""
        mean = part.mean(0)
        return cls(weight * len(part), mean, weight * ((part - mean) ** 2).sum(0))

    def add(self, other: Tally) -> None:
        """Take in what was seen since (Chan, Golub & LeVeque 1983, The American Statistician 37, equation 2.1)."""
        total = self.weight + other.weight
        apart = other.mean - self.mean
        self.square = self.square + other.square + apart**2 * (self.weight * other.weight / total)
        self.mean = self.mean + apart * (other.weight / total)
        self.weight = total


def relative(values: np.ndarray, present: np.ndarray, groups: Sequence[Any], usual: Usual) -> np.ndarray:
    """Return ``(n, d)`` float32, each present row less the mean of its group and divided by the group's spread.

    The mean of a group of ``n`` rows is drawn towards the usual one with the weight of ``ratio`` rows (James and Stein
    1961; Efron and Morris 1975), its spread with that of eight; a lone row, or one without a group, is told by what is
    usual. The rows of a call are one another's company: what is given together is compared together, and labels are
    never looked at.
    """
    found = np.zeros(values.shape, np.float32)
    present_rows = np.flatnonzero(present)
    for places in _places(present_rows, groups).values():
        rows = present_rows[places]
        part = np.asarray(values[rows], np.float64)
        found[rows] = measured(part, Tally.of(part), usual)
    return found


def measured(part: np.ndarray, seen: Tally | None, usual: Usual) -> np.ndarray:
    """Return rows ``(n, d)`` less the mean of their group and divided by its spread, float64.

    :param seen: what was seen of the group; with no more than one row in it, or ``None``, what is usual stands for it.
    """
    if seen is None or seen.weight <= 1:
        return np.asarray((part - usual.mean) / (usual.spread + FLAT * usual.spread))
    weight = seen.weight / (seen.weight + usual.ratio)
    own = seen.weight / (seen.weight + STEADY)
    mean = weight * seen.mean + (1 - weight) * usual.mean
    spread = own * np.sqrt(seen.square / seen.weight) + (1 - own) * usual.spread
    return np.asarray((part - mean) / (spread + FLAT * usual.spread))


def _places(rows: np.ndarray, groups: Sequence[Any]) -> dict[Any, list[int]]:
    """Return group -> places in ``rows``; a row without a group is one of its own."""
    found: dict[Any, list[int]] = {}
    for place, row in enumerate(rows.tolist()):
        name = groups[row]
        found.setdefault(("", row) if name is None or name == "" else str(name), []).append(place)
    return found
