"""What a face looks like in numbers, without weights: outlines and texture, where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps
from skimage.feature import hog, local_binary_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE, CELL, DIRECTIONS = 64, 8, 9
POINTS, GRID = 8, 4


class FaceFeatures:
    """Crops of faces to 736 numbers, from a grey picture of 64 x 64 with even shares of all greys.

    576: histograms of oriented gradients (Dalal & Triggs 2005), 9 directions in 8 x 8 cells, together of unit length;
    160: uniform local binary patterns (Ojala et al. 2002), 10 in each cell of a 4 x 4 grid, the root of their shares.
    """

    dim = DIRECTIONS * (SIDE // CELL) ** 2 + (POINTS + 2) * GRID**2

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, 736)`` float32."""
        return np.stack([_features(one) for one in batch])


def _features(crop: np.ndarray) -> np.ndarray:
    """Return the numbers of one crop."""
    grey = ImageOps.equalize(Image.fromarray(crop).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    pixels = np.asarray(grey)
    shape = hog(pixels, orientations=DIRECTIONS, pixels_per_cell=(CELL, CELL), cells_per_block=(1, 1))
    shape /= max(float(np.linalg.norm(shape)), 1e-9)
    return np.concatenate([shape, _texture(pixels)]).astype(np.float32)


def _texture(pixels: np.ndarray) -> np.ndarray:
    """Return the roots of the shares of each pattern in each cell of the grid."""
    patterns = local_binary_pattern(pixels, POINTS, 1, "uniform").astype(np.int64)
    step = SIDE // GRID
    cells = patterns.reshape(GRID, step, GRID, step).transpose(0, 2, 1, 3).reshape(GRID**2, -1)
    shares = np.stack([np.bincount(cell, minlength=POINTS + 2) / cell.size for cell in cells])
    return np.sqrt(shares).ravel()
