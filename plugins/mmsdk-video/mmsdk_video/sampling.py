"""Which frames of a video are kept: evenly, so many a second, or one a scene; never more than were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = (32, 18)  # pixels by which scenes are told apart
CUT = 0.12  # mean difference of two small grey frames (0..1) that is a new scene
LEAST = 0.3  # seconds that a scene lasts


def wanted_times(duration: float, count: int, rate: float | None) -> np.ndarray:
    """Return ascending times in seconds: the middles of equal parts, or one every ``1 / rate`` if that is fewer."""
    if rate is not None and duration * rate <= count:
        # to the last one allowed: what a header says of the length may fall short
        return np.asarray(np.arange(count) / rate, np.float64)
    return np.asarray((np.arange(count) + 0.5) * duration / count, np.float64)


def picker_of(sampling: str, duration: float, count: int, rate: float) -> Picker:
    """Return what keeps at most ``count`` frames of a file of ``duration`` seconds as ``sampling`` says."""
    if sampling == "scene":
        return ScenePicker(count)
    return Picker(wanted_times(duration, count, rate if sampling == "fps" else None), duration)


class Picker:
    """Keeps, for each wanted time, the frame that is shown then; the first one where none is shown yet.

    No more frames are held than are kept, and one.

    :param wanted: ascending times in seconds.
    :param end: of the file, as its header says.
    """

    def __init__(self, wanted: Sequence[float] | np.ndarray, end: float) -> None:
        self.wanted = np.asarray(wanted, np.float64)
        self._end = end
        self._kept: list[Any] = []
        self._times: list[float] = []
        self._shown: tuple[Any, float] | None = None
        self._passed = 0  # wanted times that are served

    def see(self, frame: Any, time: float) -> None:
        """Look at the next frame of a pass."""
        reached = int(np.searchsorted(self.wanted, time, side="left"))  # of these the frame before was shown
        if reached > self._passed:
            self.keep(*(self._shown or (frame, time)))
            self._passed = reached
        self._shown = (frame, time)

    def keep(self, frame: Any, time: float) -> None:
        """Keep a frame, unless one of its time is kept already."""
        if not self._times or time > self._times[-1]:
            self._kept.append(frame)
            self._times.append(time)

    def taken(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return RGB uint8 ``(n, h, w, 3)``, upright, the shorter side at most ``size``, and their times ``(n,)``."""
        if self._shown is not None and self._passed < len(self.wanted):
            waiting, last = self.wanted[self._passed], self._shown[1]
            if waiting <= last or waiting < self._end or not self._kept:
                self.keep(*self._shown)
        if not self._kept:
            return np.zeros((0, 0, 0, 3), np.uint8), np.zeros(0, np.float64)
        height, width = _reduced(self._kept[0], size)
        pixels = [_upright(frame.to_ndarray(format="rgb24", width=width, height=height), frame) for frame in self._kept]
        same = [one for one in pixels if one.shape == pixels[0].shape]
        times = [time for one, time in zip(pixels, self._times, strict=True) if one.shape == pixels[0].shape]
        return np.stack(same), np.asarray(times, np.float64)


class ScenePicker(Picker):
    """Keeps the first frame of each scene; of too many scenes those that begin with the largest change.

    A scene begins where the small grey picture differs from the one before by 0.12 of its range in the mean, and the
    scene before has lasted a third of a second.
    """

    def __init__(self, count: int) -> None:
        super().__init__([], 0.0)
        self._count = count
        self._before: np.ndarray | None = None
        self._found: list[tuple[float, float, Any]] = []  # change, time, frame

    def see(self, frame: Any, time: float) -> None:
        """Look at the next frame of a pass."""
        grey = frame.to_ndarray(format="gray", width=SMALL[0], height=SMALL[1]).astype(np.float32) / 255
        change = np.inf if self._before is None else float(np.abs(grey - self._before).mean())
        self._before = grey
        if change < CUT or (self._found and time - self._found[-1][1] < LEAST):
            return
        self._found.append((change, time, frame))
        if len(self._found) > self._count:
            self._found.remove(min(self._found[1:] or self._found, key=lambda one: one[0]))

    def taken(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the frames that begin scenes, and their times."""
        for _, time, frame in self._found:
            self.keep(frame, time)
        return super().taken(size)


def _reduced(frame: Any, size: int) -> tuple[int, int]:
    """Return height and width with the shorter side at most ``size``."""
    shorter = min(frame.width, frame.height)
    if shorter <= size:
        return frame.height, frame.width
    return max(round(frame.height * size / shorter), 1), max(round(frame.width * size / shorter), 1)


def _upright(pixels: np.ndarray, frame: Any) -> np.ndarray:
    """Return pixels turned as the file says they are shown; the angle is counter-clockwise."""
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
