"""The encoder ``landmarks``: every step's pose and motion, normalised, for a trainable that reads them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk import Sequence
from mmsdk_gesture.normal import MOTION, POSE, Normal

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

    from mmsdk import Landmarks


class LandmarkSteps:
    """Landmarks to a sequence of 75 numbers a step: 63 of pose, 12 of motion (:class:`mmsdk_gesture.normal.Normal`).

    :param rotation: take the turn in the picture away.
    :param mirror: show left hands as right ones.
    """

    dim = POSE + MOTION
    batch_size = 64

    def __init__(self, rotation: bool = False, mirror: bool = False) -> None:
        self._normal = Normal(rotation=rotation, mirror=mirror)

    def encode(self, batch: Rows[Landmarks], modality: str) -> list[Sequence]:
        """Return a sequence ``(t, 75)`` float32 a sample, timed as it is."""
        found = []
        for sample in batch:
            values = np.concatenate(self._normal.steps(sample), axis=1).astype(np.float32)
            found.append(Sequence(values=values, times=np.asarray(sample.times, np.float64)))
        return found
