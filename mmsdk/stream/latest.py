"""The latest thing pushed: a frame or a reading that other inputs are seen beside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmsdk.stream.arrival import Arrival
from mmsdk.stream.events import Piece

if TYPE_CHECKING:
    from collections import Counter

    from mmsdk.config import StreamConfig


class LatestTrack:
    """One input of which only the latest datum counts; it begins no event.

    The datum is a decoded sample of the input's modality: pixels, a text, a vector.
    """

    open_since: float | None = None

    def __init__(self, name: str, settings: StreamConfig, counts: Counter[str]) -> None:
        self._name = name
        self._missing = settings.missing
        self._arrival = Arrival(name, settings.jitter, settings.late, counts)
        self._held: Any = None
        self.last = -math.inf

    def push(self, data: Any, t: float, now: float) -> list[Piece]:
        """Take a datum."""
        for datum in self._arrival.push(data, t, 0.0, now) or self._arrival.passing(math.inf):
            self._held, self.last = datum.value, datum.t
        return []

    def tick(self, now: float, missing: float) -> list[Piece]:
        """Let time pass without data."""
        return []

    def beside(self, start: float, end: float) -> Piece | None:
        """Return the latest datum, unless it is older than ``missing`` seconds."""
        if end - self.last > self._missing:
            return None
        return Piece(input=self._name, start=self.last, end=self.last, data=self._held)
