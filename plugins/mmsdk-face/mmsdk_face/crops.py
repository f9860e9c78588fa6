"""Squares cut out around boxes."""

from __future__ import annotations

import numpy as np

LEAST = 4  # pixels of a box that can be cut out


def crop(frame: np.ndarray, box: np.ndarray, margin: float) -> np.ndarray:
    """Return the square ``(s, s, 3)`` uint8 around a box; what lies outside the picture repeats its edge.

    :param margin: how much wider than the longer side of the box.
    """
    left, top, right, bottom = (float(one) for one in box[:4])
    side = max(round(max(right - left, bottom - top) * (1 + margin)), LEAST)
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    rows = np.clip(np.arange(y, y + side), 0, frame.shape[0] - 1)
    columns = np.clip(np.arange(x, x + side), 0, frame.shape[1] - 1)
    return np.ascontiguousarray(frame[np.ix_(rows, columns)])


def usable(box: np.ndarray) -> bool:
    """Return whether there is something to cut out."""
    return bool(np.isfinite(box[:4]).all() and box[2] - box[0] >= LEAST and box[3] - box[1] >= LEAST)
