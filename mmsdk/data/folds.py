"""Folds: every row is held out once, whole groups together, each fold with its share of every label."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data.split import draw, oldest_first
from mmsdk.data.table import as_id
from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

STRATA = 5  # parts of equal size that a column of numbers is cut into, so that folds hold small and large ones alike


def fold_rows(
    ids: Sequence[str],
    *,
    folds: int,
    labels: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return the fold of each row, int64 ``(n,)`` from ``0`` to ``folds - 1``.

    The draw looks at the ids (or the names of the groups) and the seed, never at the order of the rows. Whole groups
    stay together (scikit-learn's ``StratifiedGroupKFold``); without groups each label is dealt out evenly
    (``StratifiedKFold``).

    :param ids: unique, one a row.
    :param labels: what to spread evenly: cells of classes, or numbers, which are cut into five parts of equal size;
        None is a kind of its own.
    :param groups: cells whose equal values stay together; a row without one is a group of its own.
    :raises DataError: fewer than two folds, or more folds than rows or groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    names = np.asarray(_groups(ids, groups) if groups is not None else ids, dtype=object)
    known = len(set(names))
    if not 2 <= folds <= known:
        what = "groups" if groups is not None else "rows"
        raise DataError(f"cannot make {folds} folds of {known} {what}: expected 2 to {known}")
    drawn = {name: draw(seed, str(name)) for name in set(names)}
    order = np.array(sorted(range(len(ids)), key=lambda row: (drawn[names[row]], ids[row])))
    rank = {name: place for place, name in enumerate(sorted(drawn, key=lambda name: (drawn[name], name)))}
    codes = np.array([rank[name] for name in names])[order]
    strata = _strata(labels, len(ids))[order]
    if np.bincount(strata).max() < folds:  # no label has a row for every fold
        strata = np.zeros_like(strata)
    cutter = StratifiedKFold(folds) if groups is None else StratifiedGroupKFold(folds)
    found = np.empty(len(ids), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for fold, (_, held) in enumerate(cutter.split(np.zeros(len(ids)), strata, None if groups is None else codes)):
            found[order[held]] = fold
    return found


def folds_of_time(ids: Sequence[str], times: np.ndarray, *, folds: int, seed: int = 0) -> np.ndarray:
    """Return the fold of each row, int64 ``(n,)``: equally many in each, the oldest in ``0``.

    :param times: float64 ``(n,)``, no NaN.
    """
    found = np.empty(len(ids), dtype=np.int64)
    found[oldest_first(times, ids, seed)] = np.arange(len(ids)) * folds // len(ids)
    return found


def group_cells(cells: Sequence[Any]) -> np.ndarray:
    """Return the group of each row, object ``(n,)``: its cell as it is, and a name of its own where that is empty.

    Rows that nobody gave a group are no group together: a bootstrap or a fold may not move them as one.
    """
    found = np.empty(len(cells), dtype=object)
    found[:] = [f"(row {row} alone)" if cell is None else cell for row, cell in enumerate(cells, 1)]
    return found


def _groups(ids: Sequence[str], groups: Sequence[Any]) -> list[str]:
    """Return the name of each row's group."""
    return [f"row {name}" if cell is None else f"group {as_id(cell)}" for name, cell in zip(ids, groups, strict=True)]


def _strata(labels: Sequence[Any] | None, count: int) -> np.ndarray:
    """Return what kind each row is, int64; kinds of a single row are one kind, which no fold can have its share of."""
    if labels is None:
        return np.zeros(count, dtype=np.int64)
    if all(isinstance(cell, int | float) or cell is None for cell in labels):
        numbers = np.array([np.nan if cell is None else float(cell) for cell in labels])
        if len(np.unique(numbers[np.isfinite(numbers)])) > STRATA:
            return _quantiles(numbers)
    _, codes, sizes = np.unique(
        ["" if cell is None else as_id(cell) for cell in labels], return_inverse=True, return_counts=True
    )
    return np.where(sizes[codes] > 1, codes + 1, 0).astype(np.int64)


def _quantiles(numbers: np.ndarray) -> np.ndarray:
    """Return the fifth each number lies in, from 1; 0 where there is none."""
    known = np.isfinite(numbers)
    edges = np.quantile(numbers[known], np.linspace(0, 1, STRATA + 1)[1:-1])
    found: np.ndarray = np.where(known, 1 + np.searchsorted(edges, np.where(known, numbers, 0.0)), 0)
    return found.astype(np.int64)
