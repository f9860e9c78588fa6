"""Vectors of one length as a matrix; which length that is, and what is not of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def of_one_length(batch: Sequence[np.ndarray]) -> np.ndarray:
    """Return the vectors of the commonest length, ``(n, length)`` float64: the others are refused when encoded.

    :raises ValueError: there is no vector.
    """
    if not len(batch):
        raise ValueError("no training row holds a vector, so its length is not known")
    ((length, _),) = Counter(map(len, batch)).most_common(1)
    return np.asarray([vector for vector in batch if len(vector) == length], np.float64)


def other_length(vector: np.ndarray, length: int) -> str:
    """Return what is wrong with the length of a vector, empty where nothing is."""
    return "" if len(vector) == length else f"holds {len(vector)} numbers, where {length} are expected"


def same_length(batch: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Return ``(n, length)`` float64.

    :raises ValueError: a vector is longer or shorter; the first such is named.
    """
    for place, vector in enumerate(batch, 1):
        if wrong := other_length(vector, length):
            raise ValueError(f"vector {place} {wrong}")
    return np.asarray(batch, np.float64).reshape(len(batch), length)
