"""The best items of each row of scores, in an order that does not depend on chance."""

from __future__ import annotations

import numpy as np


def best_items(scores: np.ndarray, k: int) -> np.ndarray:
    """Return int64 ``(b, k)`` columns of the highest scores, best first, ties by column; ``-1`` past the last.

    :param scores: ``(b, n)``; ``-inf`` marks what may not be answered.
    """
    width = min(k, scores.shape[1])
    least = np.partition(scores, scores.shape[1] - width, axis=1)[:, scores.shape[1] - width]
    found = np.full((len(scores), k), -1, np.int64)
    for place, (row, floor) in enumerate(zip(scores, least, strict=True)):
        columns = np.flatnonzero(row >= floor) if np.isfinite(floor) else np.flatnonzero(np.isfinite(row))
        order = np.argsort(-row[columns], kind="stable")[:width]
        found[place, : len(order)] = columns[order]
    return found


def hits_of(top: np.ndarray, rows: np.ndarray, columns: np.ndarray, width: int) -> np.ndarray:
    """Return bool ``(b, k)``: which answers are among the targets ``(rows[i], columns[i])``."""
    wanted = np.unique(rows.astype(np.int64) * width + columns)
    keys = np.arange(len(top))[:, None] * width + top
    return np.isin(keys, wanted) & (top >= 0)
