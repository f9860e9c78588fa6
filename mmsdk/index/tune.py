"""How hard an approximate index has to try: the least effort that finds what exact search finds."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmsdk.index.exact import Floats, Keys, nearest

QUERIES = 100
NEIGHBOURS = 10
TARGET = 0.98


def tune(index: Any, vectors: Floats, rows: Keys, seed: int = 0) -> float:
    """Raise the index's ``effort`` until it finds ``TARGET`` of stored vectors' true neighbours; return recall@10.

    A vector is not counted among its own neighbours. A type without ``effort`` is only measured.

    :param rows: the places of ``vectors`` that the index holds.
    """
    chosen = np.sort(np.random.default_rng(seed).choice(rows, min(QUERIES, len(rows)), replace=False))
    queries = np.asarray(vectors[chosen])
    truth = nearest(queries, vectors, NEIGHBOURS + 1, None if len(rows) == len(vectors) else rows)[1]
    while True:
        recall = _recall(index.search(queries, truth.shape[1])[1], truth, chosen)
        effort = getattr(index, "effort", None)
        if effort is None or recall >= TARGET or effort * 2 > getattr(index, "max_effort", 0):
            return recall
        index.effort = effort * 2
        if index.effort <= effort:
            return recall


def _recall(found: Keys, truth: Keys, own: Keys) -> float:
    """Return the share of true neighbours found, own places left out."""
    shares = [
        len(set(near) & (true := set(right) - {self_})) / max(len(true), 1)
        for near, right, self_ in zip(found.tolist(), truth.tolist(), own.tolist(), strict=True)
    ]
    return float(np.mean(shares)) if shares else 1.0
