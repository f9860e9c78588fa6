"""The points of a hand by a hand-landmark ONNX file and onnxruntime."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 224
POINTS = 21
AT_ONCE = 8  # frames: more are no faster on a CPU, and take 9 MB each
OUTPUTS = ("landmarks", "hand_score")


class OnnxHands:
    """Frames to the 21 points of a hand. The session starts when first needed.

    The model wants a crop of one hand and no palm detector comes with it, so the whole frame counts as the crop, its
    sides padded to a square: the hand should fill a good part of the picture.

    :param file: takes ``(b, 3, 224, 224)`` RGB 0..1, gives ``landmarks`` ``(b, 63)`` in pixels and ``hand_score``.
    """

    def __init__(self, name: str, file: Path, least: float) -> None:
        self._name, self._file, self._least = name, file, least
        self._session: Any = None
        self._lock = threading.Lock()

    def find(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points ``(n, 21, 3)`` in pixels of 224, and which of the frames show a hand, ``(n,)`` bool.

        :param frames: ``(n, h, w, 3)`` uint8, one or more.
        :raises EncoderError: onnxruntime is not installed, or the file is another model.
        """
        session = self._started()
        name = session.get_inputs()[0].name
        points, seen = [], []
        for start in range(0, len(frames), AT_ONCE):
            inputs = np.stack([_square(frame) for frame in frames[start : start + AT_ONCE]])
            found, scores = session.run(list(OUTPUTS), {name: inputs})
            points.append(found.reshape(len(inputs), POINTS, 3))
            seen.append(scores.reshape(len(inputs)) >= self._least)
        return np.concatenate(points), np.concatenate(seen)

    def _started(self) -> Any:
        """Return the session."""
        with self._lock:
            if self._session is None:
                self._session = _session(self._file, self._name)
            return self._session


def _square(frame: np.ndarray) -> np.ndarray:
    """Return a frame as float32 ``(3, 224, 224)`` in 0..1, padded with black to a square."""
    from PIL import Image

    height, width = frame.shape[:2]
    side = max(height, width)
    canvas = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = frame
    small = Image.fromarray(canvas).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small, np.float32).transpose(2, 0, 1) / 255


def _session(file: Path, name: str) -> Any:
    """Start onnxruntime.

    :raises EncoderError: it is not installed, or the file is another model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise EncoderError(f"{name} needs onnxruntime: pip install 'mmsdk-gesture[hands]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base that is public
        raise EncoderError(f"{name}: the file is no ONNX model that runs here") from error
    gives = {one.name for one in session.get_outputs()}
    if not gives >= set(OUTPUTS):
        raise EncoderError(f"{name}: gives {', '.join(sorted(gives))}, expected {' and '.join(OUTPUTS)}")
    return session
