"""Exact search over plain arrays: what the flat index, the unsaved tail and narrow filters all use."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Keys = NDArray[np.int64]
Found = tuple[Floats, Keys]

BLOCK = 65_536
# From here torch's matmul + topk beats FAISS (0.09 s against 0.35 s at 64 x 100,000 x 256) and its import pays.
TORCH_QUERIES = 8
TORCH_PAIRS = 3_000_000
# Rows with nearly equal scores may swap places when they are scored again; a few more than k are taken along.
SPARE = 8
SLACK = 1e-4


def nearest(queries: Floats, vectors: Floats, k: int, rows: Keys | None = None) -> Found:
    """Return the ``k`` best inner products, best first, ties by position.

    Candidates come from blocked matrix products and are then scored again one by one, so that a score depends on the
    two vectors alone and equal vectors tie to the bit.

    :param queries: ``(b, d)`` float32.
    :param vectors: ``(n, d)`` float32, contiguous; may be memory-mapped, a block of it is touched at a time.
    :param rows: positions to look at, ascending; all where ``None``.
    :returns: scores and positions, each ``(b, min(k, rows))``.
    """
    total = len(vectors) if rows is None else len(rows)
    k = min(k, total)
    if k == 0 or not len(queries):
        return np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    wanted = min(k + SPARE, total)
    heavy = _heavy(len(queries), total)
    best: Found = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start in range(0, total, BLOCK if heavy or rows is not None else total):
        stop = min(start + BLOCK, total) if heavy or rows is not None else total
        block = vectors[start:stop] if rows is None else vectors[rows[start:stop]]
        scores, places = (_by_torch if heavy else _by_faiss)(queries, block, min(wanted, stop - start))
        positions = places + start if rows is None else rows[places + start]
        best = merged(best, (scores, positions), wanted)
    scores, positions = scored(queries, vectors, best[1])
    return scores[:, :k], positions[:, :k]


def _heavy(queries: int, vectors: int) -> bool:
    """Say whether torch is the quicker way."""
    pays = TORCH_PAIRS if "torch" not in sys.modules else TORCH_PAIRS // 10
    return queries >= TORCH_QUERIES and queries * vectors >= pays


def scored(queries: Floats, vectors: Floats, positions: Keys) -> Found:
    """Score the positions ``(b, m)`` of each query exactly and sort them, best first, ties by position."""
    scores = np.einsum("bd,bmd->bm", queries, vectors[positions], optimize=False).astype(np.float32, copy=False)
    order = np.lexsort((positions, -scores), axis=1)
    return np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)


def merged(left: Found, right: Found, k: int) -> Found:
    """Join two answers to the same queries, best first; an empty place (key -1) comes last."""
    scores = np.concatenate([left[0], right[0]], axis=1)
    keys = np.concatenate([left[1], right[1]], axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(keys, order, 1)


def above(query: Floats, vectors: Floats, threshold: float, rows: Keys | None = None) -> Found:
    """Return scores and positions ``(m,)`` of every vector whose inner product reaches the threshold, best first."""
    total = len(vectors) if rows is None else len(rows)
    found: list[Found] = [(np.empty(0, np.float32), np.empty(0, np.int64))]
    for start in range(0, total, BLOCK):
        stop = min(start + BLOCK, total)
        block = vectors[start:stop] if rows is None else vectors[rows[start:stop]]
        near = np.flatnonzero(block @ query >= threshold - SLACK)
        scores = np.einsum("d,nd->n", query, block[near])
        inside = scores >= threshold
        positions = near[inside] + start
        found.append((scores[inside], positions if rows is None else rows[positions]))
    scores, positions = np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])
    order = np.lexsort((positions, -scores))
    return scores[order], positions[order]


def _by_faiss(queries: Floats, block: Floats, k: int) -> Found:
    """Score a block through FAISS: the quicker way for a few queries."""
    import faiss

    scores, places = faiss.knn(queries, block, k, metric=faiss.METRIC_INNER_PRODUCT)
    return scores, places


def _by_torch(queries: Floats, block: Floats, k: int) -> Found:
    """Score a block through torch: the quicker way for many queries."""
    import torch

    if not block.flags.writeable:  # torch warns of arrays that cannot be written; this view is only read
        block = np.ctypeslib.as_array((ctypes.c_float * block.size).from_address(block.ctypes.data)).reshape(
            block.shape
        )
    with torch.inference_mode():
        scores, places = (torch.from_numpy(queries) @ torch.from_numpy(block).T).topk(k, dim=1)
    return scores.numpy(), places.numpy()
