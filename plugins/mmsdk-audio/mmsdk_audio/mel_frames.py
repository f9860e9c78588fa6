"""The encoder ``mel-frames``: mel cepstra every few milliseconds, for a trainable that hears them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Sequence
from mmsdk_audio.cepstra import RATE, WINDOW, cepstra, log_mel, wave_of
from mmsdk_audio.voice import active

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

COEFFICIENTS = 20


class MelFrames:
    """A sound to a sequence of 20 mel cepstra, the mean of the clip taken away (what microphone and room add).

    :param hop: seconds between two steps.
    :param trim: leave out quiet ends.
    :raises EncoderError: an option is out of range.
    """

    dim = COEFFICIENTS
    batch_size = 32

    def __init__(self, hop: float = 0.01, trim: bool = True) -> None:
        if isinstance(hop, bool) or not isinstance(hop, int | float) or not 0.001 <= hop <= 10:
            raise EncoderError(f"encoder 'mel-frames': hop is {hop!r}, expected seconds from 0.001 to 10")
        if not isinstance(trim, bool):
            raise EncoderError(f"encoder 'mel-frames': trim is {trim!r}, expected true or false")
        self._hop, self._trim = max(round(hop * RATE), 1), trim

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence ``(t, 20)`` float32 a sound; times are those of the middle of a window."""
        return [self._steps(sound) for sound in batch]

    def _steps(self, sound: Any) -> Sequence:
        """Return the steps of one sound."""
        samples = wave_of(sound)
        first, last = active(samples, RATE) if self._trim else (0, len(samples))
        if last - first < WINDOW:
            first, last = 0, len(samples)
        found = cepstra(log_mel(samples[first:last], self._hop), COEFFICIENTS)
        times = (first + WINDOW / 2 + self._hop * np.arange(len(found))) / RATE
        return Sequence(values=(found - found.mean(0)).astype(np.float32), times=times.astype(np.float64))
