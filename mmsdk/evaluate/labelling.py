"""Which rows to label next: where the answers are unsure, and far from all that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.index.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.protocols import Output

FLOOR = 0.01  # a sure answer is still worth a little, so that distance can decide among sure ones


def uncertainty(outputs: Sequence[Output]) -> np.ndarray:
    """Return float64 ``(n,)``, 0 for a certain answer to 1 for one that could as well be another.

    One label a row: one minus the margin between the two likeliest labels (Scheffer et al. 2001,
    doi:10.1007/3-540-44816-0_31). Labels whose probabilities sum to more or less than one, so several a row: the mean
    binary entropy in bits. Without probabilities (a number), 1: only distance decides.
    """
    return np.array([_unsure(list(one.probabilities.values())) for one in outputs], dtype=np.float64)


def _unsure(chances: Sequence[float]) -> float:
    """Return the uncertainty of one answer."""
    if len(chances) == 0:
        return 1.0
    given = np.asarray(chances, dtype=np.float64)
    if len(given) > 1 and abs(given.sum() - 1.0) < 1e-6:
        second, first = np.partition(given, -2)[-2:]
        return float(1.0 - (first - second))
    inside = np.clip(given, 1e-12, 1 - 1e-12)
    return float(-(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside)).mean())


def choose_rows(vectors: np.ndarray, unsure: np.ndarray, known: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of up to ``k`` rows, best first, and the worth of each when it was chosen.

    Greedy k-centre (Sener and Savarese 2018, arXiv:1708.00489) weighed by uncertainty: the next row is the one with the
    largest product of uncertainty and cosine distance to the nearest row that is labelled or chosen. Distance keeps a
    batch from being fifty times the same row; uncertainty keeps k-centre from collecting outliers that are sure.

    :param vectors: ``(n, dim)`` of the rows to choose from.
    :param unsure: ``(n,)`` from 0 to 1.
    :param known: ``(m, dim)`` of labelled rows; may be empty.
    """
    ours, theirs = (unit_rows(np.asarray(one, dtype=np.float64)) for one in (vectors, known))
    nearest = np.full(len(ours), 2.0)  # as far as cosines go
    for start in range(0, len(theirs), 1024):
        nearest = np.minimum(nearest, (1.0 - ours @ theirs[start : start + 1024].T).min(axis=1))
    weight = np.maximum(unsure, FLOOR)
    chosen, scores = [], []
    free = np.ones(len(ours), dtype=bool)
    for _ in range(min(k, len(ours))):
        worth = np.where(free, weight * np.maximum(nearest, 0.0), -1.0)
        best = int(worth.argmax())
        chosen.append(best)
        scores.append(float(worth[best]))
        free[best] = False
        nearest = np.minimum(nearest, 1.0 - ours @ ours[best])
    return np.array(chosen, dtype=np.int64), np.array(scores, dtype=np.float64)
