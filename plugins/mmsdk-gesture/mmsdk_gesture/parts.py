"""The time spans of landmarks, and the landmarks without some of them: what ``mmsdk explain`` takes away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Landmarks

MOST = 16


def spans_of(sample: Landmarks) -> list[Part]:
    """Return up to 16 spans, each with a step or more; a span ends where the next one begins."""
    parts = np.array_split(sample.times, min(MOST, len(sample.times)))
    starts = [float(part[0]) for part in parts]
    ends = [*starts[1:], float(np.nextafter(sample.times[-1], np.inf))]
    return [
        Part(name=f"{start:.2f} to {end:.2f} s", kind="seconds", place=(start, end))
        for start, end in zip(starts, ends, strict=True)
        if start < end
    ]


def without_spans(sample: Landmarks, parts: Sequence[Part]) -> Landmarks | None:
    """Return the landmarks, not seen in these spans; ``None`` where none is seen at all."""
    points = sample.points.copy()
    for start, end in (part.place for part in parts):
        points[(sample.times >= start) & (sample.times < end)] = np.nan
    return replace(sample, points=points) if not np.isnan(points).all() else None
