"""Faces by an ONNX detector that answers scores and boxes, as UltraFace does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mmsdk import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS = ("scores", "boxes")
OVERLAP = 0.3  # of which two boxes are one face
MEAN, SPREAD = 127.0, 128.0


class OnnxDetector:
    """A detector file; its session starts with the first frame.

    It takes RGB ``(1, 3, h, w)``, (x - 127) / 128, and answers ``scores`` ``(1, n, 2)``, of which the second is that of
    a face, and ``boxes`` ``(1, n, 4)``: left, top, right, bottom as shares of the picture.

    :param least: score from which it is a face.
    """

    def __init__(self, name: str, file: Path, least: float) -> None:
        self.name, self.files = file.name, (file,)
        self._what, self._file, self._least = name, file, least
        self._session: Any = None
        self._lock = threading.Lock()

    def find(self, frames: np.ndarray) -> list[np.ndarray]:
        """Return the faces of each frame ``(k, 5)`` float32: left, top, right, bottom in pixels, score; best first.

        :param frames: ``(n, h, w, 3)`` uint8.
        :raises EncoderError: onnxruntime is not installed, or the file is another model.
        """
        session = self._started()
        port = session.get_inputs()[0]
        height, width = port.shape[2:]
        found = []
        for frame in frames:
            small = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR), np.float32)
            pixels = ((small - MEAN) / SPREAD).transpose(2, 0, 1)[None]
            scores, boxes = session.run(list(OUTPUTS), {port.name: pixels})
            found.append(_faces(scores[0, :, 1], boxes[0], self._least, frame.shape[:2]))
        return found

    def _started(self) -> Any:
        """Return the session."""
        with self._lock:
            if self._session is None:
                self._session = _session(self._file, self._what)
            return self._session


def _faces(scores: np.ndarray, boxes: np.ndarray, least: float, size: tuple[int, ...]) -> np.ndarray:
    """Return what is sure enough, of overlapping boxes the surest."""
    sure = np.flatnonzero(scores >= least)
    order = sure[np.argsort(-scores[sure], kind="stable")]
    kept: list[int] = []
    for one in order.tolist():
        if all(overlap(boxes[one], boxes[other]) <= OVERLAP for other in kept):
            kept.append(one)
    height, width = size
    pixels = boxes[kept] * np.array([width, height, width, height])
    return np.concatenate([pixels, scores[kept, None]], axis=1).astype(np.float32).reshape(-1, 5)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection of two boxes over their union."""
    both = shared(one, other)
    whole = float((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])) - both
    return both / whole if whole > 0 else 0.0


def shared(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection of two boxes, in square pixels."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    return max(float(right - left), 0.0) * max(float(bottom - top), 0.0)


def _session(file: Path, name: str) -> Any:
    """Start onnxruntime on one thread: pictures are small, and videos are decoded beside it.

    :raises EncoderError: it is not installed, or the file is another model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise EncoderError(f"{name} needs onnxruntime: pip install 'mmsdk-face[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base that is public
        raise EncoderError(f"{name}: {file} is no ONNX model that runs here") from error
    gives = {one.name for one in session.get_outputs()}
    shape = session.get_inputs()[0].shape
    if not gives >= set(OUTPUTS) or len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
        raise EncoderError(
            f"{name}: {file} takes {shape} and gives {', '.join(sorted(gives))}, where a detector takes (1, 3, h, w) "
            "and gives scores and boxes, as UltraFace does"
        )
    return session
