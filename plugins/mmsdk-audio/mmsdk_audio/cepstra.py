"""The mel spectrum and its cepstrum, frame by frame: what the classical encoders are made of."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.fft import dct

if TYPE_CHECKING:
    from mmsdk import Sound

RATE = 16_000
WINDOW, POINTS = 400, 512  # samples: 25 ms, and the length of the transform
BANDS, LOW, HIGH = 40, 60.0, 7600.0  # Hz
PREEMPHASIS = 0.97
FLOOR = 3e-4  # of the mean energy: what is below differs by noise alone
BLOCK = 4096  # frames at a time, so that a long sound costs no more memory


def wave_of(sound: Sound) -> np.ndarray:
    """Return the samples at 16,000 a second, at least one window of them."""
    samples = sound.samples if sound.rate == RATE else soxr.resample(sound.samples, sound.rate, RATE)
    short = WINDOW - len(samples)
    return np.pad(samples, (0, short)) if short > 0 else samples


def log_mel(samples: np.ndarray, hop: int) -> np.ndarray:
    """Return ``(t, 40)`` log energies of mel bands from 60 to 7,600 Hz of 25 ms windows, ``hop`` samples apart.

    Stevens, Volkmann and Newman 1937 for the scale, here as 2595 log10(1 + f / 700) (O'Shaughnessy 1987).
    """
    emphasised = np.concatenate([samples[:1], samples[1:] - PREEMPHASIS * samples[:-1]])
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::hop]
    parts = []
    for start in range(0, len(frames), BLOCK):
        windowed = frames[start : start + BLOCK] * _hann()
        parts.append((np.abs(np.fft.rfft(windowed, POINTS)) ** 2) @ _bank().T)
    energy = np.concatenate(parts)
    found: np.ndarray = np.log(energy + FLOOR * energy.mean() + 1e-10)
    return found


def cepstra(logs: np.ndarray, count: int) -> np.ndarray:
    """Return the first ``count`` mel-frequency cepstral coefficients ``(t, count)`` (Davis and Mermelstein 1980)."""
    found: np.ndarray = dct(logs, axis=1, norm="ortho")[:, :count]
    return found


@functools.cache
def _hann() -> np.ndarray:
    """Return the window."""
    return np.hanning(WINDOW).astype(np.float32)


@functools.cache
def _bank() -> np.ndarray:
    """Return ``(40, 257)`` triangles of equal width on the mel scale."""
    low, high = (2595 * np.log10(1 + frequency / 700) for frequency in (LOW, HIGH))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.arange(POINTS // 2 + 1) * RATE / POINTS
    rising = (bins - edges[:-2, None]) / (edges[1:-1, None] - edges[:-2, None])
    falling = (edges[2:, None] - bins) / (edges[2:, None] - edges[1:-1, None])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
