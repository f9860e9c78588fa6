"""The encoder ``colour-shape``: which colours, where, and which outlines; it knows looks, not meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from skimage.feature import hog

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE = 128
HUES, SATURATIONS, VALUES = 8, 4, 4
GRID = 4
CELL = 16


class ColourShape:
    """RGB uint8 ``(h, w, 3)`` to 752 numbers, from the picture squeezed to 128 x 128.

    128: joint histogram of hue, saturation and value (8 x 4 x 4), the root of its shares; 48: mean colour of a 4 x 4
    grid (0..1, less one half); 576: histograms of oriented gradients (Dalal & Triggs, 2005) of 9 directions in 8 x 8
    cells, together of unit length.
    """

    dim = HUES * SATURATIONS * VALUES + 3 * GRID**2 + 9 * (SIDE // CELL) ** 2
    batch_size = 32

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, 752)`` float32."""
        return np.stack([_features(sample) for sample in batch])


def _features(sample: np.ndarray) -> np.ndarray:
    """Return the 752 numbers of one picture."""
    small = Image.fromarray(sample).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    parts = [np.sqrt(_histogram(small)), _layout(small), _outlines(small)]
    return np.concatenate(parts).astype(np.float32)


def _histogram(picture: Image.Image) -> np.ndarray:
    """Return the share of pixels in each cell of hue x saturation x value."""
    hsv = np.asarray(picture.convert("HSV")).astype(np.int64)
    hue, saturation, value = hsv[..., 0] * HUES // 256, hsv[..., 1] * SATURATIONS // 256, hsv[..., 2] * VALUES // 256
    cells = (hue * SATURATIONS + saturation) * VALUES + value
    return np.bincount(cells.ravel(), minlength=HUES * SATURATIONS * VALUES) / cells.size


def _layout(picture: Image.Image) -> np.ndarray:
    """Return the mean colour of each cell of a 4 x 4 grid, less one half."""
    return np.asarray(picture.resize((GRID, GRID), Image.Resampling.BOX)).ravel() / 255 - 0.5


def _outlines(picture: Image.Image) -> np.ndarray:
    """Return gradient orientations of unit length; a flat picture has none."""
    grey = np.asarray(picture.convert("L"))
    shape: np.ndarray = hog(grey, orientations=9, pixels_per_cell=(CELL, CELL), cells_per_block=(1, 1))
    shape /= max(float(np.linalg.norm(shape)), 1e-9)
    return shape
