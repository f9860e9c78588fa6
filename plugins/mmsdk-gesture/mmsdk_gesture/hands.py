"""The scheme ``hands:``: the 21 points of a hand in each frame of a video, by a hand-landmark model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Landmarks, Sequence, weights_fingerprint
from mmsdk_gesture.normal import MOTION, POSE, Normal

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

VERSION = 1
SIDE = 224
POINTS = 21
SURE = 0.5  # score of a hand
OUTPUTS = ("landmarks", "hand_score")


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    rotation: bool = False,
    mirror: bool = False,
    least: float = SURE,
) -> HandEncoder:
    """Return the encoder of a hand-landmark ONNX file.

    :param reference: its path. The file takes ``(b, 3, 224, 224)`` RGB 0..1, a crop of one hand, and gives
        ``landmarks`` ``(b, 63)`` in pixels and ``hand_score``. MediaPipe's own ``.task`` files are not read.
    :param modality: ``video`` or ``image``.
    :param rotation: as of ``landmarks``; so ``mirror``.
    :param least: score from which a frame shows a hand.
    :raises EncoderError: there is no such file, or it is another model.
    """
    name, file = f"hands:{reference}", Path(reference).expanduser()
    if not file.is_file():
        raise EncoderError(f"{name}: there is no file {file.absolute()}; write hands:FILE.onnx")
    if file.suffix == ".task":
        raise EncoderError(f"{name}: a MediaPipe bundle is not read; give the hand-landmark model as ONNX")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise EncoderError(f"{name}: least is {least!r}, expected a score from 0 to 1")
    return HandEncoder(name, file, Normal(rotation=rotation, mirror=mirror), float(least))


class HandEncoder:
    """Frames to steps as ``landmarks`` gives them; a frame without a hand is left out, a clip without one is missing.

    The model wants a crop of one hand and no palm detector comes with it, so the whole frame counts as the crop, its
    sides padded to a square: the hand should fill a good part of the picture.
    """

    output = "sequence"
    dim = POSE + MOTION
    batch_size = 4

    def __init__(self, name: str, file: Path, normal: Normal, least: float) -> None:
        self._name, self._file, self._normal, self._least = name, file, normal, least
        self._session: Any = None
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"rotation": self._normal.rotation, "mirror": self._normal.mirror, "least": self._least}
        return weights_fingerprint([self._file], encoder="hands", version=VERSION, **facts)

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence ``(t, 75)`` float32 a clip; of a picture one step at the most."""
        return [self._clip(one.frames, one.times) if modality == "video" else self._clip(one[None]) for one in batch]

    def points(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points ``(n, 21, 3)`` in pixels of 224, and scores ``(n,)``, of frames ``(n, h, w, 3)`` uint8."""
        inputs = np.stack([_square(frame) for frame in frames])
        name = self._started().get_inputs()[0].name
        found, scores = self._started().run(list(OUTPUTS), {name: inputs})
        return found.reshape(len(frames), POINTS, 3), scores.reshape(len(frames))

    def _clip(self, frames: np.ndarray, times: np.ndarray | None = None) -> Sequence:
        """Return the steps of one clip."""
        if len(frames):
            points, scores = self.points(frames)
            seen = scores >= self._least
        if not len(frames) or not seen.any():
            return Sequence(values=np.zeros((0, self.dim), np.float32), times=np.zeros(0))
        when = np.zeros(1) if times is None else np.asarray(times, np.float64)[seen]
        sample = Landmarks(points=points[seen].astype(np.float32), times=when)
        values = np.concatenate(self._normal.steps(sample), axis=1).astype(np.float32)
        return Sequence(values=values, times=when)

    def _started(self) -> Any:
        """Return the session, started when first needed."""
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
