"""Every vector is looked at: exact, nothing to train, and quick enough below tens of thousands of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import StoreError
from mmsdk.index.exact import Floats, Found, Keys, nearest
from mmsdk.index.faiss_file import FaissIndex, faiss

if TYPE_CHECKING:
    from pathlib import Path


class FlatIndex(FaissIndex):
    """Exact inner products over float32 vectors; many queries at once go through torch, few through FAISS.

    The store's own vector file serves as this index inside :class:`mmsdk.index.JointIndex`, so nothing is written
    twice; on its own it saves as ``IDMap2(Flat)``. Removes in place and takes filters.
    """

    def make(self, count: int) -> Any:
        """Return ``IDMap2(Flat)``."""
        return faiss.IndexIDMap2(faiss.IndexFlatIP(self.dim))

    def search(self, vectors: Floats, k: int, allowed: Keys | None = None) -> Found:
        """Return the exact ``k`` best, ties by the order in which they were added."""
        keys = faiss.vector_to_array(self.index.id_map)
        rows = None if allowed is None else np.flatnonzero(np.isin(keys, allowed))
        scores, places = nearest(vectors, self._vectors(), k, rows)
        return padded(scores, keys[places], k)

    def load(self, path: Path, *, mmap: bool) -> None:
        """Read a file as every type does.

        :raises StoreError: the file holds another type.
        """
        super().load(path, mmap=mmap)
        if not isinstance(self.index, faiss.IndexIDMap) or not isinstance(
            faiss.downcast_index(self.index.index), faiss.IndexFlat
        ):
            raise StoreError(f"{path}: holds no flat index")

    def _vectors(self) -> Floats:
        """Return the vectors FAISS holds, without copying them."""
        flat = faiss.downcast_index(self.index.index)
        if not flat.ntotal:
            return np.empty((0, self.dim), np.float32)
        view: Floats = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * self.dim).reshape(-1, self.dim)
        return view


def padded(scores: Floats, keys: Keys, k: int) -> Found:
    """Fill up to ``k`` columns with empty places."""
    missing = k - scores.shape[1]
    if missing <= 0:
        return scores, keys
    edge = ((0, 0), (0, missing))
    return np.pad(scores, edge, constant_values=-np.inf), np.pad(keys, edge, constant_values=-1)
