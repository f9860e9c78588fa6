"""What the FAISS-backed index types share: keys, filters, and files that are mapped into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss as _faiss
import numpy as np

from mmsdk.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk.index.exact import Floats, Found, Keys

faiss: Any = _faiss  # its stubs know a part of it only
INNER_PRODUCT = faiss.METRIC_INNER_PRODUCT
BITMAP_KEYS = 200_000_000


class FaissIndex:
    """A FAISS index that answers with our keys. A type supplies how it is made and what its search takes.

    Scores are inner products. Searching is thread-safe; adding and removing are not, and happen only on an index
    that no search sees yet.
    """

    max_effort = 4096

    def __init__(self, dim: int, count: int = 0) -> None:
        """Prepare for about ``count`` vectors of length ``dim``; lists and code sizes follow from it."""
        self.dim = dim
        self.count = count
        self.index: Any = self.make(count)

    def make(self, count: int) -> Any:
        """Return an empty FAISS index."""
        raise NotImplementedError

    def parameters(self, k: int, selector: Any) -> Any:
        """Return FAISS search parameters for one search; ``selector`` may be ``None``."""
        raise NotImplementedError

    @property
    def effort(self) -> int:
        """How hard a search tries (lists probed, candidates kept); saved with the index. Exact types have none."""
        raise AttributeError("effort")

    @effort.setter
    def effort(self, value: int) -> None:
        raise AttributeError("effort")

    def __len__(self) -> int:
        """Return how many vectors it holds."""
        return int(self.index.ntotal)

    def train(self, vectors: Floats) -> None:
        """Learn from a sample ``(n, dim)`` float32."""
        self.index.train(np.ascontiguousarray(vectors, np.float32))

    def add(self, keys: Keys, vectors: Floats) -> None:
        """Add vectors ``(n, dim)`` under keys ``(n,)``."""
        self.index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(keys, np.int64))

    def remove(self, keys: Keys) -> None:
        """Drop keys; unknown ones are passed over."""
        self.index.remove_ids(np.ascontiguousarray(keys, np.int64))

    def search(self, vectors: Floats, k: int, allowed: Keys | None = None) -> Found:
        """Return scores and keys ``(n, k)``, best first, key ``-1`` and score ``-inf`` for an empty place."""
        if allowed is None:
            scores, keys = self.index.search(vectors, k, params=self.parameters(k, None))
        elif not len(allowed):
            return np.full((len(vectors), k), -np.inf, np.float32), np.full((len(vectors), k), -1, np.int64)
        else:
            selector, held = selected(allowed)
            scores, keys = self.filtered(vectors, k, selector)
            del held  # FAISS reads it during the search
        if keys[:, -1].min(initial=0) < 0:
            scores[keys < 0] = -np.inf
        return scores, keys

    def filtered(self, vectors: Floats, k: int, selector: Any) -> Found:
        """Search only what the selector lets through."""
        scores, keys = self.index.search(vectors, k, params=self.parameters(k, selector))
        return scores, keys

    def save(self, path: Path) -> None:
        """Write to one file.

        :raises StoreError: the disk is full, or the folder cannot be written.
        """
        try:
            faiss.write_index(self.index, str(path))
        except RuntimeError as error:
            raise StoreError(
                f"{path}: the index cannot be written ({_first_line(error)}); make room and save again"
            ) from error

    def load(self, path: Path, *, mmap: bool) -> None:
        """Read a file, mapped into memory where asked; a mapped index is searched, not changed.

        :raises StoreError: the file is torn, or holds something else.
        """
        # IO_FLAG_MMAP opens as quickly, and IVF then searches half as fast (15 ms against 7.8, 64 x 100,000 x 256).
        try:
            self.index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mmap else 0)
        except RuntimeError as error:
            raise StoreError(
                f"{path}: no readable index ({_first_line(error)}); it is rebuilt from the store"
            ) from error
        if self.index.d != self.dim:
            raise StoreError(f"{path}: holds vectors of {self.index.d} numbers, expected {self.dim}")


def selected(allowed: Keys) -> tuple[Any, Any]:
    """Return a selector of these keys, and the memory behind it, which must outlive the search.

    A bitmap is quickest, and small for the store's keys, which are places; keys far apart get a hash set.
    """
    top = int(allowed.max())
    if top >= BITMAP_KEYS:
        return faiss.IDSelectorBatch(np.ascontiguousarray(allowed, np.int64)), None
    mask = np.zeros((top // 8 + 1) * 8, bool)
    mask[allowed] = True
    bitmap = np.packbits(mask, bitorder="little")
    return faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap)), bitmap


def lists_for(count: int) -> int:
    """Return how many inverted lists suit ``count`` vectors: about ``2 * sqrt(count)``, 39 vectors each at least."""
    wanted = 2 ** round(np.log2(max(2 * np.sqrt(count), 1)))
    return int(max(1, min(wanted, count // 39, 65_536)))


def _first_line(error: RuntimeError) -> str:
    """Return the reason FAISS gives, without its C++ function names."""
    text = str(error).strip().splitlines()[0]
    return text.rsplit(": Error: ", 1)[-1].rsplit(" failed: ", 1)[-1]
