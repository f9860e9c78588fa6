"""The timeline of a recording: for each person a line of answers, made calm, with bands, changes and spans."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_recipe_emotion.affect import weighed
from mmsdk_recipe_emotion.changes import change_points
from mmsdk_recipe_emotion.reading import NOBODY
from mmsdk_recipe_emotion.smoothing import bands, smoothed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk_recipe_emotion.reading import Reading

UNSURE, NOTHING = "unsure", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One window of a line.

    :param time: the middle of the window.
    :param emotion: the label; ``unsure`` where the run declined, empty where there was nothing to answer from.
    :param probabilities: made calm.
    :param band: of the likeliest label, lowest and highest of what the windows around say and of the calm line;
        ``None`` where there is no answer.
    """

    reading: Reading
    time: float
    emotion: str
    probabilities: Mapping[str, float]
    band: tuple[float, float] | None
    affect: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one label or one state."""

    start: float
    end: float
    emotion: str
    confidence: float | None
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is said of one person, or of the voice (person 0).

    :param own: of inputs that the run measures within a person's: how many of this line's windows that rests on in the
        end, 0 where the training rows stand in; empty of other runs.
    """

    person: int
    points: tuple[Point, ...]
    changes: tuple[float, ...]
    spans: tuple[Span, ...]
    own: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return how a person would call it."""
        return f"Person {self.person}" if self.person != NOBODY else "Voice, or no face"

    @property
    def measured(self) -> str:
        """Return against what it is measured, in a sentence; empty of runs that measure nobody within their own."""
        if not self.own:
            return ""
        known = [f"{name} {count}" for name, count in self.own.items() if count]
        rest = [name for name, count in self.own.items() if not count]
        whose = "this person's" if self.person != NOBODY else "this line's"
        none = "no face says whose windows they are, or they are too few"
        why = none if self.person == NOBODY else f"too few of {whose} windows"
        said = [f"Measured against {whose} own windows ({', '.join(known)})"] if known else []
        said += [f"{', '.join(rest)}: measured against the training rows ({why})"] if rest else []
        return "; ".join(said) + "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All lines of a recording.

    :param trouble: why the recording ended before its time; empty where it did not.
    """

    source: str
    seconds: float
    window: float
    hop: float
    labels: tuple[str, ...]
    lines: tuple[Line, ...]
    trouble: str = ""


def timeline_of(
    source: str,
    readings: Sequence[Reading],
    labels: tuple[str, ...],
    affect: Mapping[str, tuple[float, float]],
    *,
    window: float,
    hop: float,
    trouble: str = "",
) -> Timeline:
    """Return the timeline of readings.

    :param labels: of the run, in its order.
    :param affect: label -> valence and arousal.
    """
    of: dict[int, list[Reading]] = defaultdict(list)
    for reading in readings:
        of[reading.person].append(reading)
    return Timeline(
        source=source,
        seconds=max((one.end for one in readings), default=0.0),
        window=window,
        hop=hop,
        labels=labels,
        lines=tuple(_line(person, of[person], labels, affect, window, hop) for person in sorted(of)),
        trouble=trouble,
    )


def _line(
    person: int,
    readings: list[Reading],
    labels: tuple[str, ...],
    affect: Mapping[str, tuple[float, float]],
    window: float,
    hop: float,
) -> Line:
    """Return the line of one person; where it is interrupted, what follows begins anew."""
    points: list[Point] = []
    changes: list[float] = []
    for part in _pieces(readings, hop):
        raw = np.array([[one.probabilities.get(label, np.nan) for label in labels] for one in part])
        calm, (low, high) = smoothed(raw, hop, window / hop), bands(raw, window / hop)
        made = [_point(one, labels, calm[place], low[place], high[place], affect) for place, one in enumerate(part)]
        points += made
        changes += [made[place].time for place in change_points(raw, hop)]
    return Line(
        person=person,
        points=tuple(points),
        changes=tuple(changes),
        spans=tuple(_spans(points, hop)),
        own=_own(readings),
    )


def _own(readings: Sequence[Reading]) -> dict[str, int]:
    """Return how many windows each input is measured against where it is against the most."""
    found: dict[str, int] = {}
    for reading in readings:
        for name, count in reading.own.items():
            found[name] = max(count, found.get(name, 0))
    return found


def _pieces(readings: list[Reading], hop: float) -> list[list[Reading]]:
    """Return the readings in pieces without a gap."""
    pieces: list[list[Reading]] = []
    for one in readings:
        if not pieces or one.start - pieces[-1][-1].start > 1.5 * hop:
            pieces.append([])
        pieces[-1].append(one)
    return pieces


def _point(
    reading: Reading,
    labels: tuple[str, ...],
    calm: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    affect: Mapping[str, tuple[float, float]],
) -> Point:
    """Return one window of a line."""
    answered = bool(reading.probabilities)
    best = int(calm.argmax())
    probabilities = {label: float(one) for label, one in zip(labels, calm, strict=True)} if answered else {}
    emotion = (UNSURE if reading.abstained else labels[best]) if answered else NOTHING
    return Point(
        reading=reading,
        time=(reading.start + reading.end) / 2,
        emotion=emotion,
        probabilities=probabilities,
        band=(min(float(low[best]), float(calm[best])), max(float(high[best]), float(calm[best])))
        if answered
        else None,
        affect=weighed(probabilities, affect) if answered else None,
    )


def _spans(points: list[Point], hop: float) -> list[Span]:
    """Return stretches of one label and the same states; each window speaks for the hop around its middle.

    The last window of a recording is cut short, and its middle nearer than a hop: two stretches meet half way.
    """
    groups: list[list[Point]] = []
    for point in points:
        before = groups[-1][-1] if groups else None
        if before is None or point.time - before.time > 1.5 * hop or _kind(point) != _kind(before):
            groups.append([])
        groups[-1].append(point)
    spans = [_span(group, hop, ends=group is groups[-1]) for group in groups]
    for place in range(1, len(spans)):
        if spans[place].start < spans[place - 1].end:
            middle = (groups[place - 1][-1].time + groups[place][0].time) / 2
            spans[place - 1] = replace(spans[place - 1], end=middle)
            spans[place] = replace(spans[place], start=middle)
    return spans


def _kind(point: Point) -> tuple[Any, ...]:
    """Return what a span is of."""
    return point.emotion, point.reading.states


def _span(group: list[Point], hop: float, *, ends: bool) -> Span:
    """Return the span of windows; the last one of a line lasts as long as its window does."""
    first, last = group[0], group[-1]
    sure = [max(point.probabilities.values()) for point in group if point.probabilities]
    start = first.reading.start if first.reading.start == 0 else first.time - hop / 2
    return Span(
        start=start,
        end=max(last.reading.end if ends else last.time + hop / 2, start + 0.01),
        emotion=first.emotion,
        confidence=float(np.mean(sure)) if sure else None,
        states=first.reading.states,
    )
