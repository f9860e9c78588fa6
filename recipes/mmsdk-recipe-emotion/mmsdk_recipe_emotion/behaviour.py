"""What people do, as far as pixels and levels show it: measures of a window, and words for them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mmsdk_recipe_emotion.speech import levels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Sound

MEASURES: Mapping[str, str] = {
    "faces": "faces in view, on average",
    "face_share": "share of the frames in which this face is seen",
    "speaking": "share of the window that is speech",
    "loudness": "mean level of the sound, dB of full scale",
    "movement": "widths of the face that it moves a second",
    "change": "mean change of the picture from frame to frame, 0 to 1",
}
SPEAKS, LOST, MOVES, STILL, SEVERAL = 0.5, 0.6, 0.5, 0.05, 1.5
LOUDER = 6.0  # dB over the usual level of the recording so far


def picture_change(frames: Sequence[np.ndarray]) -> float:
    """Return how much the picture changes from frame to frame, 0 to 1."""
    if len(frames) < 2:
        return 0.0
    small = [frame[::8, ::8].astype(np.float32).mean(2) / 255 for frame in frames]
    return float(np.mean([np.abs(one - other).mean() for one, other in pairwise(small)]))


def movement(boxes: np.ndarray, times: np.ndarray) -> float:
    """Return how fast a face moves, in its own widths a second.

    :param boxes: ``(n, 4)`` in pixels, NaN where it is not seen.
    """
    seen = np.isfinite(boxes).all(1)
    if seen.sum() < 2:
        return 0.0
    known, when = boxes[seen], times[seen]
    middles = (known[:, :2] + known[:, 2:]) / 2
    width = float(np.median(known[:, 2] - known[:, 0]))
    path = float(np.hypot(*np.diff(middles, axis=0).T).sum())
    return path / max(width, 1.0) / max(float(when[-1] - when[0]), 1e-6)


def loudness(sound: Sound | None) -> float | None:
    """Return the mean level in dB of full scale; ``None`` without sound."""
    levels = levels_of(sound) if sound is not None else np.zeros(0)
    return float(10 * np.log10(np.mean(10 ** (levels / 10)))) if len(levels) else None


def tags_of(measures: Mapping[str, float], usual: float | None) -> tuple[str, ...]:
    """Return the measures in words.

    :param usual: the usual level of speech in the recording so far.
    """
    level = measures.get("loudness")
    speaks = measures.get("speaking", 0.0) >= SPEAKS
    said = {
        "speaking": speaks,
        "loud": speaks and level is not None and usual is not None and level >= usual + LOUDER,
        "several faces": measures.get("faces", 0.0) >= SEVERAL,
        "turned away or hidden": 0 < measures.get("face_share", 1.0) < LOST,
        "moving": measures.get("movement", 0.0) >= MOVES,
        "still": measures.get("face_share", 0.0) > 0 and measures.get("movement", 1.0) <= STILL,
    }
    return tuple(word for word, holds in said.items() if holds)
