"""The encoder ``mel-stats``: how a sound sounds, as a whole and in eight parts; it knows sound, not meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mmsdk_audio.cepstra import RATE, cepstra, log_mel, wave_of
from mmsdk_audio.voice import active

if TYPE_CHECKING:
    from collections.abc import Sequence

COEFFICIENTS = 13
PARTS = 8
BY_CHANGE = 0.6  # how much the parts follow what changes; the rest follows the clock
HOP = 160  # samples at 16,000 a second: 10 ms
PERCENTILES = (10, 50, 90)


class MelStats:
    """A sound to 186 numbers, from 13 mel cepstra every 10 ms of its active part (quiet ends are left out).

    104: the mean cepstra of eight parts, 78: mean, spread, three percentiles and spread of the slope of each cepstrum,
    1: log of the active seconds, 3: loudness in dB (mean, spread, the quietest tenth). The parts share what changes
    evenly, so that the sounds of a word fall into the same parts however fast it is spoken.
    """

    dim = PARTS * COEFFICIENTS + 6 * COEFFICIENTS + 4
    batch_size = 32

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, 186)`` float32."""
        return np.stack([_features(sound) for sound in batch]).astype(np.float32)


def _features(sound: Any) -> np.ndarray:
    """Return the numbers of one sound."""
    samples = wave_of(sound)
    first, last = active(samples, RATE)
    part = samples[first:last]
    found = cepstra(log_mel(part if len(part) >= 400 else samples, HOP), COEFFICIENTS)
    found[:, 0] -= found[:, 0].max()  # how far the microphone was says nothing here; loudness is told apart
    parts = _parts(found)
    return np.concatenate(
        [parts.ravel(), _statistics(found), [np.log(max(last - first, 1) / RATE)], _loudness(samples)]
    )


def _parts(found: np.ndarray) -> np.ndarray:
    """Return the mean cepstra of eight parts ``(8, 13)`` in which equally much changes."""
    steps = np.linalg.norm(np.diff(gaussian_filter1d(found, 2, axis=0, mode="nearest"), axis=0), axis=1)
    steps = np.concatenate([[0.0], steps])
    share = steps / steps.sum() if steps.sum() > 0 else np.full(len(found), 1 / len(found))
    path = np.concatenate([[0.0], np.cumsum(BY_CHANGE * share + (1 - BY_CHANGE) / len(found))])
    places = np.arange(len(found) + 1)
    edges = np.interp(np.linspace(0, path[-1], PARTS + 1), path, places)
    total = np.vstack([np.zeros(found.shape[1]), np.cumsum(found, axis=0)])
    at_edges = np.stack([np.interp(edges, places, column) for column in total.T], axis=1)
    means: np.ndarray = np.diff(at_edges, axis=0) / np.maximum(np.diff(edges)[:, None], 1e-6)
    return means


def _statistics(found: np.ndarray) -> np.ndarray:
    """Return mean, spread, percentiles and spread of the slope of each cepstrum."""
    slope = np.gradient(found, axis=0) if len(found) > 1 else np.zeros_like(found)
    percentiles = np.percentile(found, PERCENTILES, axis=0).ravel()
    return np.concatenate([found.mean(0), found.std(0), percentiles, slope.std(0)])


def _loudness(samples: np.ndarray) -> np.ndarray:
    """Return mean, spread and lowest tenth of the loudness in tens of dB, -6 being silence."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::HOP]
    level = np.log10(np.einsum("tn,tn->t", frames, frames) / 400 + 1e-6)
    return np.array([level.mean(), level.std(), np.percentile(level, 10)])
