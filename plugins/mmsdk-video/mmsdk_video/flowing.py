"""A recording piece by piece: frames and sound in the order of the file, whatever its length, a pipe too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import soxr

from mmsdk import Media, Moment, Sound
from mmsdk_video.canvas import Canvas
from mmsdk_video.index import check_end
from mmsdk_video.reading import DAMAGED, check_length, open_file, open_pipe
from mmsdk_video.track import MAX_RATE, MOST_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_video.reading import File

EARLY = 1e-3  # seconds a frame may come before its turn: times are rounded


def flow(source: Any, *, rate: float | None, size: int, sound: bool, threads: int) -> Iterator[Moment]:
    """Yield moments.

    :param source: a :class:`mmsdk.Media`, or a binary stream.
    :param rate: frames a second at the most; ``None``: all.
    :raises ValueError: no video that is read; after all that could be read, one that ends before its time.
    """
    opened = open_file(source, threads) if isinstance(source, Media) else open_pipe(source, threads)
    with opened as file:
        yield from _Flow(file, rate, size, sound=sound).moments()


class _Flow:
    """One pass over a file."""

    def __init__(self, file: File, rate: float | None, size: int, *, sound: bool) -> None:
        self._file, self._rate = file, rate
        self._canvas = Canvas(size, None if file.picture is None else file.picture.sample_aspect_ratio)
        self._sound = file.sound if sound else None
        if self._sound is not None and not 0 < self._sound.rate <= MAX_RATE:
            raise ValueError(f"has sound of {self._sound.rate:,} samples a second, where {MAX_RATE:,} are read")
        self._next = 0.0
        self._at = self._heard = 0.0

    def moments(self) -> Iterator[Moment]:
        """Yield what the packets hold, then what the decoder still holds."""
        streams = [one for one in (self._file.picture, self._sound) if one is not None]
        for packet in self._file.packets(*streams):
            yield from self._decoded(packet, packet.stream)
        for stream in streams:
            yield from self._decoded(None, stream)
        self._check_end()

    def _decoded(self, packet: Any, stream: Any) -> Iterator[Moment]:
        """Yield the moments of a packet; one that cannot be decoded has none."""
        try:
            frames = stream.codec_context.decode(packet)
        except (av.FFmpegError, OSError):
            return
        for frame in frames:
            if stream is self._file.picture:
                yield from self._seen(frame)
            else:
                yield from self._played(frame)

    def _seen(self, frame: Any) -> Iterator[Moment]:
        """Yield a frame where it is its turn."""
        self._at = max(self._file.time(frame, self._file.picture, self._at), 0.0)
        check_length(self._at)
        if self._at < self._next - EARLY:
            return
        if self._rate is not None:
            self._next = max(self._next + 1 / self._rate, self._at + 0.5 / self._rate)
        yield Moment(time=self._at, frame=self._canvas.paint(frame))

    def _played(self, frame: Any) -> Iterator[Moment]:
        """Yield a block of sound: mono, at most 48,000 samples a second."""
        time = self._heard if frame.pts is None else max(self._file.time(frame, self._sound, 0.0), 0.0)
        rate = int(frame.sample_rate)
        self._heard = time + frame.samples / rate
        mono = _mono(frame)
        if rate > MOST_RATE:
            mono, rate = soxr.resample(mono, rate, MOST_RATE), MOST_RATE
        if len(mono):
            yield Moment(time=time, sound=Sound(samples=mono, rate=rate))

    def _check_end(self) -> None:
        """Refuse, at the end, a file that stops before its time.

        :raises ValueError: it does, or nothing could be decoded.
        """
        end = max(self._at, self._heard)
        if end == 0.0 and self._next == 0.0:
            raise ValueError(f"{DAMAGED}: nothing of it can be decoded")
        check_end(end, self._file.promised)


def _mono(frame: Any) -> np.ndarray:
    """Return ``(t,)`` float32 of a frame of any kind of sound."""
    converter = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
    channels = frame.layout.nb_channels
    parts = [part.to_ndarray().reshape(-1, channels).mean(1, dtype=np.float32) for part in converter.resample(frame)]
    return np.nan_to_num(np.concatenate(parts), posinf=0.0, neginf=0.0) if parts else np.zeros(0, np.float32)
