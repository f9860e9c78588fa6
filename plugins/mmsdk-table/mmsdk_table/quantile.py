"""The encoder ``quantile``: a number as its scaled value and its place among the quantiles of the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAR = 1e30  # beyond this a difference of two values could overflow


class Quantile:
    """Numbers to ``(n, 1 + bins)``: ``asinh`` of the robustly scaled value, then a piecewise-linear quantile encoding.

    Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", 2022: bin t counts 0
    below it, 1 above it and the fraction within it. ``asinh`` keeps the order of values far outside the training range.

    :param bins: at most so many bins; fewer where training values repeat.
    """

    def __init__(self, bins: int = 16) -> None:
        check_bins("quantile", bins)
        self.bins = bins
        self.dim = 0
        self._centre = 0.0
        self._scale = 1.0
        self._edges = np.zeros(0)

    def fit(self, batch: Sequence[float], modality: str) -> None:
        """Learn centre, scale and the edges of the bins; without a training value every number is only scaled."""
        values = np.clip(np.asarray(batch, np.float64), -FAR, FAR)
        if len(values):
            low, self._centre, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
            self._scale = (high - low) or float(values.std()) or 1.0
            self._edges = np.unique(np.quantile(values, np.linspace(0, 1, self.bins + 1)))
        self.dim = 1 + max(len(self._edges) - 1, 0)

    def encode(self, batch: Sequence[float], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        values = np.clip(np.asarray(batch, np.float64), -FAR, FAR)[:, None]
        with np.errstate(over="ignore"):  # clipped at once
            scaled = np.arcsinh(np.clip((values - self._centre) / self._scale, -FAR, FAR))
            within = (values - self._edges[:-1]) / np.maximum(np.diff(self._edges), np.finfo(np.float64).tiny)
        return np.hstack([scaled, np.clip(within, 0, 1)]).astype(np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return centre, scale and edges."""
        return {"centre": self._centre, "scale": self._scale, "edges": self._edges.tolist()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._centre, self._scale = state["centre"], state["scale"]
        self._edges = np.asarray(state["edges"], np.float64)
        self.dim = 1 + max(len(self._edges) - 1, 0)


def check_bins(encoder: str, bins: object) -> None:
    """Refuse what is no number of bins."""
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= 1024:
        raise EncoderError(f"encoder {encoder!r}: bins is {bins!r}, expected a whole number from 1 to 1024")
