"""A ring of samples: the last seconds of a sound by their time, in memory that never grows."""

from __future__ import annotations

import numpy as np


class Ring:
    """Samples of one rate without holes, addressed by time.

    :param rate: samples a second.
    :param seconds: how many are kept.
    """

    def __init__(self, rate: float, seconds: float) -> None:
        self.rate = rate
        self._samples = np.zeros(max(int(np.ceil(rate * seconds)), 1), np.float32)
        self._origin = 0.0
        self._count = 0

    def restart(self, t: float) -> None:
        """Forget everything; the next sample is of time ``t``."""
        self._origin, self._count = t, 0

    @property
    def end(self) -> float:
        """The time after the last sample."""
        return self._origin + self._count / self.rate

    @property
    def start(self) -> float:
        """The time of the oldest sample that is kept."""
        return self.end - min(self._count, len(self._samples)) / self.rate

    def write(self, samples: np.ndarray) -> None:
        """Add samples ``(n,)`` at the end; the oldest make room."""
        kept = samples[-len(self._samples) :]
        first = (self._count + len(samples) - len(kept)) % len(self._samples)
        part = min(len(kept), len(self._samples) - first)
        self._samples[first : first + part] = kept[:part]
        self._samples[: len(kept) - part] = kept[part:]
        self._count += len(samples)

    def read(self, start: float, end: float) -> np.ndarray:
        """Return a copy of the samples between two times, as far as they are kept, ``(n,)`` float32."""
        first = max(round((start - self._origin) * self.rate), self._count - len(self._samples), 0)
        last = min(round((end - self._origin) * self.rate), self._count)
        if last <= first:
            return np.zeros(0, np.float32)
        places = np.arange(first, last) % len(self._samples)
        return self._samples[places]
