"""Sounds at the rate of a model, and their windows: whole, evenly spread, each with its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The windows of a batch.

    :param pieces: their samples, float32 ``(t,)``.
    :param owners: whose they are, ``(w,)`` int64, ascending.
    :param times: the middle of each, seconds from the start of its sound, ``(w,)`` float64.
    """

    pieces: list[np.ndarray]
    owners: np.ndarray
    times: np.ndarray

    def groups(self) -> list[list[int]]:
        """Return the places of windows of one length each."""
        found: dict[int, list[int]] = {}
        for place, piece in enumerate(self.pieces):
            found.setdefault(len(piece), []).append(place)
        return list(found.values())


def spread(sounds: Sequence[np.ndarray], rate: int, width: int, shortest: int) -> Windows:
    """Return as few windows as cover each sound, each whole; the last ends with the sound.

    :param sounds: float32 ``(t,)`` each, at one rate.
    :param width: samples a window; a sound shorter than that is a window of its own length.
    :param shortest: samples; what is shorter still is filled up with silence.
    """
    pieces: list[np.ndarray] = []
    owners: list[int] = []
    times: list[float] = []
    for owner, sound in enumerate(sounds):
        count = -(-len(sound) // width)
        starts = np.linspace(0, max(0, len(sound) - width), max(1, count)).round().astype(int)
        for start in starts.tolist():
            piece = sound[start : start + width]
            pieces.append(np.pad(piece, (0, max(0, shortest - len(piece)))))
            owners.append(owner)
            times.append((start + len(piece) / 2) / rate)
    return Windows(pieces=pieces, owners=np.array(owners, np.int64), times=np.array(times, np.float64))


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return samples at another rate, float32."""
    if rate == wanted:
        return samples
    import soxr

    found: np.ndarray = soxr.resample(samples, rate, wanted)
    return found
