"""A live sound, in chunks of any length, to the probability of a voice in each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk_audio.silero import RATE, STEP, Silero

if TYPE_CHECKING:
    from pathlib import Path

LOBES = 8  # of the kernel on each side


class LiveVoice:
    """Silero VAD on one live sound.

    :param file: the path of silero_vad.onnx.
    :param rate: samples a second of the sound.
    :raises EncoderError: no such file, no Silero VAD, or onnxruntime is not installed.
    """

    step = STEP / RATE

    def __init__(self, file: Path, rate: float) -> None:
        self._detector = Silero(file)
        self._rate = rate
        self.restart()

    def restart(self) -> None:
        """Forget what was heard."""
        self._resampler = Resampler(self._rate, RATE)
        self._stream = self._detector.stream()
        self._rest = np.zeros(0, np.float32)

    def hear(self, samples: np.ndarray) -> np.ndarray:
        """Take the next samples ``(n,)``; return the probability in each step that is whole by now, ``(m,)`` float32.

        A step is answered 4 ms after its last sample at the latest.
        """
        wave = np.concatenate([self._rest, self._resampler.push(samples)])
        whole = len(wave) // STEP * STEP
        self._rest = wave[whole:]
        return np.array([self._stream.push(part) for part in wave[:whole].reshape(-1, STEP)], np.float32)


class Resampler:
    """Samples of one rate to another as they come: windowed sinc, the same whatever the chunks.

    soxr's own stream hands its output out in lumps, up to a tenth of a second late (measured); this one waits for the
    eight zeros of its kernel, 1 ms at 8,000 samples a second and half of that at 16,000 and above.
    """

    def __init__(self, rate: float, to: float) -> None:
        self._step = rate / to  # input samples from one output sample to the next
        self._scale = min(1.0, to / rate)  # of the kernel, which stops what the lower rate cannot hold
        self._reach = int(np.ceil(LOBES / self._scale))
        self._kept = np.zeros(self._reach, np.float32)  # the input from ``_first`` on
        self._first = -self._reach
        self._made = 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take input samples ``(n,)``; return the output samples that they complete, ``(m,)`` float32."""
        if self._step == 1.0:
            return samples
        self._kept = np.concatenate([self._kept, samples])
        end = self._first + len(self._kept) - self._reach  # output before this place has all the input it needs
        count = max(int(np.ceil(end / self._step)) - self._made, 0)
        places = (self._made + np.arange(count)) * self._step
        near = np.floor(places).astype(np.int64)[:, None] + np.arange(1 - self._reach, self._reach + 1)
        away = (places[:, None] - near) * self._scale
        kernel = np.sinc(away) * np.cos(np.clip(away / LOBES, -1, 1) * np.pi / 2) ** 2 * self._scale
        made: np.ndarray = (self._kept[near - self._first] * kernel).sum(axis=1).astype(np.float32)
        self._made += count
        spare = int(np.floor(self._made * self._step)) + 1 - self._reach - self._first
        self._kept, self._first = self._kept[spare:], self._first + spare
        return made
