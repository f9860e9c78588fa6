"""An index of a plugin, filled, asked and read back once before anything is learned: it is needed last of all."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.plugins import from_core

if TYPE_CHECKING:
    from mmsdk.plugins import Entry

METHODS = ("train", "add", "search", "save", "load")
MOST, K = 1_000, 3


def try_index(entry: Entry, dim: int, count: int) -> None:
    """Refuse a plugin's index that cannot hold as many vectors as will come, of which a thousand are tried at most.

    :raises PluginError: it lacks a method, raises, writes no file, or answers with another shape or strange keys.
    """
    if from_core(entry):
        return
    target = entry.load()
    entry.require_methods(target, (*METHODS, "remove") if entry.spec.removable else METHODS)  # type: ignore[attr-defined]
    vectors = np.random.default_rng(0).normal(size=(min(count, MOST), dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = np.arange(len(vectors), dtype=np.int64)
    index = _made(entry, target, vectors)
    entry.tried(f"fails in train() of {len(vectors)} vectors", partial(index.train, vectors))
    entry.tried("fails in add()", partial(index.add, keys, vectors))
    _try_search(entry, index, keys, vectors)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        entry.tried("fails in save()", partial(index.save, path))
        if not path.is_file():
            raise entry.fault("writes no file at the path that save() is given")
        again = _made(entry, target, vectors)
        entry.tried("fails in load()", partial(again.load, path, mmap=False))
        _try_search(entry, again, keys, vectors)


def _made(entry: Entry, target: Any, vectors: np.ndarray) -> Any:
    """Return a new index."""
    return entry.tried("cannot be made", partial(target, vectors.shape[1], len(vectors)))


def _try_search(entry: Entry, index: Any, keys: np.ndarray, vectors: np.ndarray) -> None:
    """Refuse answers that are no scores and keys of the vectors it holds."""
    k = min(K, len(keys))
    scores, found = entry.tried("fails in search()", partial(_asked, index, vectors[:1], k))
    if scores.shape != (1, k) or found.shape != (1, k):
        raise entry.fault(f"answers {scores.shape} scores and {found.shape} keys, expected {(1, k)} of each")
    if not np.issubdtype(found.dtype, np.signedinteger):
        raise entry.fault(f"answers keys that are {found.dtype}, expected int64")
    if not np.isin(found, [-1, *keys]).all():
        raise entry.fault(f"answers keys that nobody added, such as {found[~np.isin(found, keys)][0]}")


def _asked(index: Any, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and keys as arrays."""
    scores, keys = index.search(vectors, k, None)
    return np.asarray(scores), np.asarray(keys)
