"""The encoder ``quantiles``: each element of a vector as its scaled value and its place among its own quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_table.lengths import of_one_length, other_length, same_length
from mmsdk_table.quantile import Quantile, check_bins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Quantiles:
    """Vectors ``(d,)`` to ``(n, dim)``: what :class:`Quantile` makes of each element, one after the other.

    A linear layer on it may bend at every edge of a bin, which one on the bare values cannot: for elements that lie
    close to 0 with a long tail, such as the intensities of a face's action units.

    :param bins: at most so many bins an element; fewer where training values repeat.
    """

    def __init__(self, bins: int = 6) -> None:
        check_bins("quantiles", bins)
        self.bins = bins
        self.dim = 0
        self._elements: list[Quantile] = []

    def fit(self, batch: Sequence[np.ndarray], modality: str) -> None:
        """Learn the length, which is the commonest, and centre, scale and bins of each element.

        :raises ValueError: there is no vector.
        """
        columns = of_one_length(batch).T
        elements = [Quantile(self.bins) for _ in columns]
        for element, values in zip(elements, columns, strict=True):
            element.fit(values, modality)
        self._learn(elements)

    def refuses(self, sample: np.ndarray) -> str:
        """Return why a vector cannot be encoded: it is longer or shorter than those of training."""
        return other_length(sample, len(self._elements))

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32.

        :raises ValueError: a vector is longer or shorter than those of training.
        """
        columns = same_length(batch, len(self._elements)).T
        parts = [one.encode(values, modality) for one, values in zip(self._elements, columns, strict=True)]
        return np.hstack(parts)

    def sources(self) -> list[int]:
        """Return of each element of a vector the element it came of."""
        return [place for place, element in enumerate(self._elements) for _ in range(element.dim)]

    def state(self) -> Mapping[str, Any]:
        """Return centre, scale and edges of each element."""
        return {"elements": [dict(one.state()) for one in self._elements]}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        elements = [Quantile(self.bins) for _ in state["elements"]]
        for element, learned in zip(elements, state["elements"], strict=True):
            element.load_state(learned)
        self._learn(elements)

    def _learn(self, elements: list[Quantile]) -> None:
        """Keep the elements; the vector is as long as theirs together."""
        self._elements = elements
        self.dim = sum(one.dim for one in elements)
