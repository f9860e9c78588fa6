"""The ``decode`` options of gestures, and how numbers of any layout become points and times by them."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import ConfigError, Landmarks
from mmsdk_gesture.parts import spans_of, without_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Part

ORDERS = ("interleaved", "planar")
MAX_STEPS = 1_000_000


class Layout:
    """Numbers to :class:`mmsdk.Landmarks`, by the options of the input.

    :param points: how many points a step has; ``None``: as nested cells say, one where the numbers are flat.
    :param dims: coordinates of a point, 2 or 3; ``None``: as the cell says, 2 where it does not.
    :param fps: steps a second where the cell has no times.
    :param order: of flat numbers: ``interleaved`` (x0, y0, x1, y1) or ``planar`` (x0, x1, y0, y1).
    :raises ConfigError: an option cannot be.
    """

    def __init__(
        self, points: int | None = None, dims: int | None = None, fps: float = 30.0, order: str = "interleaved"
    ) -> None:
        if points is not None and (type(points) is not int or not 1 <= points <= 10_000):
            raise ConfigError(f"decode.points: {points!r} is not a whole number from 1 to 10000")
        if dims not in (None, 2, 3) or isinstance(dims, bool):
            raise ConfigError(f"decode.dims: {dims!r} is neither 2 nor 3")
        if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 100_000:
            raise ConfigError(f"decode.fps: {fps!r} is not a number above 0, at most 100000")
        if order not in ORDERS:
            raise ConfigError(f"decode.order: {order!r} is not one of {', '.join(ORDERS)}")
        self.points = points
        self.dims = dims
        self.fps = float(fps)
        self.order = order
        self._partly = 0
        self._lock = threading.Lock()

    def report(self) -> dict[str, float]:
        """Return how many cells lacked some of their points."""
        with self._lock:
            return {"partly_seen": self._partly}

    def parts(self, sample: Landmarks) -> list[Part]:
        """Return its time spans."""
        return spans_of(sample)

    def without(self, sample: Landmarks, parts: Sequence[Part], others: Sequence[Landmarks] = ()) -> Landmarks | None:
        """Return the landmarks, not seen in some of their spans."""
        return without_spans(sample, parts)

    def landmarks(self, numbers: np.ndarray, times: np.ndarray | None = None) -> Landmarks | None:
        """Return the sample, ``None`` where no point was seen at all.

        :param numbers: float64 ``(n,)``, ``(t, k * d)`` or ``(t, k, d)``, NaN where not seen.
        :param times: ``(t,)`` seconds, ascending; ``None``: by ``fps``.
        :raises ValueError: the numbers do not fit the options, or the times do not fit the numbers.
        """
        points = self._points(numbers)
        if len(points) > MAX_STEPS:
            raise ValueError(f"has {len(points):,} steps, where {MAX_STEPS:,} are read")
        times = np.arange(len(points)) / self.fps if times is None else _checked_times(times, len(points))
        points = np.where(np.isnan(points).any(axis=2, keepdims=True), np.nan, points).astype(np.float32)
        seen = ~np.isnan(points[:, :, 0])
        if not seen.any():
            return None
        if not seen.all():
            with self._lock:
                self._partly += 1
        last = int(np.flatnonzero(seen.any(axis=1))[-1]) + 1  # short rows of a table are filled up with nothing
        return Landmarks(points=points[:last].copy(), times=times[:last].copy())

    def _points(self, numbers: np.ndarray) -> np.ndarray:
        """Return ``(t, k, d)``."""
        if numbers.size == 0:
            return np.empty((0, 1, 2))
        if numbers.ndim == 3:
            return self._nested(numbers)
        if numbers.ndim == 2:
            count, dims = self._widths(numbers.shape[1])
            return self._ordered(numbers, (len(numbers), count, dims))
        count, dims = self.points or 1, self.dims or 2
        if numbers.size % (count * dims):
            raise ValueError(f"holds {numbers.size} numbers, not a multiple of {_product(count, dims)} of a step")
        steps = numbers.size // (count * dims)
        return self._ordered(numbers[None], (1, steps * count, dims)).reshape(steps, count, dims)

    def _nested(self, numbers: np.ndarray) -> np.ndarray:
        """Return points that the cell nests by itself, checked against the options."""
        _, count, dims = numbers.shape
        if self.points is not None and count != self.points:
            raise ValueError(f"has {count} points a step, where {self.points} are expected")
        wanted = self.dims or dims
        if dims not in (2, 3) or dims < wanted:
            raise ValueError(f"has {dims} coordinates a point, where {self.dims or '2 or 3'} are expected")
        return numbers[:, :, :wanted]

    def _widths(self, width: int) -> tuple[int, int]:
        """Return how many points of how many coordinates a step of ``width`` numbers has."""
        fits = [dims for dims in (2, 3) if width % dims == 0 and self.points in (None, width // dims)]
        fits = [dims for dims in fits if self.dims in (None, dims)]
        if not fits:
            count, dims = self.points, self.dims
            expected = _product(count, dims or "2 or 3") if count else f"a multiple of {dims or '2 or 3'}"
            raise ValueError(f"has {width} numbers a step, where {expected} are expected")
        if len(fits) > 1:
            raise ValueError(f"has {width} numbers a step, {width // 2} x 2 or {width // 3} x 3: say decode.dims")
        return width // fits[0], fits[0]

    def _ordered(self, rows: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        """Return flat rows as ``shape``, the coordinates last, whichever order they come in."""
        rows_, count, dims = shape
        if self.order == "planar":
            return rows.reshape(rows_, dims, count).transpose(0, 2, 1)
        return rows.reshape(shape)


def _product(count: int, dims: Any) -> str:
    """Return ``21 points x 2``."""
    return f"{count} point{'s' if count != 1 else ''} x {dims}"


def _checked_times(times: np.ndarray, steps: int) -> np.ndarray:
    """Return times from the first step on.

    :raises ValueError: not one finite number a step, or they do not ascend.
    """
    times = np.asarray(times, np.float64)
    if times.shape != (steps,):
        raise ValueError(f"has {math.prod(times.shape)} times for {steps} steps")
    if not np.isfinite(times).all():
        raise ValueError("has a time that is no number")
    if (np.diff(times) <= 0).any():
        raise ValueError(f"has times that do not ascend (step {int(np.flatnonzero(np.diff(times) <= 0)[0]) + 1})")
    return times - (times[0] if steps else 0.0)
