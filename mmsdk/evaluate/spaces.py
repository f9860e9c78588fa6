"""One label set and one scale for the answers of several models to one task, so that they can be scored together."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.protocols import Task

UNHEARD = -16.0  # log-odds of a label that training never showed: one in nine million


def joined_task(tasks: Sequence[Task]) -> Task:
    """Return a task that knows the labels of all of these, for truths and scores; a number keeps the first's scale."""
    whole = copy.copy(tasks[0])
    if isinstance(whole, Classification | Multilabel):
        counts: dict[str, int] = {}
        for task in tasks:
            state = task.state()
            for label, count in zip(state["labels"], state["counts"], strict=True):
                counts[label] = counts.get(label, 0) + count
        labels = sorted(counts)
        rows = sum(int(task.state().get("rows", 0)) for task in tasks)
        whole.load_state({"labels": labels, "counts": [counts[one] for one in labels], "rows": rows})
    return whole


def in_space(logits: np.ndarray, own: Task, whole: Task) -> np.ndarray:
    """Return the logits ``(n, own width)`` of a task as those of another ``(n, whole width)``, float32.

    A label that ``own`` never heard of is as good as impossible, so that a row which has it counts as wrong.

    :raises DataError: ``whole`` lacks a label of ``own``; or a task type of a plugin whose two states differ, which
        only the plugin could reconcile.
    """
    if _same(own.state(), whole.state()):
        return logits
    if isinstance(own, Regression) and isinstance(whole, Regression):
        return np.asarray((logits * own.scale + own.mean - whole.mean) / whole.scale, dtype=np.float32)
    if isinstance(own, Classification | Multilabel) and isinstance(whole, Classification | Multilabel):
        place = {label: position for position, label in enumerate(whole.labels)}
        if strange := [label for label in own.labels if label not in place]:
            raise DataError(
                f"one of two models answers {strange[0]!r}, a label that the other's table does not have; make both "
                "of the same table"
            )
        floor = _total(logits) if isinstance(own, Classification) else np.zeros((len(logits), 1))
        wide = np.tile((floor + UNHEARD).astype(np.float32), (1, len(whole.labels)))
        wide[:, [place[label] for label in own.labels]] = logits
        return wide
    raise _irreconcilable(own)


def truth_in_space(values: np.ndarray, own: Task, whole: Task) -> np.ndarray:
    """Return the targets ``(n, ...)`` of a task as those of another, which knows all its labels.

    :raises DataError: a task type of a plugin whose two states differ.
    """
    if _same(own.state(), whole.state()):
        return values
    if isinstance(own, Regression) and isinstance(whole, Regression):
        return np.asarray((values * own.scale + own.mean - whole.mean) / whole.scale)
    if isinstance(own, Classification | Multilabel) and isinstance(whole, Classification | Multilabel):
        places = np.array([whole.labels.index(label) for label in own.labels])
        if isinstance(own, Classification):
            return np.asarray(places[values])
        wide = np.zeros((len(values), len(whole.labels)), dtype=values.dtype)
        wide[:, places] = values
        return wide
    raise _irreconcilable(own)


def _irreconcilable(own: Task) -> DataError:
    """Return the error of two states that only the plugin could make one."""
    return DataError(
        f"two models of task type {type(own).__name__} learned different label sets or scales, and only its plugin "
        "could make them one"
    )


def _same(first: Any, second: Any) -> bool:
    """Return whether two states mean the same logits; how often training had a label does not matter."""
    beside = ("counts", "rows")
    return {k: v for k, v in first.items() if k not in beside} == {k: v for k, v in second.items() if k not in beside}


def _total(logits: np.ndarray) -> np.ndarray:
    """Return the log of the sum of the exponentials of each row, ``(n, 1)``."""
    from scipy.special import logsumexp

    return np.asarray(logsumexp(np.asarray(logits, dtype=np.float64), axis=1, keepdims=True))
