"""What inputs are worth before anything is trained: one linear model for many subsets, from one Gram matrix a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mmsdk.model import Target
    from mmsdk.protocols import Task

WIDEST = 1536  # features of all inputs together; the cost grows with its square
MOST, LEAST = 384, 32  # principal components of one input
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of a Gram matrix whose diagonal sums to one for each input

BEFORE = 2  # folds of time that teach alone: one to fit on, one to choose the penalty

Subset = tuple[str, ...]


def has_linear_model(task: Task) -> bool:
    """Return whether the task is of a kind that ridge regression can answer."""
    return isinstance(task, Classification | Multilabel | Regression)


def make_features(
    vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray], rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Return float32 features ``(r, k)`` of each input for some rows; no label is looked at.

    Standardised vectors, turned onto their first principal components where they are long; a missing one is the mean,
    and where some are missing a last column says which. Each input's rows have a mean squared length of 1, so that one
    penalty suits all.
    """
    cap = max(LEAST, min(MOST, WIDEST // max(len(vectors), 1)))
    return {
        name: _features(values, np.asarray(present[name], dtype=bool), rows, cap) for name, values in vectors.items()
    }


def _features(values: np.ndarray, present: np.ndarray, rows: np.ndarray, cap: int) -> np.ndarray:
    """Return the features of one input."""
    here = present[rows]
    known = np.asarray(values[rows[here]], dtype=np.float32)
    if len(known) == 0:
        return np.zeros((len(rows), 1), dtype=np.float32)
    mean, spread = known.mean(0), known.std(0)
    found = np.zeros((len(rows), known.shape[1]), dtype=np.float32)
    found[here] = (known - mean) / np.where(spread > 1e-6 * max(float(spread.max()), 1e-30), spread, 1.0)
    if found.shape[1] > cap:
        _, axes = np.linalg.eigh((found.T @ found).astype(np.float64))
        found = found @ axes[:, -cap:].astype(np.float32)
    if not here.all():
        found = np.hstack([found, (here - here.mean()).astype(np.float32)[:, None]])
    length = float(np.sqrt((found**2).sum(1).mean()))
    return found / length if length > 0 else found


def out_of_fold(
    target: Target,
    features: Mapping[str, np.ndarray],
    rows: np.ndarray,
    folds: np.ndarray,
    subsets: Iterable[Subset],
    *,
    forward: bool = False,
) -> dict[Subset, np.ndarray]:
    """Return, for each subset, logits ``(r, width)`` of rows by a model that was fitted without their fold.

    Ridge regression on the labels as 0 and 1 (each class of a classification counting the same) or on the standardised
    number. The penalty of a fold is chosen on the next fold, by a model fitted without either. All models of a fold
    come out of one Gram matrix over all inputs: a subset is a block of it.

    :param rows: labelled rows, as ``features`` has them.
    :param folds: ``(r,)`` fold of each row.
    :param forward: folds follow each other in time. A model is fitted on the folds before its own, and its penalty
        chosen on the last of these, so that the first :data:`BEFORE` folds are not answered: their logits are zeros.
    """
    places, wide = _side_by_side(features)
    wanted, weights = _wanted(target, rows)
    count = int(folds.max()) + 1
    members = [np.flatnonzero(folds == fold) for fold in range(count)]
    sums = [_sums(wide[one], wanted[one], weights[one]) for one in members]
    total = _added(sums)
    found = {}
    for subset in subsets:
        columns = np.concatenate([places[name] for name in subset] + [places[""]])
        logits = np.zeros_like(wanted)
        for fold in range(BEFORE if forward else 0, count):
            choosing = fold - 1 if forward else (fold + 1) % count
            learned = _added(sums[:fold]) if forward else _less(total, sums[fold])
            one, inner = members[fold], members[choosing]
            penalty = _penalty(
                _block(_less(learned, sums[choosing]), columns),
                (wide[inner][:, columns], wanted[inner], weights[inner]),
            )
            logits[one] = wide[one][:, columns] @ _solved(_block(learned, columns), penalty)
        found[subset] = logits
    return found


def _side_by_side(features: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return where each input's columns lie, and all side by side with a column of ones at the end, under ``""``."""
    places, start = {}, 0
    for name, one in features.items():
        places[name] = np.arange(start, start + one.shape[1])
        start += one.shape[1]
    places[""] = np.array([start])
    ones = np.ones((len(next(iter(features.values()))), 1), dtype=np.float32)
    return places, np.hstack([*features.values(), ones])


def _wanted(target: Target, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the linear model is to answer ``(r, width)`` and the weight of each row."""
    values = target.values[rows]
    if isinstance(target.task, Classification):
        counts = np.bincount(values, minlength=len(target.task.labels))
        weights = len(values) / (max(int((counts > 0).sum()), 1) * np.maximum(counts, 1))
        return np.eye(len(counts), dtype=np.float32)[values], weights[values].astype(np.float32)
    wanted = np.asarray(values, dtype=np.float32).reshape(len(rows), -1)
    return wanted, np.ones(len(rows), dtype=np.float32)


def _sums(wide: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> tuple[Any, ...]:
    """Return the weighted Gram matrix, its products with the labels, and the sum of the weights."""
    weighted = wide * weights[:, None]
    return weighted.T @ wide, weighted.T @ wanted, float(weights.sum())


def _added(sums: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the sums over several folds."""
    return tuple(sum(part) for part in zip(*sums, strict=True))


def _less(whole: tuple[Any, ...], part: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return sums without a part of the rows."""
    return tuple(one - other for one, other in zip(whole, part, strict=True))


def _block(sums: tuple[Any, ...], columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Gram matrix and the products of some columns, float64, for a mean row."""
    gram, products, weight = sums
    scale = 1.0 / max(weight, 1e-12)
    return gram[np.ix_(columns, columns)].astype(np.float64) * scale, products[columns].astype(np.float64) * scale


def _solved(block: tuple[np.ndarray, np.ndarray], penalty: float) -> np.ndarray:
    """Return the weights ``(columns, width)``; the last column, of ones, is hardly penalised."""
    from scipy.linalg import cho_factor, cho_solve

    gram, products = block
    shrunk = gram + penalty * np.eye(len(gram))
    shrunk[-1, -1] = gram[-1, -1] + 1e-9
    return np.asarray(cho_solve(cho_factor(shrunk, check_finite=False), products, check_finite=False), dtype=np.float32)


def _penalty(block: tuple[np.ndarray, np.ndarray], held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """Return the penalty with the least squared error on held-out rows."""
    wide, wanted, weights = held
    errors = [float((weights[:, None] * (wide @ _solved(block, one) - wanted) ** 2).sum()) for one in PENALTIES]
    return PENALTIES[int(np.argmin(errors))]


def asked_subsets(inputs: Sequence[str]) -> list[Subset]:
    """Return each input alone, all together, and each left out; no subset twice."""
    alone = [(name,) for name in inputs]
    left = [tuple(one for one in inputs if one != name) for name in inputs]
    return list(dict.fromkeys([*alone, tuple(inputs), *(one for one in left if one)]))
