"""Recordings played to a session as if they came live, on a virtual clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import resample_poly

from mmsdk.errors import ConfigError, DataError, unknown
from mmsdk.protocols import Landmarks, Sound
from mmsdk.stream.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.stream.events import Event
    from mmsdk.stream.session import Session

CHUNK = 0.02  # seconds of sound at once
TICK = 0.02


def play_recordings(session: Session, recordings: Mapping[str, Sound | Landmarks]) -> Iterator[Event]:
    """Push recordings in the order of their times; yield the events.

    :param session: on a :class:`mmsdk.VirtualClock`.
    :param recordings: input to what was recorded; all begin at the same time.
    :raises ConfigError: the session's clock is not virtual.
    :raises DataError: an input that is not there, or a recording of another kind.
    """
    clock = session.clock
    if not isinstance(clock, VirtualClock):
        raise ConfigError("recordings are replayed on a virtual clock: open_session(app, clock=mmsdk.VirtualClock())")
    start = clock.now()
    parcels: list[tuple[float, str, Any, float]] = []
    for name, recording in recordings.items():
        parcels += _parcels(session, name, recording)
    for arrival, name, data, t in sorted(parcels, key=lambda one: one[0]):
        clock.advance(max(start + arrival, clock.now()))
        yield from session.push(name, data, start + t)
    settings = session.settings
    longest = settings.wait + max(own.longest for own in settings.inputs.values()) + settings.missing
    for _ in range(math.ceil(longest / TICK) + 1):  # until nothing is waited for
        clock.advance(clock.now() + TICK)
        yield from session.tick()


def _parcels(session: Session, name: str, recording: Sound | Landmarks) -> Iterator[tuple[float, str, Any, float]]:
    """Yield arrival, input, data and time of what a recording is pushed as."""
    own = session.settings.inputs.get(name)
    if own is None:
        raise DataError(unknown("input", name, session.settings.inputs, where="stream", listed="Known"))
    if own.segment == "voice" and isinstance(recording, Sound):
        rate = round(own.rate or 16_000)
        samples = resampled(recording, rate)
        size = max(round(CHUNK * rate), 1)
        for first in range(0, len(samples), size):
            part = samples[first : first + size]
            yield (first + len(part)) / rate, name, part, first / rate
    elif own.segment == "motion" and isinstance(recording, Landmarks):
        for t, points in zip(recording.times.tolist(), recording.points, strict=True):
            yield t, name, points, t
    else:
        raise DataError(
            f"input {name!r} is of segment {own.segment} and was given {type(recording).__name__}; a voice is a "
            "Sound, a motion Landmarks"
        )


def resampled(sound: Sound, rate: int) -> np.ndarray:
    """Return the samples of a sound at another rate, ``(n,)`` float32."""
    if sound.rate == rate:
        return sound.samples
    step = math.gcd(sound.rate, rate)
    found: np.ndarray = resample_poly(sound.samples, rate // step, sound.rate // step).astype(np.float32)
    return found
