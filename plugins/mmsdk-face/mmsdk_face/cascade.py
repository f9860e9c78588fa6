"""Faces without weights of a network: the cascade of local binary patterns that comes with scikit-image."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmsdk_face.onnx_detector import shared

if TYPE_CHECKING:
    from skimage.feature import Cascade

HEIGHT = 240  # pixels of the shorter side that are searched
SMALLEST = 24  # of them: what the cascade was trained on
STEP, SCALE, NEIGHBOURS = 1.5, 1.15, 3  # of 12 places of a face all are found; coarser steps lose a fourth
INSIDE = 0.5  # share of a box that lies in a larger one, from which it is the same face
GROWN = 0.12  # the cascade frames eyes and mouth; detectors of today frame the whole face


class CascadeDetector:
    """Upright frontal faces by boosted local binary patterns (Liao et al. 2007), as scikit-image ships them.

    A face of less than a tenth of the picture's shorter side is not found, nor is one turned away.
    """

    name = "cascade 2"  # part of the key of vectors: 1 let a face be found twice, one inside the other
    files = ()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cascade: Cascade | None = None

    def find(self, frames: np.ndarray) -> list[np.ndarray]:
        """Return the faces of each frame ``(k, 5)`` float32: left, top, right, bottom in pixels, and a score of 1.

        :param frames: ``(n, h, w, 3)`` uint8.
        """
        return [self._one(frame) for frame in frames]

    def _one(self, frame: np.ndarray) -> np.ndarray:
        """Return the faces of one frame."""
        height, width = frame.shape[:2]
        scale = min(HEIGHT / min(height, width), 1.0)
        small = Image.fromarray(frame).resize((max(round(width * scale), 1), max(round(height * scale), 1)))
        pixels = np.asarray(small)
        if min(pixels.shape[:2]) <= SMALLEST:
            return np.zeros((0, 5), np.float32)
        with self._lock:  # it keeps a list of what it found
            found = self._started().detect_multi_scale(
                img=pixels,
                scale_factor=SCALE,
                min_neighbor_number=NEIGHBOURS,
                step_ratio=STEP,
                min_size=(SMALLEST, SMALLEST),
                max_size=(min(pixels.shape[:2]),) * 2,
            )
        boxes = np.array([_grown(one, scale) for one in found], np.float32).reshape(-1, 5)
        return _once(boxes)

    def _started(self) -> Cascade:
        """Return the cascade, read when first needed."""
        if self._cascade is None:
            from skimage.data import lbp_frontal_face_cascade_filename
            from skimage.feature import Cascade

            self._cascade = Cascade(lbp_frontal_face_cascade_filename())
        return self._cascade


def _once(boxes: np.ndarray) -> np.ndarray:
    """Return each face once: of boxes in each other, which the cascade finds at several scales, the largest."""
    sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for one in np.argsort(-sizes, kind="stable").tolist():
        if all(shared(boxes[one], boxes[other]) <= INSIDE * sizes[one] for other in kept):
            kept.append(one)
    return boxes[sorted(kept)]


def _grown(one: dict[str, int], scale: float) -> tuple[float, ...]:
    """Return a find as a box of the whole face in pixels of the frame."""
    left, top, width, height = one["c"], one["r"], one["width"], one["height"]
    return (
        (left - GROWN * width) / scale,
        (top - GROWN * height) / scale,
        (left + (1 + GROWN) * width) / scale,
        (top + (1 + GROWN) * height) / scale,
        1.0,
    )
