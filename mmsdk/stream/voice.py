"""Pieces of a voice: what rises over the noise floor between two silences, 10 ms at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, DataError
from mmsdk.stream.arrival import Arrival
from mmsdk.stream.events import Piece
from mmsdk.stream.gate import Gate
from mmsdk.stream.level import Floor
from mmsdk.stream.ring import Ring

if TYPE_CHECKING:
    from collections import Counter

    from mmsdk.config import StreamConfig
    from mmsdk.protocols import VoiceDetector

HOP = 0.01  # seconds
ONSET = 3  # hops of voice in a row that begin a piece: a click has fewer
MARGIN = 0.02  # seconds kept around a piece
ABOVE = 12.0  # dB over the floor
GATED = 2.0  # the same beside a detector, which tells a voice from what else is loud
RISEN = 0.3  # seconds before a detector heard a voice: what became loud since then belongs to it
LEAD = 0.05  # seconds that do, where it was loud for longer
REPAIRED = 0.06  # seconds of lost sound that are filled with what came before; a longer hole is silence
SLACK = 0.015  # seconds by which the times of chunks may be off before that means something


class VoiceTrack:
    """The sound of one input, cut into pieces.

    A hop is voice where its energy lies ``above`` dB over a floor that follows the quietest sound around, and the
    detector, where there is one, takes it for a voice too. A piece begins with three such hops, and ends with ``hang``
    seconds without one.
    """

    def __init__(
        self, name: str, settings: StreamConfig, counts: Counter[str], detector: VoiceDetector | None = None
    ) -> None:
        own = settings.inputs[name]
        if own.vad is not None and detector is None:
            raise ConfigError(f"stream.inputs.{name}.vad is set, and no detector is given: mmsdk.open_session opens it")
        self.name = name
        self.rate = own.rate or 16_000.0
        self._own = own
        self._gate = None if detector is None else Gate(detector, own.likely)
        self._above = own.above or (ABOVE if detector is None else GATED)
        self._arrival = Arrival(name, settings.jitter, settings.late, counts)
        self._counts = counts
        self._ring = Ring(self.rate, own.buffer)
        self._hop = max(round(HOP * self.rate), 1)
        self._rest = np.zeros(0, np.float32)
        self._heard: float | None = None  # the end of the sound cut into hops, once there is any
        self._floor = Floor()
        self._run = 0  # hops of voice in a row
        self._rose: float | None = None  # where the level rose, while it has not fallen since
        self._quiet_since = -math.inf  # the end of the last voice
        self._began: float | None = None
        self._paused = False
        self._alone = True
        self.last = -math.inf

    @property
    def open_since(self) -> float | None:
        """Where the piece in progress begins, if it may become one."""
        return self._began if self._alone else None

    @property
    def busy_since(self) -> float | None:
        """Where the voice in progress began, whatever may become of it."""
        return self._began

    def push(self, data: Any, t: float, now: float) -> list[Piece]:
        """Take samples whose first is of time ``t``; return the pieces that paused or ended.

        :param data: ``(n,)`` or ``(n, channels)``, float of full scale 1 or int16.
        :raises DataError: not samples, not finite, or more than the buffer holds.
        """
        samples = samples_of(data, self.name)
        seconds = len(samples) / self.rate
        if seconds > self._own.buffer:
            raise DataError(
                f"input {self.name!r} was pushed {seconds:.1f} s of sound at once, and its buffer holds "
                f"{self._own.buffer:g} s; push chunks of 10 to 100 ms, or raise stream.inputs.{self.name}.buffer"
            )
        found = []
        for datum in self._arrival.push(samples, t, seconds, now):
            found += self._append(datum.value, datum.t)
        return found

    def tick(self, now: float, missing: float) -> list[Piece]:
        """Let time pass without data."""
        found = []
        for datum in self._arrival.passing(now):
            found += self._append(datum.value, datum.t)
        if self._began is not None and now - self.last > missing:
            found += self._close()
        return found

    def beside(self, start: float, end: float) -> Piece | None:
        """Return nothing: a silence says nothing."""
        return None

    def _append(self, samples: np.ndarray, t: float) -> list[Piece]:
        """Put a chunk in its place; what is lost before it is filled, what is there already is left out."""
        found: list[Piece] = []
        if self._heard is None or t - self._end > self._own.buffer:
            found += self._close() if self._began is not None else []
            self._ring.restart(t)
            self._heard, self._rest = t, np.zeros(0, np.float32)
            if self._gate is not None:
                self._gate.restart(t)
        off = t - self._end
        if off > SLACK:
            found += self._hops(self._filling(off), real=False)
        elif off < -SLACK:
            samples = samples[min(round(-off * self.rate), len(samples)) :]
        self.last = t + len(samples) / self.rate
        return found + self._hops(samples)

    @property
    def _end(self) -> float:
        """The time after the last sample, those included that are not cut into hops yet."""
        return (self._heard or 0.0) + len(self._rest) / self.rate

    def _filling(self, seconds: float) -> np.ndarray:
        """Return what stands for lost sound: what came before, or silence where it is long."""
        self._counts["lost"] += 1
        count = round(seconds * self.rate)
        before = self._ring.read(self._ring.end - seconds, self._ring.end)
        if seconds > REPAIRED or not len(before):
            return np.zeros(count, np.float32)
        return np.resize(before, count)

    def _hops(self, samples: np.ndarray, *, real: bool = True) -> list[Piece]:
        """Cut samples into hops and follow them; what was filled in is no voice and moves no floor."""
        if self._gate is not None:
            self._gate.hear(samples)
        whole = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        count = len(whole) // self._hop
        cut, self._rest = whole[: count * self._hop], whole[count * self._hop :]
        if not count:
            return []
        self._ring.write(cut)
        energy = np.einsum("th,th->t", *[cut.reshape(count, self._hop)] * 2) / self._hop
        found = []
        for level in (10 * np.log10(energy + 1e-12)).tolist():
            assert self._heard is not None
            self._heard += self._hop / self.rate
            found += self._follow(self._voiced(level, real=real))
        return found

    def _follow(self, voiced: bool) -> list[Piece]:
        """Take one more hop."""
        self._run = self._run + 1 if voiced else 0
        assert self._heard is not None
        if self._began is None:
            if self._run >= ONSET:
                self._begin(self._start(self._heard - self._run * self._hop / self.rate))
            return []
        if voiced:
            self._quiet_since, self._paused = self._heard, False
            return []
        quiet = self._heard - self._quiet_since + 1e-9
        if quiet >= self._own.hang:
            return self._close()
        if not self._paused and quiet >= self._own.hang / 2:
            self._paused = True
            return self._piece(over=False)
        return []

    def _voiced(self, level: float, *, real: bool) -> bool:
        """Return whether a hop is voice."""
        assert self._heard is not None
        loud = real and self._floor.over(level) > self._above
        if self._gate is None:
            return loud
        if not loud:
            self._rose = None
        elif self._rose is None:
            self._rose = self._heard - self._hop / self.rate
        return self._gate.open(self._heard) and loud

    def _start(self, voiced: float) -> float:
        """Return where a piece begins whose voice was heard from a time on.

        A detector hears a voice late, and a soft consonant not at all: where it just became loud, that belongs to it.
        """
        if self._gate is None or self._rose is None:
            return voiced
        start = self._rose if voiced - self._rose <= RISEN else voiced - LEAD
        return max(start, self._quiet_since, self._ring.start)

    def _begin(self, start: float) -> None:
        """Note where a piece begins, and whether it stands alone."""
        self._alone = start - self._quiet_since >= self._own.before - 1e-9
        self._counts["joined"] += not self._alone
        self._began, self._paused, self._quiet_since = start, False, self._heard or start

    def _close(self) -> list[Piece]:
        """End the piece."""
        found = self._piece(over=True)
        self._began, self._alone, self._run = None, True, 0
        return found

    def _piece(self, *, over: bool) -> list[Piece]:
        """Return the piece, unless it is too short or too long or does not stand alone."""
        assert self._began is not None
        seconds = self._quiet_since - self._began
        if not self._alone:
            return []
        if not self._own.shortest <= seconds <= self._own.longest:
            self._counts["short" if seconds < self._own.shortest else "long"] += over
            return []
        start, end = max(self._began - MARGIN, self._ring.start), min(self._quiet_since + MARGIN, self._ring.end)
        return [
            Piece(
                input=self.name, start=self._began, end=self._quiet_since, data=self._ring.read(start, end), over=over
            )
        ]


def samples_of(data: Any, name: str) -> np.ndarray:
    """Return samples ``(n,)`` float32 of full scale 1.

    :raises DataError: not numbers, or not finite.
    """
    found = np.asarray(data)
    if found.ndim == 2:
        found = found.mean(axis=1) if found.dtype.kind == "f" else found.mean(axis=1).astype(found.dtype)
    if found.ndim != 1 or not (found.dtype.kind == "f" or found.dtype == np.int16):
        raise DataError(
            f"input {name!r} was pushed {found.dtype} {found.shape}, expected samples (n,) or (n, channels) of "
            "float or int16"
        )
    scaled: np.ndarray = found.astype(np.float32) / (32768.0 if found.dtype == np.int16 else 1.0)
    if not np.isfinite(scaled).all():
        raise DataError(f"input {name!r} was pushed samples that are NaN or infinite")
    return scaled
