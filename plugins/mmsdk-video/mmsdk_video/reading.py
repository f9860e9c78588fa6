"""An open file by PyAV: the picture and the sound it holds, its packets in order, and jumps between key frames."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from mmsdk import Media

if TYPE_CHECKING:
    from collections.abc import Iterator

# FFmpeg also reads playlists, which name other files and addresses: only what holds its own streams is let in.
CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo"
PROMISING = ("mov", "matroska", "avi", "flv", "asf")  # their headers state a length; of others it is an estimate
MAX_PIXELS = 1024**3 // 12  # of a frame, as for pictures
MAX_HOURS = 12
DAMAGED = "is truncated or damaged"
USUAL_RATE = 25.0  # frames a second, where a file gives no times


class File:
    """A container with its first video and its first sound; cover pictures of songs are no video.

    :param cell: where it came from, so that it can be opened again.
    :param container: of PyAV.
    :param threads: that decode one picture; 0: as many as there are cores.
    """

    def __init__(self, cell: Media, container: Any, threads: int = 1) -> None:
        self._cell, self._container, self._threads = cell, container, threads
        shown = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
        pictures = [one for one in shown if one.codec_context is not None]
        sounds = [one for one in container.streams.audio if one.codec_context is not None and one.rate]
        self.picture: Any = pictures[0] if pictures else None
        self.sound: Any = sounds[0] if sounds else None
        if shown and not pictures:
            raise ValueError("holds a picture of a coding that is not read")
        if self.picture is None and self.sound is None:
            raise ValueError("holds neither a picture nor sound")
        if self.picture is not None:
            _check_size(self.picture.codec_context)
            self.picture.codec_context.thread_count = threads
            self.picture.codec_context.thread_type = "SLICE" if threads == 1 else "AUTO"
        self._bases = {one.index: float(one.time_base or 1) for one in (*pictures, *sounds)}
        self._start = float((container.start_time or 0) / 1_000_000)
        self.duration = self._duration()
        check_length(self.duration)

    @property
    def promised(self) -> float:
        """Return the seconds that the header states, 0 where it states none."""
        return self.duration if self._container.format.name.startswith(PROMISING) else 0.0

    @property
    def frame_seconds(self) -> float:
        """Return how long a frame lasts, about."""
        return 1 / float((self.picture and self.picture.average_rate) or USUAL_RATE)

    def packets(self, *only: Any) -> Iterator[Any]:
        """Yield the packets of picture and sound from where the file stands; damage ends them as the end does."""
        streams = only or [one for one in (self.picture, self.sound) if one is not None]
        with contextlib.suppress(av.FFmpegError, OSError):
            for packet in self._container.demux(streams):
                if packet.size:  # the last ones are empty: they only flush a decoder
                    yield packet

    def seek(self, seconds: float) -> None:
        """Go to the key frame before a time.

        :raises av.FFmpegError: the container cannot.
        """
        self._container.seek(int((seconds + self._start) * 1_000_000), backward=True)

    def time(self, of: Any, stream: Any, before: float) -> float:
        """Return the time of a frame or packet in seconds from the start.

        :param stream: it is of.
        :param before: time of the one before it; where a file gives no times, the next follows at the usual distance.
        """
        stamp = of.pts if of.pts is not None else of.dts
        return before + self.frame_seconds if stamp is None else stamp * self._bases[stream.index] - self._start

    def seconds(self, packet: Any) -> float:
        """Return how long what a packet holds lasts, 0 where the file does not say."""
        return float((packet.duration or 0) * self._bases[packet.stream.index])

    def again(self) -> contextlib.AbstractContextManager[File]:
        """Close it, and open it once more at its beginning: seeking there misses a packet in some containers."""
        self._container.close()  # two indexes of a long MP4 in memory are one too many
        return open_file(self._cell, self._threads)

    def _duration(self) -> float:
        """Return the seconds of picture and sound, as far as the header states them; else those of the container."""
        whole = float((self._container.duration or 0) / 1_000_000)
        known = [
            float((one.duration + (one.start_time or 0)) * one.time_base) - self._start if one.duration else whole
            for one in (self.picture, self.sound)
            if one is not None
        ]
        return max(*known, 0.0)


def check_length(seconds: float) -> None:
    """Refuse an endless file.

    :raises ValueError: it lasts longer than is read.
    """
    if seconds > MAX_HOURS * 3600:
        raise ValueError(f"lasts {seconds / 3600:.1f} hours, where {MAX_HOURS} are read; cut it")


@contextlib.contextmanager
def open_file(cell: Media, threads: int = 1) -> Iterator[File]:
    """Open a file: by its path, so that FFmpeg reads without Python's lock, where it has one.

    :raises ValueError: it is empty, or no video that is read.
    """
    with cell.open() as stream:
        if not stream.read(1):
            raise ValueError("is an empty file")
        stream.seek(0)
        with _opened(stream if cell.path is None else str(cell.path.absolute())) as container:
            yield File(cell, container, threads)


@contextlib.contextmanager
def open_pipe(stream: Any, threads: int = 1) -> Iterator[File]:
    """Open what can be read once, from its beginning.

    :raises ValueError: it is no video that is read.
    """
    with _opened(_OneWay(stream)) as container:
        yield File(Media(name="the stream", data=b""), container, threads)


class _OneWay:
    """What can be read and nothing else: PyAV would seek in whatever has a ``seek``, also where it only raises."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        found: bytes = self._stream.read(size) or b""
        return found


def _opened(source: Any) -> Any:
    """Return a container of a path or of something to read.

    :raises ValueError: it is no video that is read.
    """
    try:
        return av.open(source, options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"})
    except (av.FFmpegError, ValueError, OSError, IndexError):
        raise ValueError(
            "is no video that is read (MP4, MOV, MKV, WebM, AVI, MPEG, FLV), or its header is damaged"
        ) from None


def _check_size(picture: Any) -> None:
    """Refuse frames that are too large, before one is decoded."""
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(f"has frames of {picture.width:,} x {picture.height:,} pixels, where {MAX_PIXELS:,} are read")
