"""What arrives, put in order: overtaken data is waited for a little, late data is dropped and counted."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections import Counter

AHEAD = 5.0  # seconds; a datum further in the future was timed by another clock
HELD = 4096  # data that wait at most: a sender cannot fill the memory


class Datum(NamedTuple):
    """One thing pushed.

    :param t: when it begins.
    :param order: of arrival, between data of one time.
    :param seconds: how long it lasts: what follows it is due then.
    """

    t: float
    order: int
    seconds: float
    value: Any


class Arrival:
    """Sorts the data of one input by time.

    Data in time passes at once. Where something is missing between, what comes after waits ``jitter`` seconds for it,
    and then passes without. What comes too late for its place, or more than ``late`` seconds after its time, is
    dropped.
    """

    def __init__(self, name: str, jitter: float, late: float, counts: Counter[str]) -> None:
        self._name = name
        self._jitter = jitter
        self._late = late
        self._counts = counts
        self._held: list[tuple[Datum, float]] = []
        self._order = 0
        self._due = -math.inf
        self._passed = -math.inf

    def push(self, value: Any, t: float, seconds: float, now: float) -> list[Datum]:
        """Return what may pass, in order.

        :raises DataError: a time that is not finite, or too far ahead.
        """
        if not math.isfinite(t):
            raise DataError(
                f"input {self._name!r} was pushed with the time {t}, expected seconds on the session's clock"
            )
        if t > now + AHEAD:
            raise DataError(
                f"input {self._name!r} was pushed with the time {t:.3f}, {t - now:.1f} s ahead of the session's clock; "
                "give times of session.clock.now(), or none"
            )
        if t <= self._passed or t + seconds < now - self._late:
            self._counts["late"] += 1
            return []
        self._order += 1
        heapq.heappush(self._held, (Datum(t, self._order, seconds, value), now))
        return self.passing(now)

    def passing(self, now: float) -> list[Datum]:
        """Return what has waited long enough, or need not wait."""
        found = []
        while self._held:
            datum, came = self._held[0]
            due = datum.t <= self._due + datum.seconds / 2 or self._due == -math.inf
            if not due and now - came < self._jitter and len(self._held) < HELD:
                break
            heapq.heappop(self._held)
            if datum.t > self._passed:
                found.append(datum)
                self._passed = datum.t
                self._due = max(self._due, datum.t + datum.seconds)
            else:
                self._counts["twice"] += 1
        return found
