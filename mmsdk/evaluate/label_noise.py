"""Labels that are probably wrong, by the out-of-fold probabilities of a classifier: confident learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """Rows whose label is probably wrong, the surest first.

    :param rows: int64 positions.
    :param labels: int64, what their label probably is.
    :param given, suspected: float64, the probability of the given and of the suspected label.
    :param checked: rows that were looked at.
    """

    rows: np.ndarray
    labels: np.ndarray
    given: np.ndarray
    suspected: np.ndarray
    checked: int


def suspect_labels(chances: np.ndarray, labels: np.ndarray) -> Suspects:
    """Return the rows off the diagonal of the confident joint (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068).

    A row counts confidently for a label when its probability reaches what rows given that label have on average; of
    several such labels the likeliest counts. Where that is not the given label, the row is suspected; rows are ranked
    by how much likelier the other label is. (cleanlab's ``filter_by="confident_learning"`` finds the same rows; it
    would bring pandas along for these few lines.)

    :param chances: ``(n, labels)`` probabilities by models that did not see the row.
    :param labels: int64 ``(n,)``, as given.
    """
    count = chances.shape[1]
    own = chances[np.arange(len(labels)), labels]
    shown = np.bincount(labels, minlength=count)
    average = np.bincount(labels, weights=own, minlength=count) / np.maximum(shown, 1)
    bar = np.where(shown > 0, average, np.inf)  # a label that no row has been given is nobody's
    sure = np.where(chances >= bar, chances, -1.0)
    likely = sure.argmax(1)
    rows = np.flatnonzero((sure.max(1) >= 0) & (likely != labels))
    margin = chances[rows, likely[rows]] - own[rows]
    order = rows[np.argsort(-margin, kind="stable")]
    return Suspects(
        rows=order,
        labels=likely[order],
        given=own[order],
        suspected=chances[order, likely[order]],
        checked=len(labels),
    )
