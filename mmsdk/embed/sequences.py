"""From sequences (frames, sound windows, landmarks) to rows of one length: pooled, or packed step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

    from mmsdk.protocols import Sequence

NO_STEP = -1.0  # stands where the time since the step before would, had there been a step
PARTS = {"mean": 1, "max": 1, "mean-std": 2, "ends": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """A sequence as one vector.

    :param kind: ``mean``, ``max``, ``mean-std`` (side by side), ``ends`` (mean, first, last).
    :param dim: length of the vector of a step.
    """

    kind: str
    dim: int

    @property
    def size(self) -> int:
        """Return the length of a row."""
        return PARTS[self.kind] * self.dim

    @property
    def identity(self) -> str:
        """Return what tells its rows from those of another form."""
        return f"pool {self.kind}"

    def row(self, sequence: Sequence) -> np.ndarray:
        """Return ``(size,)`` float32 of a sequence of one step or more."""
        values = sequence.values
        mean = values.mean(0, dtype=np.float64)
        if self.kind == "max":
            return np.asarray(values.max(0))
        parts = [mean]
        if self.kind == "mean-std":
            parts.append(values.std(0, dtype=np.float64))
        elif self.kind == "ends":
            parts += [values[0], values[-1]]
        return np.concatenate(parts).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A sequence packed into a row: for each of ``steps`` the seconds since the step before, then the values.

    The first step is at 0; ``NO_STEP`` stands where there is none, and its values are zeros. Gaps, unlike times, keep
    their precision in 16 bits however long the sequence is.

    :param steps: so many are kept; of a longer sequence evenly spaced ones, the first and the last among them.
    :param dim: length of the vector of a step.
    """

    steps: int
    dim: int

    @property
    def size(self) -> int:
        """Return the length of a row."""
        return self.steps * (self.dim + 1)

    @property
    def identity(self) -> str:
        """Return what tells its rows from those of another form."""
        return f"steps {self.steps}"

    def row(self, sequence: Sequence) -> np.ndarray:
        """Return ``(size,)`` float32 of a sequence of one step or more."""
        count = len(sequence.values)
        kept = np.arange(count)
        if count > self.steps:
            kept = np.linspace(0, count - 1, self.steps).round().astype(np.int64)
        row = np.zeros(self.size, np.float32)
        row[: self.steps] = NO_STEP
        row[: len(kept)] = np.diff(sequence.times[kept], prepend=sequence.times[kept[:1]])
        row[self.steps : self.steps + len(kept) * self.dim] = sequence.values[kept].ravel()
        return row

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean step ``(n, dim)`` float32 of packed rows, zero where a row has no step."""
        there = rows[:, : self.steps] >= 0
        values = rows[:, self.steps :].reshape(len(rows), self.steps, self.dim)
        total = np.einsum("nt,ntd->nd", there.astype(np.float32), values)
        return np.asarray(total / np.maximum(there.sum(1, keepdims=True), 1), np.float32)


Form = Pooling | Layout


def rows_of(sequences: Rows[Sequence], form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(n, size)`` float32 and which have a step at all, ``(n,)`` bool; the others are zeros."""
    rows = np.zeros((len(sequences), form.size), np.float32)
    there = np.array([len(one.values) > 0 for one in sequences], bool)
    for place in np.flatnonzero(there).tolist():
        rows[place] = form.row(sequences[place])
    return rows, there
