"""Who is who from frame to frame: boxes to tracks by place and looks. A track is no identity; nobody is recognised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment

from mmsdk_face.crops import crop
from mmsdk_face.onnx_detector import overlap

FORGET = 10.0  # seconds after which a face that comes back is somebody else
NEAR = 1.5  # widths of a face that it may move between two looks at it
ALIKE = 0.85  # likeness from which a face that was away is the same one
LEARN = 0.2  # share of the newest look in what is remembered
THUMB = 12


@dataclass(slots=True)
class _Track:
    number: int
    box: np.ndarray
    look: np.ndarray
    seen: float


class Tracker:
    """Follows faces through a recording, frame by frame.

    A box goes on with the track that it overlaps and looks like; one that was away for up to ten seconds with the
    track it looks like. Looks are a picture of 12 x 12 pixels, free of brightness, so that twins, and two shots of one
    person in another light, are beyond it.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._count = 0

    def see(self, frame: np.ndarray, time: float, boxes: np.ndarray) -> list[int]:
        """Return the number of the person of each box, from 1.

        :param frame: ``(h, w, 3)`` uint8.
        :param time: in seconds, ascending from call to call.
        :param boxes: ``(k, 4)`` or ``(k, 5)``: left, top, right, bottom in pixels.
        """
        self._tracks = [one for one in self._tracks if time - one.seen <= FORGET]
        looks = [_look(frame, box) for box in boxes]
        names = [0] * len(boxes)
        for place, track in self._matched(boxes, looks):
            track.box, track.seen = boxes[place], time
            track.look = _unit((1 - LEARN) * track.look + LEARN * looks[place])
            names[place] = track.number
        for place, number in enumerate(names):
            if number == 0:
                self._count += 1
                self._tracks.append(_Track(self._count, boxes[place], looks[place], time))
                names[place] = self._count
        return names

    def _matched(self, boxes: np.ndarray, looks: list[np.ndarray]) -> list[tuple[int, _Track]]:
        """Return which box goes on with which track, so that the worth of all together is greatest."""
        if not len(boxes) or not self._tracks:
            return []
        worth = np.array(
            [[_worth(box, look, track) for track in self._tracks] for box, look in zip(boxes, looks, strict=True)]
        )
        pairs = zip(*linear_sum_assignment(-worth), strict=True)
        return [(int(place), self._tracks[number]) for place, number in pairs if worth[place, number] > 0]


def _worth(box: np.ndarray, look: np.ndarray, track: _Track) -> float:
    """Return how well a box goes on with a track, 0 where it does not."""
    likeness = float(look @ track.look)
    shared = overlap(box, track.box)
    width = max(float(track.box[2] - track.box[0]), 1.0)
    moved = float(np.hypot(*((box[:2] + box[2:4]) / 2 - (track.box[:2] + track.box[2:4]) / 2))) / width
    if shared > 0.1 or (moved <= NEAR and likeness >= ALIKE / 2):
        return 1.0 + shared + likeness
    return likeness if likeness >= ALIKE else 0.0


def _look(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the looks of a face, of unit length and without its mean."""
    small = Image.fromarray(crop(frame, box, 0.0)).resize((THUMB, THUMB), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64).reshape(-1)
    return _unit(pixels - pixels.mean())


def _unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector of length one, or zeros."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else np.zeros_like(vector)
