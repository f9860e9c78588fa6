"""Passes over a file: one that decodes what the wanted frames need, one that jumps from key frame to key frame."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from mmsdk_video.index import ENOUGH, check_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_video.index import Index
    from mmsdk_video.reading import File
    from mmsdk_video.sampling import Picker, TimePicker
    from mmsdk_video.track import SoundTrack


class Pass:
    """Decodes packets, each at most once, and shows the frames to a picker and to a sound track.

    ``failed`` counts packets that cannot be decoded; they are passed over.
    """

    def __init__(self, picker: Picker | None, track: SoundTrack | None) -> None:
        self._picker, self._track = picker, track
        self._at = 0.0
        self._heard = 0.0
        self._fed = False  # the decoder may hold frames back
        self.failed = 0

    def over(self, index: Index, needed: np.ndarray, *, keys: bool = False) -> None:
        """Decode the needed packets of the picture, and the sound up to its limit.

        :param needed: ``(index.count,)`` bool.
        :param keys: of the needed packets decode key frames only.
        """
        last = int(np.flatnonzero(needed)[-1]) if needed.any() else -1
        number = -1
        with index.packets() as (file, packets):
            if keys and file.picture is not None:
                file.picture.codec_context.skip_frame = "NONKEY"
            for packet in packets:
                if packet.stream is not file.picture:
                    self._hear(file, packet)
                else:
                    number += 1
                    if number <= last:
                        self._see(file, packet, needed=bool(needed[number]))
                if number >= last and self._heard_enough:
                    break
            self._drain(file)

    def listen(self, file: File) -> None:
        """Decode the sound up to its limit, and nothing else."""
        for packet in file.packets(file.sound):
            self._hear(file, packet)
            if self._heard_enough:
                return

    @property
    def _heard_enough(self) -> bool:
        """Return whether no sound is wanted any more."""
        return self._track is None or self._track.more

    def _see(self, file: File, packet: Any, *, needed: bool) -> None:
        """Decode a packet of the picture; where one is passed over, end what was decoded before it."""
        if needed:
            self._fed = True
            self._show(file, self._decoded(packet))
        elif self._fed:
            self._drain(file)
            file.picture.codec_context.flush_buffers()

    def _drain(self, file: File) -> None:
        """Show the frames that the decoder still holds."""
        if self._fed:
            self._fed = False
            with contextlib.suppress(av.FFmpegError):
                self._show(file, iter(file.picture.codec_context.decode(None)))

    def _show(self, file: File, frames: Iterator[Any]) -> None:
        """Show frames to the picker."""
        for frame in frames:
            self._at = file.time(frame, file.picture, self._at)
            if self._picker is not None:
                self._picker.see(frame, max(self._at, 0.0))

    def _hear(self, file: File, packet: Any) -> None:
        """Decode a packet of sound, unless the limit is reached."""
        track = self._track
        if track is None:
            return
        if track.full:
            track.more = True
            return
        for frame in self._decoded(packet):
            stamp = self._heard if frame.pts is None else file.time(frame, file.sound, 0.0)
            self._heard = stamp + frame.samples / max(frame.sample_rate, 1)
            track.add(frame, stamp)

    def _decoded(self, packet: Any) -> Iterator[Any]:
        """Yield the frames of a packet; one that is damaged has none."""
        try:
            yield from packet.decode()
        except (av.FFmpegError, OSError):
            self.failed += 1


def jump(file: File, wanted: np.ndarray, picker: TimePicker) -> None:
    """Keep the key frame before each wanted time; nothing else of the picture is decoded.

    :raises ValueError: the file ends long before its header says.
    :raises av.FFmpegError: the container cannot be sought.
    """
    _check_reaches(file)
    context = file.picture.codec_context
    for time in wanted:
        file.seek(time)
        context.flush_buffers()
        if (frame := _first(file, context)) is not None:
            picker.keep(frame, max(file.time(frame, file.picture, time), 0.0))


def _first(file: File, context: Any) -> Any:
    """Return the first frame that can be decoded from where the file stands."""
    for packet in file.packets():
        if packet.stream is file.picture and packet.is_keyframe:
            with contextlib.suppress(av.FFmpegError):
                for frame in [*context.decode(packet), *context.decode(None)]:
                    return frame
    return None


def _check_reaches(file: File) -> None:
    """Refuse a file whose end is not there: packets are read, none is decoded."""
    goal, end = ENOUGH * file.promised, 0.0
    file.seek(goal)
    for packet in file.packets():
        end = max(end, file.time(packet, packet.stream, end))
        if end >= goal:
            return
    check_end(end, file.promised)
