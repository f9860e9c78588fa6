"""A recording cut as a session cuts live input: how rows to learn from are made of hours of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, DataError, unknown
from mmsdk.stream.answers import cell_of
from mmsdk.stream.detecting import detector_of
from mmsdk.stream.motion import MotionTrack
from mmsdk.stream.voice import VoiceTrack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmsdk.config import Application
    from mmsdk.stream.events import Piece

CHUNK = 0.05  # seconds


def cut_recording(
    application: Application, input: str, data: Any, times: Sequence[float] | None = None
) -> list[tuple[float, float, Any]]:
    """Return the pieces of a recording that a session on this application would ask about.

    Learn from them what a stream really holds: label the pieces of hours in which nobody asked for anything with a
    label of ``idle``.

    :param application: with a ``stream`` block; of a run, ``app.application``.
    :param input: an input of segment ``voice`` or ``motion``.
    :param data: samples ``(n,)`` at the input's rate, or points ``(t, k, d)``.
    :param times: seconds of each step of points; by the input's rate where left out.
    :returns: start, end (seconds from the beginning) and the cell of a table, of each piece.
    :raises ConfigError: no such input, one that has no pieces, or its voice detector cannot be opened.
    """
    settings = application.stream
    if settings is None or input not in settings.inputs:
        raise ConfigError(unknown("input", input, settings.inputs if settings else (), where="stream", listed="Known"))
    own = settings.inputs[input]
    if own.segment == "latest":
        raise ConfigError(f"input {input!r} of the stream is of segment latest, which has no pieces to cut")
    if own.segment == "voice":
        pieces = list(_voice(VoiceTrack(input, settings, Counter(), detector_of(application, input)), settings, data))
    else:
        pieces = list(_motion(input, settings, data, times))
    modality, rate = application.inputs[input].kind, own.rate or 16_000.0
    return [(piece.start, piece.end, cell_of(piece, modality, rate)) for piece in pieces]


def _voice(track: VoiceTrack, settings: Any, data: Any) -> Iterator[Piece]:
    """Yield the pieces of samples."""
    samples = np.asarray(data)
    size = max(round(CHUNK * track.rate), 1)
    for first in range(0, len(samples), size):
        t = first / track.rate
        yield from _over(track.push(samples[first : first + size], t, t + CHUNK))
    yield from _over(track.tick(len(samples) / track.rate + settings.missing + 1, settings.missing))


def _motion(name: str, settings: Any, data: Any, times: Sequence[float] | None) -> Iterator[Piece]:
    """Yield the pieces of points."""
    track = MotionTrack(name, settings, Counter())
    when = np.arange(len(data)) / track.rate if times is None else np.asarray(times, np.float64)
    if len(when) != len(data):
        raise DataError(f"input {name!r} has {len(when)} times for {len(data)} steps")
    for t, points in zip(when.tolist(), data, strict=True):
        yield from _over(track.push(points, t, t))
    end = float(when[-1]) if len(when) else 0.0
    yield from _over(track.tick(end + settings.missing + 1, settings.missing))


def _over(pieces: Sequence[Piece]) -> list[Piece]:
    """Return those that have ended."""
    return [piece for piece in pieces if piece.over]
