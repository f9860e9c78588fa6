"""Inner folds of the training rows: groups stay whole, and each fold has its share of every class where it can."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mmsdk.heads.beside import Lesson


def inner_folds(lesson: Lesson, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ``(rows to fit on, rows to judge)`` of each fold; fewer folds than asked where there are fewer groups.

    :returns: nothing where no two folds can be made.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    truth = lesson.targets.cpu().numpy()
    classes = truth.ndim == 1 and truth.dtype.kind == "i"
    units = len(lesson) if lesson.groups is None else len(np.unique(lesson.groups.astype(str)))
    count = min(count, units)
    if count < 2:
        return []
    kinds = {
        (False, False): KFold,
        (True, False): StratifiedKFold,
        (False, True): GroupKFold,
        (True, True): StratifiedGroupKFold,
    }
    folds = kinds[classes, lesson.groups is not None](count, shuffle=True, random_state=lesson.seed)
    groups = None if lesson.groups is None else lesson.groups.astype(str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds is missing from some
        try:
            return [(fit, judge) for fit, judge in folds.split(np.zeros(len(truth)), truth, groups) if len(fit)]
        except ValueError:  # every class has fewer rows than folds
            return list(KFold(count, shuffle=True, random_state=lesson.seed).split(truth)) if groups is None else []
