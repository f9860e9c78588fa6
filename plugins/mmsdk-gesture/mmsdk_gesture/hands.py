"""The scheme ``hands:``: the 21 points of a hand in each frame of a video, by a hand-landmark model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Landmarks, Sequence, weights_fingerprint
from mmsdk_gesture.mediapipe_hands import MediapipeHands
from mmsdk_gesture.normal import MOTION, POSE, Normal
from mmsdk_gesture.onnx_hands import OnnxHands

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

VERSION = 2
SURE = 0.5  # score of a hand


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
    """Return the encoder of a hand-landmark model.

    :param reference: its path: an ONNX file (:class:`mmsdk_gesture.onnx_hands.OnnxHands`), or a MediaPipe ``.task``.
    :param modality: ``video`` or ``image``.
    :param rotation: as of ``landmarks``; so ``mirror``.
    :param least: score from which a frame shows a hand.
    :raises EncoderError: there is no such file, or ``least`` is no score.
    """
    name, file = f"hands:{reference}", Path(reference).expanduser()
    if not file.is_file():
        raise EncoderError(f"{name}: there is no file {file.absolute()}; write hands:FILE.onnx or hands:FILE.task")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise EncoderError(f"{name}: least is {least!r}, expected a score from 0 to 1")
    return HandEncoder(name, file, Normal(rotation=rotation, mirror=mirror), float(least))


class HandEncoder:
    """Frames to steps as ``landmarks`` gives them; a frame without a hand is left out, a clip of such is missing."""

    output = "sequence"
    dim = POSE + MOTION
    batch_size = 4

    def __init__(self, name: str, file: Path, normal: Normal, least: float) -> None:
        self._file, self._normal, self._least = file, normal, least
        self._hands = (MediapipeHands if file.suffix == ".task" else OnnxHands)(name, file, least)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"rotation": self._normal.rotation, "mirror": self._normal.mirror, "least": self._least}
        return weights_fingerprint([self._file], encoder="hands", version=VERSION, **facts)

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence ``(t, 75)`` float32 a clip; of a picture one step at the most."""
        return [self._clip(one.frames, one.times) if modality == "video" else self._clip(one[None]) for one in batch]

    def _clip(self, frames: np.ndarray, times: np.ndarray | None = None) -> Sequence:
        """Return the steps of one clip."""
        points, seen = self._hands.find(frames) if len(frames) else (np.zeros((0, 1, 3)), np.zeros(0, bool))
        if not seen.any():
            return Sequence(values=np.zeros((0, self.dim), np.float32), times=np.zeros(0))
        when = np.zeros(1) if times is None else np.asarray(times, np.float64)[seen]
        sample = Landmarks(points=points[seen].astype(np.float32), times=when)
        values = np.concatenate(self._normal.steps(sample), axis=1).astype(np.float32)
        return Sequence(values=values, times=when)
