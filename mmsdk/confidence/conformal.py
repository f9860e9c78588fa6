"""Split conformal prediction: thresholds that make sets of labels, or intervals, hold the truth at a promised rate.

crepes and MAPIE were looked at. What a saved run needs of either is one quantile a task and subset of inputs; crepes
brings pandas and keeps every calibration score, MAPIE wants an estimator of its own to wrap. The quantile is here, and
the tests compare it with crepes.
"""

from __future__ import annotations

import math

import numpy as np

WEIGHT, FREE = 0.01, 2  # of RAPS: what each label beyond the first two costs


def quantile(scores: np.ndarray, coverage: float) -> float:
    """Return the threshold below or at which a new score falls with probability ``coverage`` or more.

    It is the ``ceil((n + 1) coverage)``-th smallest of ``n`` exchangeable scores (Vovk, Gammerman and Shafer 2005;
    Papadopoulos et al. 2002), and infinite where there are too few of them: then a set is everything.
    """
    place = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return math.inf if place > len(scores) else float(np.partition(scores, place - 1)[place - 1])


def rows_needed(coverage: float) -> int:
    """Return the fewest calibration rows with which a threshold is finite."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def label_scores(chances: np.ndarray, how: str) -> np.ndarray:
    """Return how strange each label is of each row, ``(n, k)``, from probabilities ``(n, k)``; small fits well.

    ``lac``: one less the probability (Sadinle et al. 2019, arXiv:1609.00451), the smallest sets on average. ``aps``:
    the probability of the label and of all likelier ones together (Romano et al. 2020, arXiv:2006.02544), not
    randomised, so that the same row has the same set each time; it covers a little more than promised. ``raps``: that
    and 0.01 for each label beyond the second (Angelopoulos et al. 2021, arXiv:2009.14193).
    """
    if how == "lac":
        return 1.0 - chances
    order = np.argsort(-chances, axis=1, kind="stable")
    ranked = np.cumsum(np.take_along_axis(chances, order, axis=1), axis=1)
    ranked[:, -1] = 1.0  # what rounding leaves of it would let chance say which rows hold their last label
    if how == "raps":
        ranked = ranked + WEIGHT * np.maximum(np.arange(1, chances.shape[1] + 1) - FREE, 0)
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, ranked, axis=1)
    return scores


def class_threshold(chances: np.ndarray, truth: np.ndarray, *, coverage: float, how: str) -> float:
    """Return the threshold for one label a row: the set is every label whose score is at or below it.

    :param chances: ``(n, k)`` probabilities.
    :param truth: int64 ``(n,)``.
    """
    return quantile(label_scores(chances, how)[np.arange(len(truth)), truth], coverage)


def labels_threshold(chances: np.ndarray, truth: np.ndarray, *, coverage: float) -> float:
    """Return the threshold for any number of labels a row, by conformal risk control.

    Of a new row the expected share of its true labels that the set leaves out is at most ``1 - coverage`` (Angelopoulos
    et al. 2022, arXiv:2208.02814, equation 4 with the share of missed labels as the loss). It is a promise about the
    labels of rows on average, not that whole rows are complete. A row without any label misses none.

    :param truth: ``(n, k)`` of 0 and 1.
    """
    right = np.asarray(truth) > 0.5
    counts = right.sum(1)
    rows, _ = np.nonzero(right)
    scores, shares = (1.0 - chances)[right], 1.0 / counts[rows]
    order = np.argsort(-scores, kind="stable")
    budget = (1.0 - coverage) * (len(chances) + 1) - 1.0
    if budget < -1e-9:
        return math.inf
    missed = np.cumsum(shares[order])
    kept = int(np.searchsorted(missed, budget + 1e-9, side="right"))  # so many of the strangest may be left out
    if kept >= len(order):
        return 0.0
    return float(scores[order][kept])


def numbers_threshold(guess: np.ndarray, truth: np.ndarray, *, coverage: float) -> float:
    """Return half the width of the interval around a number: a quantile of the absolute residuals."""
    return quantile(np.abs(np.asarray(guess, dtype=np.float64) - truth), coverage)
