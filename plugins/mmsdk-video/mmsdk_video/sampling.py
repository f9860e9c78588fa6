"""Which frames of a video are kept: evenly, so many a second, or one a scene; never more than were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk_video.canvas import Grey
from mmsdk_video.index import SAME

if TYPE_CHECKING:
    from mmsdk_video.canvas import Canvas

SMALL = (32, 18)  # pixels by which scenes are told apart
CUT = 0.12  # mean difference of two small grey frames (0..1) that is a new scene
LEAST = 0.3  # seconds that a scene lasts


def wanted_times(duration: float, count: int, rate: float | None) -> np.ndarray:
    """Return ascending times in seconds: one every ``1 / rate``; the middles of ``count`` equal parts if that is more.

    Without a rate always the middles.
    """
    if rate is not None and duration * rate <= count:
        return np.asarray(np.arange(max(np.ceil(duration * rate - SAME), 1)) / rate, np.float64)
    return np.asarray((np.arange(count) + 0.5) * duration / count, np.float64)


class Picker(Protocol):
    """Is shown frames in the order of their times, and keeps some."""

    def see(self, frame: Any, time: float) -> None:
        """Look at the next frame."""
        ...

    def taken(self) -> tuple[np.ndarray, np.ndarray]:
        """Return RGB uint8 ``(n, h, w, 3)`` and ascending seconds ``(n,)``."""
        ...


class TimePicker:
    """Keeps the frames of given times; where one does not come (it is damaged), the next one.

    :param wanted: ascending times of frames.
    :param canvas: paints what is kept at once: full frames of a long file would fill the memory.
    """

    def __init__(self, wanted: np.ndarray, canvas: Canvas) -> None:
        self._wanted, self._canvas = wanted, canvas
        self._pixels: np.ndarray | None = None  # (len(wanted), h, w, 3), filled from the front
        self._times: list[float] = []
        self._next = 0

    def see(self, frame: Any, time: float) -> None:
        """Look at the next frame."""
        reached = int(np.searchsorted(self._wanted, time + SAME, side="right"))
        if reached > self._next:
            self._next = reached
            self.keep(frame, time)

    def keep(self, frame: Any, time: float) -> None:
        """Keep a frame, unless one of its time is kept already."""
        if self._times and time <= self._times[-1]:
            return
        painted = self._canvas.paint(frame)
        if self._pixels is None:
            self._pixels = np.empty((len(self._wanted), *painted.shape), np.uint8)
        self._pixels[len(self._times)] = painted
        self._times.append(time)

    def taken(self) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels and times."""
        if self._pixels is None:
            return stacked([]), np.zeros(0, np.float64)
        count = len(self._times)
        pixels = self._pixels if count == len(self._pixels) else self._pixels[:count].copy()
        return pixels, np.asarray(self._times, np.float64)


class ScenePicker:
    """Keeps the first frame of each scene; of too many scenes those that begin with the largest change.

    A scene begins where the small grey picture differs from the one before by 0.12 of its range in the mean, and the
    scene before has lasted a third of a second.

    :param count: of scenes at the most.
    """

    def __init__(self, count: int, canvas: Canvas) -> None:
        self._count, self._canvas = count, canvas
        self._grey = Grey(*SMALL)
        self._before: np.ndarray | None = None
        self._latest = -np.inf
        self._found: list[tuple[float, float, np.ndarray]] = []  # change, time, pixels

    def see(self, frame: Any, time: float) -> None:
        """Look at the next frame."""
        grey = self._grey.paint(frame)
        change = np.inf if self._before is None else float(np.abs(grey - self._before).mean())
        self._before = grey
        if change < CUT or time - self._latest < LEAST:
            return
        self._latest = time
        if len(self._found) == self._count:
            least = min(range(len(self._found)), key=lambda one: self._found[one][0])
            if self._found[least][0] >= change:
                return
            del self._found[least]
        self._found.append((change, time, self._canvas.paint(frame)))

    def taken(self) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels and times."""
        return stacked([pixels for _, _, pixels in self._found]), np.array([time for _, time, _ in self._found])


def stacked(pixels: list[np.ndarray]) -> np.ndarray:
    """Return ``(n, h, w, 3)``, also of nothing."""
    return np.stack(pixels) if pixels else np.zeros((0, 0, 0, 3), np.uint8)
