"""The encoder ``series``: a vector of measurements in time as its level, its course, its rhythm and its length."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence

GRID = 128  # steps to which every series is brought
WAVES = 24  # half waves of the course, slowest first
SEGMENTS = 8
LEVELS = (5, 25, 50, 75, 95)
STEEPNESS = (5, 25, 75, 95)
BANDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 52, GRID // 2 + 1)  # cycles a series
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)  # steps
PART = 4 + 2 + len(LEVELS) + 2 + len(STEEPNESS) + WAVES + 2 * SEGMENTS + len(BANDS) - 1 + len(LAGS)
FAR = 1e30  # far from float32's end, so that no sum or square overflows


class Series:
    """Vectors of one measurement at equal steps of time, of any lengths, to ``(n, 3 + 81 x parts)``; nothing is fitted.

    How long it is, its least value and its greatest. Then, of each part: where it begins and ends, how long it is, how
    much of it is above its level (4); mean, spread, percentiles and the steepness of its steps (13); its course as the
    slowest 24 waves of a cosine transform, and mean and spread of eight equal segments; the logarithm of its power in
    11 bands; its autocorrelation at 13 lags. A part is brought to 128 steps, so that what begins later or lasts longer
    still compares.

    :param padding: the value that fills short series up at their end; it is cut off. Left out, nothing is padding.
    :param trim: the parts. Each is what is left where the beginning and the end below a level are cut off: the share of
        the way from the least value to the 90th percentile. 0 is the whole.
    """

    batch_size = 256

    def __init__(self, padding: float | None = None, trim: Sequence[float] = (0.0, 0.25, 0.5)) -> None:
        if padding is not None and not _number(padding):
            raise EncoderError(f"encoder 'series': padding is {padding!r}, expected a number")
        if not isinstance(trim, list | tuple) or not trim or not all(_number(one) and 0 <= one < 1 for one in trim):
            raise EncoderError(f"encoder 'series': trim is {trim!r}, expected a list of numbers from 0 to below 1")
        self.padding = padding
        self.trim = tuple(trim)
        self.dim = 3 + PART * len(self.trim)

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        return np.stack([self._row(np.clip(np.asarray(one, np.float64), -FAR, FAR)) for one in batch])

    def _row(self, values: np.ndarray) -> np.ndarray:
        """Return the numbers of one series."""
        values = _unpadded(values, self.padding)
        frame = np.array([len(values), values.min(), values.max()])
        found = np.concatenate([frame, *(_part(values, share) for share in self.trim)])
        row: np.ndarray = np.clip(found, -FAR, FAR).astype(np.float32)
        return row


def _number(value: object) -> bool:
    """Return whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(values: np.ndarray, share: float) -> np.ndarray:
    """Return the 81 numbers of the part between the first and the last value above a level."""
    low, high = values.min(), np.percentile(values, 90)
    active = values >= low + share * (high - low)
    first, last = np.flatnonzero(active)[[0, -1]]
    course = _on_grid(values[first : last + 1])
    place = np.array([first, last + 1, last + 1 - first, active.mean()])
    return np.concatenate([place, _levels(course), _steps(course), _course(course), _rhythm(course)])


def _unpadded(values: np.ndarray, padding: float | None) -> np.ndarray:
    """Return a series without what fills its end up; one value stays."""
    if padding is None:
        return values
    kept = np.flatnonzero(values != padding)
    return values[: kept[-1] + 1] if len(kept) else values[:1]


def _on_grid(values: np.ndarray) -> np.ndarray:
    """Return a series at 128 equal steps, by straight lines between its values."""
    grid: np.ndarray = np.interp(np.linspace(0, len(values) - 1, GRID), np.arange(len(values)), values)
    return grid


def _levels(course: np.ndarray) -> np.ndarray:
    """Return mean, spread and percentiles."""
    return np.concatenate([[course.mean(), course.std()], np.percentile(course, LEVELS)])


def _steps(course: np.ndarray) -> np.ndarray:
    """Return how steep it is: mean size and spread of its steps, and their percentiles."""
    steps = np.diff(course)
    return np.concatenate([[np.abs(steps).mean(), steps.std()], np.percentile(steps, STEEPNESS)])


def _course(course: np.ndarray) -> np.ndarray:
    """Return the slowest waves, and mean and spread of each segment."""
    segments = course.reshape(SEGMENTS, -1)
    return np.concatenate([_cosines() @ course, segments.mean(1), segments.std(1)])


def _rhythm(course: np.ndarray) -> np.ndarray:
    """Return the logarithm of the power in each band, and the autocorrelation; a flat series has none."""
    moved = course - course.mean()
    power = np.abs(np.fft.rfft(moved * np.hanning(GRID))) ** 2
    bands = np.log(np.add.reduceat(power[: BANDS[-1]], BANDS[:-1]) + 1e-6)
    twice = np.fft.irfft(np.abs(np.fft.rfft(moved, 2 * GRID)) ** 2)
    return np.concatenate([bands, twice[list(LAGS)] / (twice[0] + 1e-9)])


@functools.cache
def _cosines() -> np.ndarray:
    """Return the ``(24, 128)`` waves of the cosine transform (DCT-II) after the constant one, of root mean square 1."""
    middle = (np.arange(GRID) + 0.5) / GRID
    waves: np.ndarray = np.sqrt(2) * np.cos(np.pi * np.arange(1, WAVES + 1)[:, None] * middle) / GRID
    return waves
