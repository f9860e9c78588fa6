"""The encoder of faces: a detector, who is meant, and an encoder of the crop."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk import Sequence, weights_fingerprint
from mmsdk_face.crops import crop, usable
from mmsdk_face.tracking import Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Rows
    from pathlib import Path

VERSION = 1
AT_ONCE = 32
NOBODY = np.full(4, np.nan, np.float32)


class Detector(Protocol):
    """Finds faces."""

    name: str
    files: tuple[Path, ...]

    def find(self, frames: np.ndarray) -> list[np.ndarray]:
        """Return the faces of each frame ``(k, 5)`` float32: left, top, right, bottom in pixels, score."""
        ...


class FaceEncoder:
    """Frames to a step for each in which the face of one person is seen.

    Of a picture it is the largest face. Of a clip it is the one whose person is seen largest and longest, unless the
    clip says by its ``boxes`` who is meant; then nothing is detected. A clip or picture without a face has no step and
    counts as missing.

    :param inner: the encoder of a crop: ``encode(crops, "image")`` and ``dim``.
    :param identity: of the inner encoder, for the key of the vectors.
    :param margin: how much wider than the face the crop is.
    """

    output = "sequence"
    batch_size = 4

    def __init__(self, detector: Detector, inner: Any, identity: str, margin: float) -> None:
        self._detector, self._inner, self._identity, self._margin = detector, inner, identity, margin
        self._frames = self._empty = 0

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return int(self._inner.dim)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"detector": self._detector.name, "inner": self._identity, "margin": self._margin}
        return weights_fingerprint(list(self._detector.files), encoder="faces", version=VERSION, **facts)

    def report(self) -> Mapping[str, tuple[int, int]]:
        """Return how many of how many frames are without a face."""
        return {"frames_without_a_face": (self._empty, self._frames)}

    def find(self, frames: np.ndarray) -> list[np.ndarray]:
        """Return the faces of each frame ``(k, 5)`` float32: left, top, right, bottom in pixels, and score.

        :param frames: ``(n, h, w, 3)`` uint8.
        """
        return [boxes[[usable(box) for box in boxes]] for boxes in self._detector.find(frames)]

    def tracker(self) -> Tracker:
        """Return what follows faces through one recording: ``see(frame, time, boxes)`` names each box's person."""
        return Tracker()

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence ``(t, dim)`` float32 a clip or picture, a step a frame with a face."""
        found = []
        for sample in batch:
            if modality == "video":
                boxes = self._boxes(sample) if sample.boxes is None else sample.boxes
                found.append(self._steps(sample.frames, np.asarray(sample.times, np.float64), boxes))
            else:
                found.append(self._steps(sample[None], np.zeros(1), self._largest(sample)))
        return found

    def _steps(self, frames: np.ndarray, times: np.ndarray, boxes: np.ndarray) -> Sequence:
        """Return the steps of the frames whose box is one."""
        seen = [place for place, box in enumerate(boxes) if usable(box)]
        self._frames += len(boxes)
        self._empty += len(boxes) - len(seen)
        crops = [crop(frames[place], boxes[place], self._margin) for place in seen]
        parts = [self._inner.encode(crops[at : at + AT_ONCE], "image") for at in range(0, len(crops), AT_ONCE)]
        values = np.concatenate(parts) if parts else np.zeros((0, self.dim))
        return Sequence(values=np.ascontiguousarray(values, np.float32), times=times[seen])

    def _largest(self, picture: np.ndarray) -> np.ndarray:
        """Return the box of the largest face ``(1, 4)``."""
        (boxes,) = self.find(picture[None])
        return boxes[[int(np.argmax(_areas(boxes)))], :4] if len(boxes) else NOBODY[None]

    def _boxes(self, clip: Any) -> np.ndarray:
        """Return the boxes ``(n, 4)`` of the person who is seen largest and longest."""
        tracker, seen, worth = self.tracker(), [], defaultdict(float)
        for frame, time, boxes in zip(clip.frames, clip.times, self.find(clip.frames), strict=True):
            people = tracker.see(frame, float(time), boxes)
            seen.append(dict(zip(people, boxes, strict=True)))
            for person, area in zip(people, _areas(boxes), strict=True):
                worth[person] += float(area)
        main = max(worth, key=lambda person: worth[person], default=0)
        return np.stack([one[main][:4] if main in one else NOBODY for one in seen]) if seen else np.zeros((0, 4))


def _areas(boxes: np.ndarray) -> np.ndarray:
    """Return the areas of boxes ``(k,)``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
