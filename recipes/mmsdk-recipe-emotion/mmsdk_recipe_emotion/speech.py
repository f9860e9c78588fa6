"""Whether somebody speaks: by loudness, which needs nothing, or by Silero VAD."""

from __future__ import annotations

import io
import wave
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import Media, Sound, open_modality

if TYPE_CHECKING:
    from pathlib import Path

FRAME = 0.02  # seconds
QUIET, LOUD = -60.0, -30.0  # dB of full scale: never, and always, taken for speech
ABOVE = 10.0  # dB over what is quiet in this recording
MEMORY = 30.0  # seconds by which that is told
SOME = 0.1  # share of a window that must be speech


class Loudness:
    """What is ten decibels louder than the quiet parts of the last half minute. It takes any noise for a voice."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=round(MEMORY / FRAME))

    def share(self, sound: Sound) -> float:
        """Return the share of a sound that is speech, 0 to 1."""
        levels = levels_of(sound)
        self._levels.extend(levels)
        floor = float(np.quantile(self._levels, 0.1)) if self._levels else QUIET
        return float((levels > np.clip(floor + ABOVE, QUIET, LOUD)).mean()) if len(levels) else 0.0


class Silero:
    """Silero VAD through the modality ``audio``: the share from the first voice to the last.

    :param file: the path of silero_vad.onnx.
    """

    def __init__(self, file: Path) -> None:
        self._modality: Any = open_modality("audio", {"trim": str(file)})

    def share(self, sound: Sound) -> float:
        """Return the share of a sound that is speech, 0 to 1."""
        found = self._modality.decode(Media(name="a window", data=_wav(sound)))
        return 0.0 if found is None else min(found.seconds / max(sound.seconds, 1e-6), 1.0)


def levels_of(sound: Sound) -> np.ndarray:
    """Return the level of each 20 ms, dB of full scale."""
    width = max(round(FRAME * sound.rate), 1)
    count = len(sound.samples) // width
    parts = sound.samples[: count * width].astype(np.float64).reshape(count, width)
    return np.asarray(10 * np.log10((parts**2).mean(1) + 1e-12)) if count else np.zeros(0)


def _wav(sound: Sound) -> bytes:
    """Return a sound as a file in memory."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes((np.clip(sound.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()
