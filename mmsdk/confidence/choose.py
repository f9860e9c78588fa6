"""Which calibrator, by cross-validated log-loss on the calibration rows; one of few parameters where in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.confidence.calibrate import FEWEST, METHODS, Calibrator, Kind, fit_calibrator, row_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDS = 5
ROWS_A_LABEL = 10  # before anything is learned of single labels


def choose_method(
    asked: str,
    kind: Kind,
    logits: np.ndarray,
    truth: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    worth: Callable[[np.ndarray], float] | None = None,
) -> str:
    """Return the method to calibrate with: the one asked for, or what ``auto`` finds.

    ``auto`` compares the methods on calibration rows that each did not learn from. ``temperature`` is taken unless
    another has a lower log-loss by more than a standard error of the difference (of groups, where there are any);
    ``isotonic``, which learns most, has to be ahead of ``vector`` by as much where that is ahead; and ``none``
    where even a temperature makes it worse. Fewer than ten rows a label are too few for any other. A method
    that lowers the metric of the task is passed over: where training has weighed rare classes up, the lowest log-loss
    is that of answers moved back to the common ones. A temperature changes no answer.

    :param worth: the metric that decides the task, higher better, of logits for these rows.
    """
    if asked != "auto":
        return asked
    if len(logits) < 2 * FEWEST:
        return "temperature" if len(logits) >= FEWEST else "none"
    losses = {"none": row_loss(kind, np.asarray(logits, dtype=np.float64), truth)}
    tried = METHODS if len(logits) >= ROWS_A_LABEL * logits.shape[1] else METHODS[:1]
    least = -np.inf if worth is None else worth(logits)
    for method in tried:
        answers = cross_calibrated(method, kind, logits, truth, groups=groups)
        if method == "temperature" or worth is None or worth(answers) >= least:
            losses[method] = row_loss(kind, answers, truth)
    best = "temperature"
    for method in [one for one in tried[1:] if one in losses]:
        gain = losses[best] - losses[method]
        if gain.mean() > standard_error(losses["temperature"] - losses[method], groups):
            best = method
    return best if losses[best].mean() < losses["none"].mean() else "none"


def bearable(asked: str, chosen: str, logits: np.ndarray) -> str:
    """Return the method for the rows of one subset of the inputs: with ``auto`` one that so few rows can bear.

    The method is chosen once, by rows of all subsets together; a subset that few rows have takes ``temperature``.
    """
    few = len(logits) < ROWS_A_LABEL * logits.shape[1]
    return "temperature" if asked == "auto" and few and chosen in METHODS[1:] else chosen


def cross_calibrated(
    method: str,
    kind: Kind,
    logits: np.ndarray,
    truth: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    whole: Calibrator | None = None,
) -> np.ndarray:
    """Return calibrated logits ``(n, width)``, each row by a calibrator that did not learn from it.

    :param whole: what calibrates a row beside which too few others are left to learn from; they stay as they are
        without it.
    """
    found = np.asarray(logits, dtype=np.float64).copy()
    if method == "none":
        return found
    found = found if whole is None else whole(found)
    for held in fold_masks(len(logits), FOLDS, groups):
        if (~held).sum() >= FEWEST:
            found[held] = fit_calibrator(method, kind, logits[~held], truth[~held])(logits[held])
    return found


def fold_masks(rows: int, count: int, groups: np.ndarray | None = None, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield, fold by fold, the bool mask ``(rows,)`` of the held rows; a group is never on both sides.

    Fewer rows or groups than folds give as many folds as there are; one alone gives none.
    """
    from sklearn.model_selection import GroupKFold, KFold

    units = rows if groups is None else len(np.unique(groups))
    count = min(count, units)
    if count < 2:
        return
    places = np.arange(rows)
    rule = (
        KFold(count, shuffle=True, random_state=seed)
        if groups is None
        else GroupKFold(count, shuffle=True, random_state=seed)
    )
    for _, held in rule.split(places, groups=groups):
        mask = np.zeros(rows, dtype=bool)
        mask[held] = True
        yield mask


def standard_error(differences: np.ndarray, groups: np.ndarray | None) -> float:
    """Return the standard error of a mean over rows, whole groups counted as one draw each."""
    centred = differences - differences.mean()
    sums = centred if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], weights=centred)
    return float(np.sqrt((sums**2).sum() * len(sums) / max(len(sums) - 1, 1)) / len(centred))
