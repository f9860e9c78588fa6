"""The sound of a video, gathered as its packets come: mono float32, at most 48,000 samples a second."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import soxr

from mmsdk import Sound

MOST_RATE = 48_000
MAX_RATE = 768_000
MAX_CHANNELS = 64
GAP = 0.05  # seconds without sound that are filled with silence; less is rounding, or what a coder puts in front


class SoundTrack:
    """Blocks of sound up to a limit, each at its time: silence stands where the file has none.

    :param rate: samples a second in the file.
    :param most: seconds that are kept.
    :raises ValueError: the rate is no rate of sound.
    """

    def __init__(self, rate: int, most: float) -> None:
        if not 0 < rate <= MAX_RATE:
            raise ValueError(f"has sound of {rate:,} samples a second, where {MAX_RATE:,} are read")
        self._rate = rate
        self._room = max(round(rate * most), 1)
        self._done = 0
        self._mono = np.empty(0, np.float32)  # grows in place: parts put together at the end would take twice as much
        self._length = 0
        self._converter: Any = None
        self._stream = soxr.ResampleStream(rate, MOST_RATE, 1, dtype="float32") if rate > MOST_RATE else None
        self.more = False

    @property
    def full(self) -> bool:
        """Return whether the limit is reached."""
        return self._done >= self._room

    def add(self, frame: Any, time: float) -> None:
        """Take a frame of sound that begins at ``time`` seconds.

        :raises ValueError: it has too many channels.
        """
        gap = round(time * self._rate) - self._done
        if gap > GAP * self._rate:
            self._take(np.zeros(min(gap, self._room - self._done), np.float32))
        channels = frame.layout.nb_channels
        if channels > MAX_CHANNELS:
            raise ValueError(f"has {channels} channels of sound, where {MAX_CHANNELS} are read")
        for block in self._blocks(frame, channels):
            left = self._room - self._done
            self.more |= block.shape[1] > left
            self._take(np.nan_to_num(block[:, :left].mean(0, dtype=np.float32), posinf=0.0, neginf=0.0))

    def sound(self) -> Sound | None:
        """Return what was gathered; ``None`` where there is not a sample."""
        if self._stream is not None and self._done:
            self._append(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        if not self._length:
            return None
        self._mono.resize(self._length, refcheck=False)
        return Sound(samples=self._mono, rate=min(self._rate, MOST_RATE))

    def _take(self, mono: np.ndarray) -> None:
        """Count a block of the file's own rate and append it."""
        self._done += len(mono)
        if len(mono):
            self._append(mono if self._stream is None else self._stream.resample_chunk(mono))

    def _append(self, mono: np.ndarray) -> None:
        """Append a block, with room for half as much again."""
        end = self._length + len(mono)
        if end > len(self._mono):
            self._mono.resize(end + end // 2, refcheck=False)
        self._mono[self._length : end] = mono
        self._length = end

    def _blocks(self, frame: Any, channels: int) -> list[np.ndarray]:
        """Return the blocks ``(channels, samples)`` float32 of a frame; most coders give them as they are.

        Others are interleaved first: PyAV 18 ends the process where it reads eight planes.
        """
        if frame.format.name == "fltp" and channels <= 2 and frame.sample_rate == self._rate:
            return [frame.to_ndarray()]
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._converter is None or self._converter[0] != kind:  # some files change on the way
            self._converter = kind, av.AudioResampler(format="flt", layout=frame.layout, rate=self._rate)
        return [part.to_ndarray().reshape(-1, channels).T for part in self._converter[1].resample(frame)]
