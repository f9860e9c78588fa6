"""Vectors at the door: shape, dtype and finiteness are checked before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import StoreError

if TYPE_CHECKING:
    from mmsdk.index.exact import Floats

BLOCK = 65_536


def checked(vectors: Any, dim: int, what: str = "vectors") -> Floats:
    """Return ``(n, dim)`` float32, contiguous; the same array where it is that already.

    :raises StoreError: another shape, no numbers, or NaN or an infinity in some row. FAISS would take the last
        silently and answer the first with an empty AssertionError.
    """
    try:
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"{what}: expected float32 numbers of shape (n, {dim}), got {type(vectors).__name__} ({error})"
        ) from error
    if array.ndim != 2 or array.shape[1] != dim:
        raise StoreError(f"{what}: shape {np.shape(vectors)}, this index takes (n, {dim})")
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        # The sum is finite unless some number is not, or huge: one cheap pass in the common case.
        if not np.isfinite(block.sum(dtype=np.float64)) and not (finite := np.isfinite(block).all(axis=1)).all():
            row = start + int(np.argmin(finite))
            raise StoreError(f"{what}: row {row} holds NaN or an infinity; leave the item out, or mend its encoder")
    return array


def normalised(vectors: Floats) -> Floats:
    """Return the vectors at length one; a zero vector stays zero and has cosine 0 with everything."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1
    unit: Floats = (vectors / lengths[:, None]).astype(np.float32)
    return unit


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return rows at length one, of the dtype that they have; a row of zeros stays one."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
