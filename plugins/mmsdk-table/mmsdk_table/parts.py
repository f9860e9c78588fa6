"""Columns, tags and elements, and samples without some of them: what ``mmsdk explain`` takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 128  # parts of a vector: a longer one falls into blocks


class Whole:
    """A sample of one value: without it there is nothing."""

    def parts(self, sample: Any) -> list[Part]:
        """Return the value."""
        return [Part(name="the value", kind="column", place=(0, 1))]

    def without(self, sample: Any, parts: Sequence[Part], others: Sequence[Any] = ()) -> Any:
        """Return nothing, where the value is to go."""
        return None if parts else sample


def columns_of(count: int, word: str = "column", most: int = MOST) -> list[Part]:
    """Return one part for each of ``count`` values, or blocks of them where they are many."""
    size = -(-count // most)
    return [
        Part(
            name=f"{word} {start + 1}" if size == 1 else f"{word}s {start + 1} to {min(start + size, count)}",
            kind="column",
            place=(start, min(start + size, count)),
        )
        for start in range(0, count, size)
    ]


def positions_of(parts: Sequence[Part]) -> list[int]:
    """Return the positions that parts cover."""
    return [position for part in parts for position in range(int(part.place[0]), int(part.place[1]))]


def without_elements(sample: np.ndarray, parts: Sequence[Part], others: Sequence[np.ndarray]) -> np.ndarray:
    """Return a vector with elements at the mean of other vectors; at its own mean where there are none to look at."""
    left = sample.copy()
    places = positions_of(parts)
    alike = [one for one in others if one.shape == sample.shape]
    left[places] = np.mean(alike, axis=0, dtype=np.float64)[places] if alike else sample.mean()
    return left
