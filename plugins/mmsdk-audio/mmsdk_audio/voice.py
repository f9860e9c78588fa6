"""Voice activity: by loudness, which needs nothing, or by a detector that answers a probability every 32 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from mmsdk import Sound

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW, HOP = 0.02, 0.01  # seconds
BELOW = 30.0  # dB under the loud parts, where quiet begins
LOUD = 95  # percentile of the loudness of all windows that counts as loud
MARGIN = 0.1  # seconds kept around a voice
SURE = 0.5  # probability of a voice


class Detector(Protocol):
    """Tells where there is a voice."""

    def probabilities(self, samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
        """Return the probability of a voice in each window ``(n,)``, and the seconds of a window."""
        ...


def active(samples: np.ndarray, rate: int) -> tuple[int, int]:
    """Return first and last (not included) sample of what is no more than 30 dB quieter than the loud parts.

    The threshold follows the recording: the 95th percentile of the energy of 20 ms windows, less 30 dB. A sound that is
    equally loud throughout, silence too, is kept whole.
    """
    width, hop = max(round(WINDOW * rate), 1), max(round(HOP * rate), 1)
    if len(samples) < 3 * width:
        return 0, len(samples)
    total = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, len(samples) - width + 1, hop)
    level = 10 * np.log10((total[starts + width] - total[starts]) / width + 1e-12)
    loud = np.flatnonzero(level >= np.percentile(level, LOUD) - BELOW)
    first, last = int(starts[loud[0]]), int(starts[loud[-1]]) + width
    return max(first - hop, 0), min(last + hop, len(samples))


def trimmed(sound: Sound) -> Sound:
    """Return the sound without its quiet ends."""
    first, last = active(sound.samples, sound.rate)
    return Sound(samples=sound.samples[first:last], rate=sound.rate)


def heard(sound: Sound, detector: Detector) -> Sound | None:
    """Return the sound from its first voice to its last and a tenth of a second around; ``None`` without any voice."""
    found, step = detector.probabilities(sound.samples, sound.rate)
    voiced: Sequence[int] = np.flatnonzero(found >= SURE).tolist()
    if not voiced:
        return None
    first = max(round((voiced[0] * step - MARGIN) * sound.rate), 0)
    last = min(round(((voiced[-1] + 1) * step + MARGIN) * sound.rate), len(sound.samples))
    return Sound(samples=sound.samples[first:last], rate=sound.rate)
