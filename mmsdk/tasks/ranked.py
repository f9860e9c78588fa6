"""Rank metrics of many columns at once, on resampled rows: ROC AUC and average precision, ties as scikit-learn's."""

from __future__ import annotations

from functools import cached_property

import numpy as np


class Ranked:
    """Scores ``(n, c)`` sorted once, so that each resample costs a few passes instead of a sort.

    :param scores: ``(n, c)``, higher means more likely positive.
    :param positive: ``(n, c)`` bool.
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray) -> None:
        self.scores = scores
        self.positive = positive

    @cached_property
    def order(self) -> np.ndarray:
        """Return the rows of each column from the highest score down."""
        return np.argsort(-self.scores, axis=0, kind="stable")

    @cached_property
    def ties(self) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each place of the order, the first and the last place with the same score."""
        values = np.take_along_axis(self.scores, self.order, axis=0)
        n = len(values)
        fresh = np.ones(values.shape, dtype=bool)
        fresh[1:] = values[1:] != values[:-1]
        place = np.arange(n)[:, None]
        first = np.maximum.accumulate(np.where(fresh, place, 0), axis=0)
        ends = np.ones(values.shape, dtype=bool)
        ends[:-1] = fresh[1:]
        last = np.minimum.accumulate(np.where(ends, place, n)[::-1], axis=0)[::-1]
        return first, last

    @cached_property
    def sorted_positive(self) -> np.ndarray:
        """Return ``positive`` in the order of the scores, as float64."""
        return np.take_along_axis(self.positive, self.order, axis=0).astype(np.float64)

    def _counts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how often each place of the order was drawn as a positive and as a negative."""
        drawn = np.bincount(rows, minlength=len(self.scores)).astype(np.float64)[self.order]
        positive = drawn * self.sorted_positive
        return positive, drawn - positive

    def auc(self, rows: np.ndarray) -> float:
        """Return the mean ROC AUC of the columns that have both kinds among ``rows``; NaN where none has."""
        positive, negative = self._counts(rows)
        first, last = self.ties
        above = np.cumsum(negative, axis=0)
        before = np.take_along_axis(above - negative, first, axis=0)
        through = np.take_along_axis(above, last, axis=0)
        total, others = positive.sum(0), negative.sum(0)
        defined = (total > 0) & (others > 0)
        if not defined.any():
            return float("nan")
        worse = (positive * (before + through)).sum(0)[defined] / 2
        return float(np.mean(1 - worse / (total * others)[defined]))

    def average_precision(self, rows: np.ndarray) -> float:
        """Return the mean average precision of the columns that have a positive among ``rows``; NaN where none has."""
        positive, negative = self._counts(rows)
        _, last = self.ties
        hits = np.take_along_axis(np.cumsum(positive, axis=0), last, axis=0)
        seen = hits + np.take_along_axis(np.cumsum(negative, axis=0), last, axis=0)
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        total = positive.sum(0)
        defined = total > 0
        if not defined.any():
            return float("nan")
        return float(np.mean((positive * precision).sum(0)[defined] / total[defined]))
