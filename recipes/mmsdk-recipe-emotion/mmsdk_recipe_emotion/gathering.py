"""What has come of a recording and is still needed: frames, the faces in them, and sound, no longer than a window."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk import Moment

SAME = 1e-3  # seconds below which two times are one
LATE = 1.0  # seconds that picture and sound of a file may be apart
SEEN = 0.25  # share of a window's frames in which a face must be seen
NONE = np.full(4, np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A frame, and who is where in it."""

    time: float
    frame: np.ndarray
    people: dict[int, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A stretch of a recording.

    :param looks: its frames, in order.
    :param sound: ``None`` where there was none.
    """

    start: float
    end: float
    looks: tuple[Look, ...]
    sound: Sound | None

    @property
    def times(self) -> np.ndarray:
        """Return the times of the frames from the start of the window, ``(n,)`` float64."""
        return np.array([look.time - self.start for look in self.looks])

    def people(self) -> list[int]:
        """Return who is seen in a quarter of the frames, two at the least where there are two."""
        counts = Counter(person for look in self.looks for person in look.people)
        least = max(min(2, len(self.looks)), SEEN * len(self.looks))
        return sorted(person for person, count in counts.items() if count >= least)

    def boxes(self, person: int) -> np.ndarray:
        """Return where somebody's face is in each frame, ``(n, 4)`` float32, NaN where it is not seen."""
        found = [look.people.get(person, NONE) for look in self.looks]
        return np.stack(found) if found else np.zeros((0, 4), np.float32)


class Gathering:
    """Takes moments in order and gives windows as they fill.

    A file holds picture and sound in turns: a window is full when both are past it, or one is a second past it.

    :param faces: finds and follows faces: ``find`` and ``tracker`` of an encoder of faces.
    """

    def __init__(self, faces: Any, window: float, hop: float) -> None:
        self._faces, self._tracker = faces, faces.tracker()
        self._window, self._hop = window, hop
        self._start = 0.0
        self._looks: deque[Look] = deque()
        self._blocks: deque[tuple[float, Sound]] = deque()
        self._heads: dict[str, float] = {}  # how far picture and sound have come

    @property
    def end(self) -> float:
        """Return how far the recording has come, in seconds."""
        return max(self._heads.values(), default=0.0)

    def take(self, moment: Moment) -> Iterator[Window]:
        """Take a moment; yield the windows that are full."""
        if moment.frame is not None:
            self._heads["picture"] = max(self._heads.get("picture", 0.0), moment.time)
            while self._is_full():
                yield self._full()
            self._see(moment.time, moment.frame)
        if moment.sound is not None:
            self._heads["sound"] = max(self._heads.get("sound", 0.0), moment.time + moment.sound.seconds)
            self._blocks.append((moment.time, moment.sound))
            while self._is_full():
                yield self._full()

    def finish(self) -> Iterator[Window]:
        """Yield what is left: windows to the end of the recording, the last one cut off there."""
        while self.end > self._start + SAME:
            end = min(self._start + self._window, self.end)
            yield self._full(end)
            if end >= self.end - SAME:
                return

    def _is_full(self) -> bool:
        """Return whether nothing more is to come of the window that begins now."""
        end = self._start + self._window
        return min(self._heads.values()) >= end or self.end >= end + LATE

    def _see(self, time: float, frame: np.ndarray) -> None:
        """Find and name the faces of a frame."""
        (boxes,) = self._faces.find(frame[None])
        names = self._tracker.see(frame, time, boxes)
        people = {name: np.asarray(box[:4], np.float32) for name, box in zip(names, boxes, strict=True)}
        self._looks.append(Look(time, frame, people))

    def _full(self, end: float | None = None) -> Window:
        """Return the window that begins now, and let go what no later one needs."""
        start, end = self._start, self._start + self._window if end is None else end
        looks = tuple(look for look in self._looks if start <= look.time < end or (look.time == end == self.end))
        found = Window(start=start, end=end, looks=looks, sound=self._cut(start, end))
        self._start += self._hop
        while self._looks and self._looks[0].time < self._start:
            self._looks.popleft()
        while self._blocks and self._blocks[0][0] + self._blocks[0][1].seconds <= self._start:
            self._blocks.popleft()
        return found

    def _cut(self, start: float, end: float) -> Sound | None:
        """Return the sound of a stretch, silence where blocks leave gaps; ``None`` where no block reaches into it."""
        parts = [(time, block) for time, block in self._blocks if time < end and time + block.seconds > start]
        if not parts:
            return None
        rate = parts[0][1].rate
        samples = np.zeros(max(round((end - start) * rate), 1), np.float32)
        for time, block in parts:
            place = round((time - start) * rate)
            piece = block.samples[max(-place, 0) : max(len(samples) - place, 0)]
            place = max(place, 0)
            samples[place : place + len(piece)] = piece
        return Sound(samples=samples, rate=rate)
