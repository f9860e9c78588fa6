"""The time spans of a clip, of its picture and its sound apart, and the clip without some of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import Clip, Part, Sound

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 12  # spans of each track
PICTURE, SOUND = "picture", "sound"


def tracks_of(clip: Clip) -> list[Part]:
    """Return up to 12 spans of the picture, each with a frame or more, then up to 12 of the sound."""
    found = []
    if len(clip.frames):
        end = max(clip.duration, float(clip.times[-1]) + 1e-3)
        parts = np.array_split(clip.times, min(MOST, len(clip.times)))
        starts = [0.0, *((one[-1] + two[0]) / 2 for one, two in pairwise(parts)), end]
        found += [_span(float(a), float(b), PICTURE) for a, b in pairwise(starts)]
    if clip.sound is not None:
        seconds = clip.sound.seconds
        count = max(1, min(MOST, int(seconds / 0.05)))
        edges = [seconds * place / count for place in range(count + 1)]
        found += [_span(a, b, SOUND) for a, b in pairwise(edges)]
    return found


def without_tracks(clip: Clip, parts: Sequence[Part]) -> Clip | None:
    """Return the clip without some spans: the nearest frame that is left stands still in them, the sound is silent.

    A track of which nothing is left is none; ``None`` where neither is left.
    """
    frames, times = clip.frames, clip.times
    gone = np.zeros(len(times), bool)
    for start, end in (part.place for part in parts if part.lane == PICTURE):
        gone |= (times >= start) & (times < end)
    if gone.all():
        frames, times = frames[:0], times[:0]
    elif gone.any():
        left = np.flatnonzero(~gone)
        nearest = left[np.abs(times[:, None] - times[left][None]).argmin(1)]
        frames = frames[nearest]
    sound = clip.sound
    if sound is not None and (silent := [part for part in parts if part.lane == SOUND]):
        sound = _silenced(sound, silent)
    return None if not len(frames) and sound is None else replace(clip, frames=frames, times=times, sound=sound)


def _silenced(sound: Sound, parts: Sequence[Part]) -> Sound | None:
    """Return the sound, silent in some spans; ``None`` where it is in all."""
    samples = sound.samples.copy()
    silent = 0
    for start, end in ((round(part.place[0] * sound.rate), round(part.place[1] * sound.rate)) for part in parts):
        samples[start:end] = 0
        silent += len(samples[start:end])
    return replace(sound, samples=samples) if silent < len(samples) else None


def _span(start: float, end: float, lane: str) -> Part:
    """Return one span."""
    return Part(name=f"{lane} {start:.2f} to {end:.2f} s", kind="seconds", place=(start, end), lane=lane)
