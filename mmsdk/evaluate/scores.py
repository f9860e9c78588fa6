"""The figures of metrics.json: every task on every part, with intervals, baselines, and each subset of the inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import units_drawn
from mmsdk.evaluate.baselines import blind_baseline, linear_baselines, median_baseline
from mmsdk.evaluate.bootstrap import RESAMPLES, ahead, bootstrap, bound_of, interval
from mmsdk.evaluate.subsets import (
    ALL_UP_TO,
    EVERY_METRIC_UP_TO,
    added_inputs,
    draw_scores,
    input_subsets,
    subset_logits,
)
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.evaluate.subsets import Drawn
    from mmsdk.model import JointNet, Target
    from mmsdk.protocols import Task

    Calibration = Callable[[str, np.ndarray, np.ndarray, Sequence[str] | None], np.ndarray]
    """Task, logits, rows of the table, the inputs kept (None: all) -> calibrated logits."""
    Metrics = dict[str, dict[str, float | int]]

PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How to score.

    :param groups: ``(n,)`` group of each row: intervals resample whole groups.
    :param resamples: of the bootstrap of the model's own figures on the judged part.
    :param resamples_beside: of everything else, of which there is much; they are the first of the same draws. A fifth
        where left out.
    :param baselines: whether to fit those that learn from training rows: the median, and the linear ones, which cost
        about as much as training.
    :param subsets: whether to score every subset of the inputs; of more inputs than ``all_up_to`` those that say most.
    """

    groups: np.ndarray | None = None
    resamples: int = RESAMPLES
    resamples_beside: int | None = None
    seed: int = 0
    baselines: bool = True
    subsets: bool = True
    all_up_to: int = ALL_UP_TO

    def beside(self) -> Scoring:
        """Return how to score everything but the model's own figures on the judged part."""
        count = max(self.resamples // 5, 1) if self.resamples_beside is None else self.resamples_beside
        return replace(self, resamples=count)


def score_tasks(
    net: JointNet,
    targets: Mapping[str, Target],
    embeddings: Any,
    split: np.ndarray,
    *,
    scoring: Scoring | None = None,
    parts: Sequence[str] = ("val", "test"),
    confidence: Calibration | None = None,
) -> dict[str, dict[str, Any]]:
    """Score every task; the result is what metrics.json holds and :func:`mmsdk.evaluate.metrics_schema` describes.

    The judged part is ``test`` where a row of it is labelled, else ``val``: baselines and subsets are scored on it, on
    the same rows as the model, so that their figures can be compared.

    :param net: trained; on any device.
    :param targets: task name -> targets of all rows.
    :param embeddings: ``values`` and ``present`` of all rows, as for training.
    :param split: ``(n,)`` of ``"train"``, ``"val"``, ``"test"`` or ``""``.
    :param confidence: what calibrates logits; used on ``test`` alone, since it may have been learned on the rest.
    :returns: ``{task: {part: {metric: {value, low, high, n}}, "baselines": {name: {..}}, "paired": {name: {..}},
        "subsets": {"a+b": {..}}, "added": {input: {"a+b": {..}}}, "worse": {input: ["a+b"]}}}``; ``paired`` is how far
        ahead of each baseline, row against row, by the metric that decides; see :func:`added_inputs` for the last two;
        a part without a labelled row is left out.
    """
    scoring = scoring or Scoring()
    rows = np.flatnonzero(np.isin(split, list(parts)))
    if len(rows) == 0:
        return {name: {} for name in targets}
    _, logits = infer(net, embeddings.values, embeddings.present, rows=rows)
    found: dict[str, dict[str, Any]] = {}
    said: dict[str, np.ndarray] = {}
    beside = scoring.beside()
    for name, target in targets.items():
        found[name] = {}
        judged = judged_part(target, split)
        for part in parts:
            places = np.flatnonzero((split[rows] == part) & target.labelled[rows])
            if len(places):
                how = scoring if part == judged or judged not in parts else beside
                answered = logits[name][places]
                if confidence is not None and part == "test":
                    answered = confidence(name, answered, rows[places], None)
                found[name][part] = score_rows(target, answered, rows[places], how)
                if part == judged:
                    said[name] = answered
    _add_baselines(found, said, targets, embeddings, split, scoring=beside)
    _add_subsets(found, net, targets, embeddings, split=split, scoring=beside, confidence=confidence)
    return found


def score_rows(target: Target, logits: np.ndarray, rows: np.ndarray, scoring: Scoring) -> Metrics:
    """Return ``{metric: {value, low, high, n}}`` of logits for some labelled rows."""
    return score_logits(target.task, logits, target.values[rows], rows=rows, scoring=scoring)


def score_logits(
    task: Task, logits: np.ndarray, truth: np.ndarray, *, rows: np.ndarray | None = None, scoring: Scoring | None = None
) -> Metrics:
    """Return ``{metric: {value, low, high, n}}`` of logits against targets, row by row the same rows.

    :param rows: where the rows stand in the table, to find their groups.
    """
    scoring = scoring or Scoring()
    groups = None if scoring.groups is None else scoring.groups[np.arange(len(truth)) if rows is None else rows]
    scores = task.scores(logits, truth)
    found = bootstrap(scores, len(truth), groups=groups, resamples=scoring.resamples, seed=scoring.seed)
    return {name: one.as_json() for name, one in found.items()}


def judged_part(target: Target, split: np.ndarray) -> str | None:
    """Return the part that a task is judged by: ``test`` where it has a labelled row, else ``val``, else None."""
    return next((part for part in ("test", "val") if len(target.labelled_rows(split == part))), None)


def _add_baselines(
    found: dict[str, dict[str, Any]],
    said: Mapping[str, np.ndarray],
    targets: Mapping[str, Target],
    embeddings: Any,
    split: np.ndarray,
    *,
    scoring: Scoring,
) -> None:
    """Score, beside the model, what looks at nothing, and a plain linear model of all inputs and of each alone.

    :param said: task -> the model's logits of its judged rows.
    """
    for name, target in targets.items():
        part = judged_part(target, split)
        if part is None or part not in found[name]:
            continue
        rows = target.labelled_rows(split == part)
        logits = dict([blind_baseline(target.task, len(rows))])
        if scoring.baselines:
            logits |= median_baseline(target, split, len(rows)) | linear_baselines(target, embeddings, split, rows)
        task, truth = target.task, target.values[rows]
        own = task.scores(said[name], truth)[task.metric]
        groups = None if scoring.groups is None else scoring.groups[rows]
        drawing: dict[str, Any] = {"groups": groups, "resamples": scoring.resamples, "seed": scoring.seed}
        found[name] |= {"baselines": {}, "paired": {}}
        for baseline, one in logits.items():
            theirs = task.scores(one, truth)
            drawn = bootstrap(theirs, len(rows), **drawing)
            gain = ahead(task, own, theirs[task.metric], len(rows), **drawing)
            found[name]["baselines"][baseline] = {metric: figure.as_json() for metric, figure in drawn.items()}
            found[name]["paired"][baseline] = {} if math.isnan(gain.value) else {task.metric: gain.as_json()}


def _add_subsets(
    found: dict[str, dict[str, Any]],
    net: JointNet,
    targets: Mapping[str, Target],
    embeddings: Any,
    *,
    split: np.ndarray,
    scoring: Scoring,
    confidence: Calibration | None,
) -> None:
    """Score every subset of the inputs on the judged rows of each task, and what each input adds to each.

    An input that none of these rows has is in no subset.
    """
    if not scoring.subsets:
        return
    judged = {name: part for name, one in targets.items() if (part := judged_part(one, split)) in found[name]}
    rows = np.flatnonzero(np.isin(split, [part for part in judged.values() if part]))
    inputs = [name for name in net.inputs if np.asarray(embeddings.present[name], dtype=bool)[rows].any()]
    if len(inputs) < 2:
        return
    places = {
        name: np.flatnonzero((split[rows] == part) & targets[name].labelled[rows]) for name, part in judged.items()
    }
    drawn: dict[str, dict[tuple[str, ...], Drawn]] = {name: {} for name in judged}
    for subset in input_subsets(inputs, scoring.all_up_to):
        logits = subset_logits(net, embeddings, rows, subset)
        for name, here in places.items():
            answered = logits[name][here]
            if confidence is not None and judged[name] == "test":
                answered = confidence(name, answered, rows[here], subset)
            metrics, drawn[name][subset] = _score_subset(
                targets[name], answered, rows[here], scoring, every=len(inputs) <= EVERY_METRIC_UP_TO
            )
            found[name].setdefault("subsets", {})["+".join(subset)] = metrics
    for name, scores in drawn.items():
        own = None if scoring.groups is None else scoring.groups[rows[places[name]]]
        found[name] |= added_inputs(scores, len(places[name]), targets[name].task.metric, groups=own)


def _score_subset(
    target: Target, logits: np.ndarray, rows: np.ndarray, scoring: Scoring, *, every: bool
) -> tuple[Metrics, Drawn]:
    """Return the metrics of one subset, every one or that which decides, and the draws of the latter."""
    task = target.task
    statistic = task.scores(logits, target.values[rows])[task.metric]
    groups = None if scoring.groups is None else scoring.groups[rows]
    better = 1 if task.higher_is_better else -1
    drawn = draw_scores(
        statistic, len(rows), better=better, groups=groups, resamples=scoring.resamples, seed=scoring.seed
    )
    if every:
        return score_rows(target, logits, rows, scoring), drawn
    bound, units = bound_of(statistic, np.arange(len(rows)), groups), units_drawn(len(rows), groups)
    shown = interval(better * drawn[0], better * drawn[1], len(rows), units=units, bound=bound)
    return {task.metric: shown.as_json()}, drawn
