"""The one clock of a session: the machine's, or one that only moves when it is told to."""

from __future__ import annotations

import time
from typing import Protocol

from mmsdk.errors import DataError


class Clock(Protocol):
    """Tells the time in seconds; it never goes back."""

    def now(self) -> float:
        """Return the present."""
        ...


class RealClock:
    """Seconds since it was made, by the machine's steady clock."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def now(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self._start


class VirtualClock:
    """A clock that stands until it is moved: hours of a stream pass in seconds, and always alike."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return where it stands."""
        return self._now

    def advance(self, to: float) -> None:
        """Move it.

        :raises DataError: back.
        """
        if to < self._now:
            raise DataError(f"the clock stands at {self._now:g} s and cannot go back to {to:g} s")
        self._now = to
