"""The encoder ``standard``: a vector computed elsewhere, centred and scaled by the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_table.lengths import of_one_length, other_length, same_length

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAR = 1e30  # far from float32's end, so that what follows cannot overflow


class Standard:
    """Vectors ``(d,)`` to ``(n, d)``, each element centred and divided by its standard deviation (1 where constant)."""

    def __init__(self) -> None:
        self.dim = 0
        self._mean = np.zeros(0)
        self._scale = np.ones(0)

    def fit(self, batch: Sequence[np.ndarray], modality: str) -> None:
        """Learn the length, which is the commonest, the mean and the spread.

        :raises ValueError: there is no vector.
        """
        values = of_one_length(batch)
        self.dim = values.shape[1]
        self._mean, scale = values.mean(0), values.std(0)
        self._scale = np.where(scale > 1e-12 * np.maximum(np.abs(self._mean), 1), scale, 1.0)

    def refuses(self, sample: np.ndarray) -> str:
        """Return why a vector cannot be encoded: it is longer or shorter than those of training."""
        return other_length(sample, self.dim)

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, d)`` float32.

        :raises ValueError: a vector is longer or shorter than those of training.
        """
        scaled = (same_length(batch, self.dim) - self._mean) / self._scale
        return np.clip(scaled, -FAR, FAR).astype(np.float32)

    def sources(self) -> list[int]:
        """Return of each element of a vector the element it came of: itself."""
        return list(range(self.dim))

    def state(self) -> Mapping[str, Any]:
        """Return mean and spread."""
        return {"mean": self._mean.tolist(), "scale": self._scale.tolist()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._mean, self._scale = np.asarray(state["mean"], np.float64), np.asarray(state["scale"], np.float64)
        self.dim = len(self._mean)
