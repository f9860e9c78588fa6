"""What out-of-fold answers score: all at once with a bootstrap, and fold by fold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import ahead, bootstrap
from mmsdk.evaluate.comparable import comparable
from mmsdk.evaluate.repeated import resampled_t
from mmsdk.tasks import Share, range_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.model import Target
    from mmsdk.protocols import Task


def score_folds(
    whole: Mapping[str, Target],
    fold: np.ndarray,
    logits: Mapping[str, np.ndarray],
    groups: np.ndarray | None,
    *,
    baselines: Mapping[tuple[str, str], np.ndarray],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Return the pooled figures and those by fold of every task, those of its baselines, and how far it is ahead.

    :param fold: ``(repeats, n)``, ``-1`` for rows that took no part.
    :param logits: task -> ``(repeats, n, width)``; ``baselines`` likewise, by task and name.
    :param groups: ``(n,)``: the bootstrap draws whole groups.
    """
    found = {}
    count = int(fold.max()) + 1
    for name, target in whole.items():
        rows = np.flatnonzero((fold[0] >= 0) & target.labelled)
        truth = target.values[rows]
        scores = [target.task.scores(one[rows], truth) for one in logits[name]]
        pooled = {metric: _average(scores, metric) for metric in scores[0]}
        by = None if groups is None else groups[rows]
        places = [np.flatnonzero(one[rows] == number) for one in fold for number in range(count)]
        repeats = np.repeat(np.arange(len(fold)), count)
        single = {
            metric: [
                float(scores[r][metric](p)) if len(p) else float("nan") for r, p in zip(repeats, places, strict=True)
            ]
            for metric in pooled
        }
        drawn = bootstrap(pooled, len(rows), groups=by, resamples=resamples, seed=seed)
        rivals = {rival: each[:, rows] for (of, rival), each in baselines.items() if of == name}
        found[name] = {
            "headline": target.task.metric,
            "pooled": {metric: one.as_json() for metric, one in drawn.items()},
            "folds": {
                metric: resampled_t(values, held_out=1 / (count - 1), within=range_of(scores[0][metric]))
                | {"values": values}
                for metric, values in single.items()
            },
            **_beside(target.task, truth, pooled, rivals, groups=by, resamples=resamples, seed=seed),
        }
    return found


def _beside(
    task: Task,
    truth: np.ndarray,
    pooled: Mapping[str, Callable[[np.ndarray], float]],
    rivals: Mapping[str, np.ndarray],
    **drawing: Any,
) -> dict[str, Any]:
    """Return what the baselines score, and by how much the model is ahead of each by the metric that decides."""
    found: dict[str, dict[str, Any]] = {"baselines": {}, "paired": {}}
    few = {**drawing, "resamples": max(drawing["resamples"] // 5, 1)}  # as in a fit
    for name, logits in rivals.items():
        scores = [task.scores(one, truth) for one in logits]
        theirs = {metric: _average(scores, metric) for metric in scores[0]}
        drawn = bootstrap(theirs, len(truth), **few)
        found["baselines"][name] = {metric: one.as_json() for metric, one in drawn.items()}
        gain = ahead(task, pooled[task.metric], theirs[task.metric], len(truth), **drawing)
        found["paired"][name] = {task.metric: gain.as_json()}
    return found


def _average(scores: Sequence[Any], metric: str) -> Callable[[np.ndarray], float]:
    """Return a metric as its mean over the repeats; a share stays one."""
    if len(scores) == 1:
        found: Callable[[np.ndarray], float] = scores[0][metric]
        return found

    def mean(rows: np.ndarray) -> float:
        return float(np.mean([one[metric](rows) for one in scores]))

    first = scores[0][metric]
    return replace(first, of=mean) if isinstance(first, Share) else mean


def mean_score(whole: Mapping[str, Target], rows: np.ndarray, logits: Mapping[str, np.ndarray]) -> float:
    """Return one number, higher is better: the mean over tasks of their own metric, or of the share of error saved."""
    found = []
    for name, target in whole.items():
        own = rows[target.labelled[rows]]
        if len(own) == 0:
            continue
        score, blind = (
            float(target.task.scores(one, target.values[own])[target.task.metric](np.arange(len(own))))
            for one in (logits[name][own], target.task.baseline(len(own)))
        )
        found.append(comparable(target.task, score, blind))
    return float(np.mean(found)) if found else float("-inf")
