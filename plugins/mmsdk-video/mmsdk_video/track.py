"""The sound of a video, gathered as its packets come: mono float32, at most 48,000 samples a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr

from mmsdk import Sound

MAX_RATE = 48_000
MAX_CHANNELS = 64


class SoundTrack:
    """Blocks of sound up to a limit.

    :param rate: samples a second in the file.
    :param most: seconds that are kept.
    """

    def __init__(self, rate: int, most: float) -> None:
        self._rate = rate
        self._left = max(round(rate * most), 1)
        self._done = 0
        self._parts: list[np.ndarray] = []
        self._resampler: Any = None
        self.more = False

    @property
    def full(self) -> bool:
        """Return whether the limit is reached."""
        return self._left <= 0

    def add(self, frame: Any) -> float:
        """Take a frame of sound; return the time in seconds that it reaches."""
        import av

        self._done += frame.samples
        if self.full:
            self.more = True
            return self._done / self._rate
        if self._resampler is None:
            self._resampler = av.AudioResampler(format="fltp", layout=frame.layout, rate=self._rate)
        for part in self._resampler.resample(frame):
            block = part.to_ndarray()
            if len(block) > MAX_CHANNELS:
                raise ValueError(f"has {len(block)} channels of sound, where {MAX_CHANNELS} are read")
            mono = np.nan_to_num(block.mean(0, dtype=np.float32))[: max(self._left, 0)]
            self._left -= block.shape[1]
            self._parts.append(mono)
        return self._done / self._rate

    def sound(self) -> Sound | None:
        """Return what was gathered; ``None`` where there is not a sample."""
        whole = np.concatenate(self._parts) if self._parts else np.zeros(0, np.float32)
        if not len(whole):
            return None
        if self._rate > MAX_RATE:
            whole = soxr.resample(whole, self._rate, MAX_RATE)
        return Sound(samples=np.ascontiguousarray(whole, np.float32), rate=min(self._rate, MAX_RATE))
