"""Pieces of a motion: from the step that leaves a rest to the step that begins the next one."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError
from mmsdk.stream.arrival import Arrival
from mmsdk.stream.events import Piece

if TYPE_CHECKING:
    from collections import Counter

    from mmsdk.config import StreamConfig

ABOVE = 0.12  # of the picture's side a second: a still hand wanders and its points tremble with less
POINTS = 2048  # of a step at most
RECENT = 0.2  # seconds: a hand at rest was seen so lately


class MotionTrack:
    """The landmarks of one input, cut into pieces.

    A hand rests where its points stayed within ``above * hang`` of where they are now for the last ``hang`` seconds
    (the median of the points, so that one that flickers is no motion); anything else is motion.
    """

    def __init__(self, name: str, settings: StreamConfig, counts: Counter[str]) -> None:
        own = settings.inputs[name]
        self._name = name
        self._own = own
        self.rate = own.rate or 30.0
        self._reach = (own.above or ABOVE) * own.hang
        self._arrival = Arrival(name, settings.jitter, settings.late, counts)
        self._missing = settings.missing
        self._counts = counts
        self._steps: deque[tuple[float, np.ndarray]] = deque(maxlen=max(int(own.buffer * self.rate * 2), 2))
        self._began: float | None = None
        self._rested = -math.inf
        self._pause: float | None = None  # where the motion in progress may have ended
        self._alone = True
        self.last = -math.inf

    @property
    def open_since(self) -> float | None:
        """Where the piece in progress begins, if it may become one."""
        return self._began if self._alone else None

    def push(self, data: Any, t: float, now: float) -> list[Piece]:
        """Take the points of one step; return the pieces that paused or ended.

        :param data: ``(k, d)``, ``d`` 2 or 3, or ``(d,)`` of one point; NaN where a point was not seen.
        :raises DataError: not points, infinite, or another number of them than before.
        """
        points = points_of(data, self._name)
        if self._steps and points.shape != self._steps[-1][1].shape:
            raise DataError(
                f"input {self._name!r} was pushed {points.shape} points, and {self._steps[-1][1].shape} before"
            )
        found = []
        for datum in self._arrival.push(points, t, 1 / self.rate, now):
            found += self._follow(datum.t, datum.value)
        return found

    def tick(self, now: float, missing: float) -> list[Piece]:
        """Let time pass without data."""
        found = []
        for datum in self._arrival.passing(now):
            found += self._follow(datum.t, datum.value)
        if self._began is not None and now - self.last > missing:
            found += self._close(self.last)
        return found

    def beside(self, start: float, end: float) -> Piece | None:
        """Return the rest that stands beside a piece of another input that ends at ``end``, where nothing moves.

        A hand that has lain still for longer than ``moved_within`` is idle, and says nothing.
        """
        if not self._own.still or self._began is not None or end - self.last > RECENT:
            return None
        last = min(end, self.last)
        if last - self._rested > self._own.moved_within:
            return None
        return self._piece(max(last - self._own.still, self._rested), last, over=True)

    def _follow(self, t: float, points: np.ndarray) -> list[Piece]:
        """Take one more step."""
        if np.isnan(points).all():
            return []  # the hand is not seen: as if nothing had come
        found: list[Piece] = []
        if t - self.last > self._missing:
            found += self._close(self.last) if self._began is not None else []
            self._steps.clear()
            self._rested = t
        before = self._steps[-1][0] if self._steps else t
        self._steps.append((t, points))
        self.last = t
        moves = self._farthest(self._own.hang) > self._reach
        if self._began is None:
            if moves:
                self._begin(before)
            return found
        if not moves and t - self._own.hang >= self._began - 1e-6:
            return found + self._close(self._pause if self._pause is not None else self._first_of(self._own.hang))
        if self._farthest(self._own.hang / 2) > self._reach:
            self._pause = None
        elif self._pause is None:
            self._pause = self._first_of(self._own.hang / 2)
            found += self._judged(self._pause, over=False)
        return found

    def _window(self, seconds: float) -> list[tuple[float, np.ndarray]]:
        """Return the steps of the last seconds, latest first."""
        now = self._steps[-1][0]
        found = []
        for step in reversed(self._steps):
            if step[0] < now - seconds - 0.5 / self.rate - 1e-6:
                break
            found.append(step)
        return found

    def _first_of(self, seconds: float) -> float:
        """Return when the oldest step of the last seconds was."""
        return self._window(seconds)[-1][0]

    def _farthest(self, seconds: float) -> float:
        """Return how far from where they are the points were in the last seconds, at most."""
        (_, here), *before = self._window(seconds)
        return max((_middle(points - here) for _, points in before), default=0.0)

    def _begin(self, start: float) -> None:
        """Note where a piece begins, and whether it stands alone."""
        self._alone = start - self._rested >= self._own.before - 1e-9
        self._counts["joined"] += not self._alone
        self._began, self._pause = start, None

    def _close(self, end: float) -> list[Piece]:
        """End the piece."""
        found = self._judged(end, over=True)
        self._began, self._alone, self._rested = None, True, end
        return found

    def _judged(self, end: float, *, over: bool) -> list[Piece]:
        """Return the piece, unless it is too short or too long or does not stand alone."""
        assert self._began is not None
        seconds = end - self._began
        if not self._alone:
            return []
        if not self._own.shortest <= seconds <= self._own.longest:
            self._counts["short" if seconds < self._own.shortest else "long"] += over
            return []
        piece = self._piece(self._began, end, over=over)
        return [piece] if piece is not None else []

    def _piece(self, start: float, end: float, *, over: bool) -> Piece | None:
        """Return the steps between two times."""
        kept = [(t, points) for t, points in self._steps if start - 1e-6 <= t <= end + 1e-6]
        if len(kept) < 2:
            return None
        times = np.array([t for t, _ in kept])
        return Piece(
            input=self._name,
            start=float(times[0]),
            end=float(times[-1]),
            data=np.stack([points for _, points in kept]),
            times=times - times[0],
            over=over,
        )


def _middle(ways: np.ndarray) -> float:
    """Return the median length of the ways ``(k, d)`` of points; 0 where none was seen."""
    lengths = np.sqrt(np.einsum("kd,kd->k", ways, ways))
    if len(lengths) == 1:
        return 0.0 if np.isnan(lengths[0]) else float(lengths[0])
    seen = lengths[~np.isnan(lengths)]
    return float(np.median(seen)) if len(seen) else 0.0


def points_of(data: Any, name: str) -> np.ndarray:
    """Return points ``(k, d)`` float32.

    :raises DataError: not points, or infinite.
    """
    try:
        found = np.asarray(data, np.float32)
    except (TypeError, ValueError):
        found = np.zeros(0, np.float32)
    found = found[None] if found.ndim == 1 else found
    if found.ndim != 2 or found.shape[1] not in (2, 3) or not 1 <= len(found) <= POINTS:
        raise DataError(
            f"input {name!r} was pushed {found.shape}, expected points (k, 2) or (k, 3), of {POINTS} points at most"
        )
    if np.isinf(found).any():
        raise DataError(f"input {name!r} was pushed infinite points; a point that is not seen is NaN")
    return found
