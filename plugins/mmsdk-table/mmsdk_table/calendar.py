"""The encoder ``calendar``: a date on the circles of the year, the week and the day, and on the line of time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EPOCH = dt.datetime(1970, 1, 1)
DAY = 86_400.0


class Calendar:
    """Dates to ``(n, 7)``: sine and cosine of the day of the year, of the weekday and of the hour; scaled time.

    A date without a time of day counts as midnight. Time is in standard deviations from the mean of the training rows.
    """

    dim = 7

    def __init__(self) -> None:
        self._mean = 0.0
        self._scale = 1.0

    def fit(self, batch: Sequence[dt.datetime], modality: str) -> None:
        """Learn mean and spread of time, in days."""
        days = _days(batch)
        if len(days):
            self._mean = float(days.mean())
            self._scale = float(days.std()) or 1.0

    def encode(self, batch: Sequence[dt.datetime], modality: str) -> np.ndarray:
        """Return ``(n, 7)`` float32."""
        year = np.array([(moment.timetuple().tm_yday - 1) / 366 for moment in batch])
        days = _days(batch)
        week = (np.floor(days) + 3) % 7 / 7  # 1970-01-01 was a Thursday
        turns = 2 * np.pi * np.stack([year, week, days % 1], axis=1)
        line = (days - self._mean)[:, None] / self._scale
        return np.hstack([np.sin(turns), np.cos(turns), line]).astype(np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return mean and spread."""
        return {"mean": self._mean, "scale": self._scale}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._mean, self._scale = state["mean"], state["scale"]


def _days(batch: Sequence[dt.datetime]) -> np.ndarray:
    """Return days since 1970, float64; by subtraction, so that the machine's time zone plays no part."""
    return np.array([(moment - EPOCH).total_seconds() / DAY for moment in batch], np.float64)
