"""The patches of a picture, and the picture without some of them: what ``mmsdk explain`` takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

SIDE = 7  # patches along the longer side


def patches_of(pixels: np.ndarray) -> list[Part]:
    """Return up to 49 patches of ``(h, w, 3)``, about square, row by row."""
    height, width = pixels.shape[:2]
    unit = max(height, width) / SIDE
    rows, columns = (max(1, min(round(size / unit), size)) for size in (height, width))
    return [
        Part(
            name=f"row {row + 1} of {rows}, column {column + 1} of {columns}",
            kind="box",
            place=(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows),
        )
        for row in range(rows)
        for column in range(columns)
    ]


def without_patches(pixels: np.ndarray, parts: Sequence[Part]) -> np.ndarray:
    """Return the picture with patches in its mean colour, which says the least that a colour can."""
    height, width = pixels.shape[:2]
    left = pixels.copy()
    mean = pixels.reshape(-1, pixels.shape[2]).mean(0).round().astype(pixels.dtype)
    for part in parts:
        x0, y0, x1, y1 = part.place
        left[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)] = mean
    return left
