"""The points of a hand by MediaPipe's hand landmarker and a ``.task`` file of it, which its wheel does not carry.

Written against mediapipe 1.2: its classes and errors were tried, a real ``.task`` file was not at hand.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

POINTS = 21


class MediapipeHands:
    """Frames to the 21 points of one hand, its palm found anywhere in the picture; a frame is looked at by itself.

    :param file: ``hand_landmarker.task``.
    :param least: confidence from which MediaPipe takes something for a hand.
    """

    def __init__(self, name: str, file: Path, least: float) -> None:
        self._name, self._file, self._least = name, file, least
        self._landmarker: Any = None
        self._lock = threading.Lock()

    def find(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points ``(n, 21, 3)`` in pixels, and which of the frames show a hand, ``(n,)`` bool.

        :param frames: ``(n, h, w, 3)`` uint8, one or more.
        :raises EncoderError: MediaPipe is not installed, or cannot read the file.
        """
        landmarker = self._started()
        import mediapipe

        points, seen = np.zeros((len(frames), POINTS, 3)), np.zeros(len(frames), bool)
        for place, frame in enumerate(frames):
            picture = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame, dtype=np.uint8)
            )
            found = points_of(landmarker.detect(picture), *frame.shape[:2])
            if found is not None:
                points[place], seen[place] = found, True
        return points, seen

    def _started(self) -> Any:
        """Return the landmarker."""
        with self._lock:
            if self._landmarker is None:
                self._landmarker = _landmarker(self._file, self._name, self._least)
            return self._landmarker


def points_of(result: Any, height: int, width: int) -> np.ndarray | None:
    """Return the first hand of a result in pixels, ``(21, 3)``; ``None`` where there is none.

    MediaPipe gives shares of width and height, and depth in the unit of the width: pixels keep the shape of the hand.
    """
    if not result.hand_landmarks:
        return None
    shares = np.array([[point.x, point.y, point.z] for point in result.hand_landmarks[0]])
    pixels: np.ndarray = shares * [width, height, width]
    return pixels


def _landmarker(file: Path, name: str, least: float) -> Any:
    """Start MediaPipe.

    :raises EncoderError: it is not installed, or cannot read the file.
    """
    try:
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError:
        raise EncoderError(f"{name} needs MediaPipe: pip install 'mmsdk-gesture[mediapipe]'") from None
    options = vision.HandLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(file)), num_hands=1, min_hand_detection_confidence=least
    )
    try:
        return vision.HandLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"{name}: MediaPipe cannot read the file ({reason})") from error
