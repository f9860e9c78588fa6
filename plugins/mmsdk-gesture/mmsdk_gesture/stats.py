"""The encoder ``gesture-stats``: pose, path, turning and speed of a gesture in numbers of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk_gesture.normal import MOTION, POSE, Normal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Landmarks

PARTS = 8
SUMS = 8


class GestureStats:
    """Landmarks to 230 numbers.

    63: mean pose, 63: its spread, 96: the motion in eight equal parts of the steps, 8: seconds (log), steps (log),
    length of the path, net way, turning (sum, sum of its size), mean and spread of the speed.

    :param rotation: take the turn in the picture away.
    :param mirror: show left hands as right ones.
    """

    dim = 2 * POSE + PARTS * MOTION + SUMS
    batch_size = 64

    def __init__(self, rotation: bool = False, mirror: bool = False) -> None:
        self._normal = Normal(rotation=rotation, mirror=mirror)

    def encode(self, batch: Sequence[Landmarks], modality: str) -> np.ndarray:
        """Return ``(n, 230)`` float32."""
        return np.stack([self._features(sample) for sample in batch]).astype(np.float32)

    def _features(self, sample: Landmarks) -> np.ndarray:
        """Return the numbers of one gesture."""
        pose, motion = self._normal.steps(sample)
        seconds = float(sample.times[-1] - sample.times[0])
        turn = np.diff(motion[:, 7], prepend=0.0)
        speed = motion[:, 4]
        net = float(np.linalg.norm(motion[-1, :2]))
        counts = [np.log1p(seconds), np.log(len(pose)), speed.sum(), net]
        sums = [*counts, turn.sum(), np.abs(turn).sum(), speed.mean(), speed.std()]
        return np.concatenate([pose.mean(0), pose.std(0), _in_parts(motion).ravel(), sums])


def _in_parts(values: np.ndarray) -> np.ndarray:
    """Return the means of eight equal parts ``(8, d)`` of a series of any length."""
    total = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), PARTS + 1)
    places = np.arange(len(values) + 1)
    at_edges = np.stack([np.interp(edges, places, column) for column in total.T], axis=1)
    means: np.ndarray = np.diff(at_edges, axis=0) / np.diff(edges)[:, None]
    return means
