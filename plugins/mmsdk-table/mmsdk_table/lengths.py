"""Vectors of one length as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def same_length(batch: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Return ``(n, length)`` float64.

    :raises ValueError: a vector is longer or shorter; the first such is named.
    """
    for place, vector in enumerate(batch, 1):
        if len(vector) != length:
            raise ValueError(f"vector {place} holds {len(vector)} numbers, where {length} are expected")
    return np.asarray(batch, np.float64).reshape(len(batch), length)
