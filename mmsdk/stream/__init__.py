"""The streaming runtime: live data of several inputs in, events out."""

from __future__ import annotations

from mmsdk.stream.clock import Clock, RealClock, VirtualClock
from mmsdk.stream.cutting import cut_recording
from mmsdk.stream.events import Event, Piece
from mmsdk.stream.opening import open_session
from mmsdk.stream.playing import play_recordings
from mmsdk.stream.session import Session
from mmsdk.stream.teaching import teach

__all__ = [
    "Clock",
    "Event",
    "Piece",
    "RealClock",
    "Session",
    "VirtualClock",
    "cut_recording",
    "open_session",
    "play_recordings",
    "teach",
]
