"""An open file by PyAV: what it holds, one pass over its packets, and jumps between key frames."""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from mmsdk_video.sampling import Picker
    from mmsdk_video.track import SoundTrack

# FFmpeg also reads playlists, which name other files and addresses: only what holds its own streams is let in.
CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo"
MAX_PIXELS = 1024**3 // 12  # of a frame, as for pictures
MAX_HOURS = 12
MAX_CHANNELS = 64
DAMAGED = "is truncated or damaged"
ENOUGH = 0.9  # of the length that the header promises; a file that ends before is truncated
SLACK = 1.0  # seconds


class File:
    """A container with its first video and its first sound.

    :param container: of PyAV.
    """

    def __init__(self, container: Any) -> None:
        self._container = container
        streams = container.streams
        pictures = [one for one in streams.video if one.codec_context is not None]
        sounds = [one for one in streams.audio if one.codec_context is not None and one.rate]
        self._picture = pictures[0] if pictures else None
        self._sound = sounds[0] if sounds else None
        self.has_picture, self.has_sound = self._picture is not None, self._sound is not None
        if not (self.has_picture or self.has_sound):
            raise ValueError("holds neither a picture nor sound")
        if self._picture is not None:
            self._check(self._picture)
            self._picture.thread_type = "AUTO"
        self.sound_rate = int(self._sound.rate) if self._sound is not None else 0
        self._start = float((container.start_time or 0) / 1_000_000)
        self.duration = self._duration()
        if self.duration > MAX_HOURS * 3600:
            raise ValueError(f"lasts {self.duration / 3600:.1f} hours, where {MAX_HOURS} are read; cut it")

    def read(self, picker: Picker | None, track: SoundTrack | None) -> None:
        """Decode the file once; the picker is shown every frame and its time, the track every block of sound.

        :raises ValueError: it ends long before its header says, or cannot be decoded.
        """
        streams = [
            one
            for one, wanted in ((self._picture, picker), (self._sound, track))
            if one is not None and wanted is not None
        ]
        if not streams:
            return
        last = 0.0
        with _told():
            for packet in self._container.demux(streams):
                last = max(last, self._packet(packet, picker, track))
                if picker is None and track is not None and track.full:
                    return
        if picker is not None or not self.has_picture:
            self._check_end(last)

    def seek_frames(self, picker: Picker) -> None:
        """Show the picker the key frame before each wanted time."""
        self._picture.codec_context.skip_frame = "NONKEY"
        for wanted in picker.wanted:
            with _told():
                self._container.seek(int((wanted + self._start) * 1_000_000), backward=True)
                frame = next(self._container.decode(self._picture), None)
            if frame is not None:
                picker.keep(frame, self._time(frame))
        self._picture.codec_context.skip_frame = "DEFAULT"

    def rewind(self) -> None:
        """Go back to the beginning."""
        with _told():
            self._container.seek(int(self._start * 1_000_000), backward=True)

    def _packet(self, packet: Any, picker: Picker | None, track: SoundTrack | None) -> float:
        """Hand on what a packet holds; return the time it reaches."""
        reached = 0.0
        for frame in packet.decode():
            if packet.stream is self._picture and picker is not None:
                reached = self._time(frame)
                picker.see(frame, reached)
            elif track is not None:
                reached = track.add(frame)
        return reached

    def _check_end(self, last: float) -> None:
        """Refuse a file of which a good part is not there."""
        if last < ENOUGH * self.duration - SLACK:
            raise ValueError(f"{DAMAGED}: it ends after {last:.1f} of {self.duration:.1f} seconds")

    def _time(self, frame: Any) -> float:
        """Return the time of a frame in seconds from the start."""
        return max(float(frame.time or 0.0) - self._start, 0.0)

    def _duration(self) -> float:
        """Return the length in seconds: the container's, else the longest of its streams."""
        if self._container.duration:
            return float(self._container.duration / 1_000_000)
        known = [
            float(one.duration * one.time_base)
            for one in (self._picture, self._sound)
            if one is not None and one.duration is not None
        ]
        return max(known, default=0.0)

    @staticmethod
    def _check(picture: Any) -> None:
        """Refuse frames that are too large, before one is decoded."""
        width, height = picture.codec_context.width, picture.codec_context.height
        if width * height > MAX_PIXELS:
            raise ValueError(f"has frames of {width:,} x {height:,} pixels, where {MAX_PIXELS:,} are read")


@contextlib.contextmanager
def open_file(stream: io.BufferedIOBase) -> Iterator[File]:
    """Open a file.

    :raises ValueError: it is empty, or no video that is read.
    """
    import av

    if not stream.read(1):
        raise ValueError("is an empty file")
    stream.seek(0)
    try:
        container = av.open(cast("IO[bytes]", stream), options={"format_whitelist": CONTAINERS})
    except (av.FFmpegError, ValueError, OSError, IndexError):
        raise ValueError(
            "is no video that is read (MP4, MOV, MKV, WebM, AVI, MPEG, FLV), or its header is damaged"
        ) from None
    with container:
        yield File(container)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say in one sentence what FFmpeg cannot decode."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{DAMAGED} ({reason})") from error
