"""The encoder ``video-stats``: colours of the frames, how much moves and when, how loud it is and when."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

GRID = 4
PARTS = 8  # of the time, for motion
BANDS, SPANS = 8, 8  # of frequency and of time, for sound
LOWEST, HIGHEST = 60.0, 8000.0
QUIET = 1e-5  # of full scale, below which everything is silence


class VideoStats:
    """A clip to 188 numbers.

    48: mean colour of a 4 x 4 grid over all frames, 48: its spread over the frames, 8: mean difference of neighbouring
    frames in eight parts of the time, 16: histogram of grey, 2: whether there are frames and whether there is sound;
    64: log energy in 8 bands (60 to 8,000 Hz) of 8 parts of the sound, 2: its mean and spread. Zeros stand for what is
    not there.
    """

    dim = 2 * 3 * GRID**2 + PARTS + 16 + 2 + BANDS * SPANS + 2
    batch_size = 16

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, 188)`` float32."""
        return np.stack([np.concatenate([_look(one), _noise(one)]) for one in batch]).astype(np.float32)


def _look(clip: Any) -> np.ndarray:
    """Return what the frames look like."""
    there = np.array([float(len(clip.frames) > 0), float(clip.sound is not None)])
    if not len(clip.frames):
        return np.concatenate([np.zeros(2 * 3 * GRID**2 + PARTS + 16), there])
    small = np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BOX)) for one in clip.frames])
    small = small.astype(np.float32) / 255
    cells = small.reshape(len(small), GRID, 32 // GRID, GRID, 32 // GRID, 3).mean((2, 4)).reshape(len(small), -1)
    grey = small.mean(3)
    moved = np.abs(np.diff(grey, axis=0)).mean((1, 2)) if len(grey) > 1 else np.zeros(1)
    shares = np.histogram(grey, bins=16, range=(0, 1))[0] / grey.size
    return np.concatenate([cells.mean(0) - 0.5, cells.std(0), _in_parts(moved, PARTS), shares, there])


def _in_parts(values: np.ndarray, count: int) -> np.ndarray:
    """Return the mean of each of ``count`` equal parts of a series of any length."""
    edges = np.linspace(0, len(values), count + 1)
    starts, ends = (
        np.floor(edges[:-1]).astype(int),
        np.maximum(np.ceil(edges[1:]), np.floor(edges[:-1]) + 1).astype(int),
    )
    return np.array([values[a:b].mean() for a, b in zip(starts, ends, strict=True)])


def _noise(clip: Any) -> np.ndarray:
    """Return how loud the sound is, by band and by part."""
    if clip.sound is None:
        return np.zeros(BANDS * SPANS + 2)
    rows = [_bands(part, clip.sound.rate) for part in np.array_split(clip.sound.samples, SPANS)]
    energy = np.stack(rows)
    return np.concatenate([energy.ravel(), [energy.mean(), energy.std()]])


def _bands(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the log energy of bands of equal ratio, about 0 (silence) to 1 (full scale)."""
    if not len(samples):
        return np.zeros(BANDS)
    samples = samples[: 1 << 20].astype(np.float64)
    power = np.abs(np.fft.rfft(samples)) ** 2 / len(samples) ** 2
    edges = np.geomspace(LOWEST, HIGHEST, BANDS + 1)
    places = np.searchsorted(np.fft.rfftfreq(len(samples), 1 / rate), edges)
    total = np.array([power[a:b].sum() for a, b in itertools.pairwise(places)])
    found: np.ndarray = np.log10(np.sqrt(total) / QUIET + 1) / 5
    return found
