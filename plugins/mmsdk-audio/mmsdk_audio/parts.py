"""The time spans of a sound, and the sound without some of them: what ``mmsdk explain`` takes away."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mmsdk import Part, Sound

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST, SHORTEST = 16, 0.05  # spans, and seconds of one


def spans_of(seconds: float) -> list[Part]:
    """Return up to 16 equal spans of a sound, none shorter than 50 ms unless the sound is."""
    count = max(1, min(MOST, int(seconds / SHORTEST)))
    edges = [seconds * place / count for place in range(count + 1)]
    digits = 2 if seconds >= 1 else 3
    return [
        Part(name=f"{start:.{digits}f} to {end:.{digits}f} s", kind="seconds", place=(start, end))
        for start, end in pairwise(edges)
    ]


def without_spans(sound: Sound, parts: Sequence[Part]) -> Sound | None:
    """Return the sound, silent in these spans; ``None`` where all of it is."""
    samples = sound.samples.copy()
    silent = 0
    for start, end in ((round(part.place[0] * sound.rate), round(part.place[1] * sound.rate)) for part in parts):
        samples[start:end] = 0
        silent += len(samples[start:end])
    return Sound(samples=samples, rate=sound.rate) if silent < len(samples) else None
