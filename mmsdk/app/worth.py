"""``mmsdk.worth``: what each input is worth and costs, before anything is trained."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.advice import advise
from mmsdk.app.fitting import check_names, open_pipeline, prepare_tasks
from mmsdk.app.probing import time_input
from mmsdk.app.resolving import resolve_application
from mmsdk.app.suiting import suit_encoders
from mmsdk.app.threads import learning_threads
from mmsdk.data import Policy, fold_rows, folds_of_time, group_cells, require_training, units_drawn
from mmsdk.data.split import times_of
from mmsdk.errors import ConfigError, DataError
from mmsdk.evaluate.baselines import blind_baseline
from mmsdk.evaluate.bootstrap import Interval, bound_of, interval, of_difference
from mmsdk.evaluate.subsets import draw_scores
from mmsdk.evaluate.worth import BEFORE, asked_subsets, has_linear_model, make_features, out_of_fold
from mmsdk.progress import note
from mmsdk.tasks import in_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.pipeline import Pipeline
    from mmsdk.config import Application
    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings
    from mmsdk.evaluate.subsets import Drawn
    from mmsdk.model import Target

FOLDS, FEWEST = 5, 3  # one fold is answered, the next one chooses the penalty, and something has to be left
RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What embedding an input costs.

    :param seconds: for 1,000 rows that are not in the cache, the loading of weights left out; ``None`` where no row has
        the input.
    :param timed: how many rows were embedded anew to learn that.
    :param cached: how many rows the cache held when this was asked: they cost nothing any more.
    :param present: how many rows have the input.
    """

    seconds: float | None
    timed: int
    cached: int
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWorth:
    """What the inputs are worth to one task, by a linear model, cross-validated.

    :param metric: the one that decides, and ``higher_is_better`` of it.
    :param rows: labelled rows of the parts ``train`` and ``val`` that it rests on; by time all but the oldest.
    :param blind: the answer that looks at no input.
    :param together: all inputs.
    :param alone: input -> it alone.
    :param left_out: input -> all the others; empty with one input.
    :param adds: input -> what it adds to all the others on the same rows, positive where it helps; paired.
    :param advice: input -> a sentence.
    """

    metric: str
    higher_is_better: bool
    rows: int
    blind: Interval
    together: Interval
    alone: Mapping[str, Interval]
    left_out: Mapping[str, Interval]
    adds: Mapping[str, Interval]
    advice: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the inputs of an application are worth and cost.

    :param tasks: task -> worth; a task type of a plugin is left out.
    :param cost: input -> cost.
    :param folds: five, or as many as the rows have groups, three at the least.
    :param grouped_by: the column whose groups stayed together, or None.
    :param ordered_by: the column of times, where each fold was answered by the rows before it alone, or None.
    :param seconds: what the table itself took, once everything was embedded.
    """

    tasks: Mapping[str, TaskWorth]
    cost: Mapping[str, Cost]
    folds: int
    grouped_by: str | None
    ordered_by: str | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def worth(
    application: Application | Mapping[str, Any] | str | Path,
    data: Any = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    on_bad_row: Any = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
    quiet: bool = False,
) -> Worth:
    """Say what each input is worth, alone and to the others, and what it costs; nothing is trained, no test row read.

    The scores are those of ridge regression on the frozen vectors (at most 384 principal components of each input),
    in five folds (fewer where there are fewer groups) that keep the split's groups together, on rows of the parts
    ``train`` and ``val`` only. Under ``split.time`` the folds follow each other, seven of them, and the last five are
    answered, each by the rows before it. Intervals are 95 %, by resampling rows (or groups); what another training set
    would give is not in them. A network that is trained on the inputs may find more in them, mostly in how they act
    together.

    :param application: as for :func:`mmsdk.fit`; it needs a task.
    :param data, overrides, seed, device: as of :func:`mmsdk.fit`.
    :param on_bad_row, allow_outside, allow_remote, quiet: as of :func:`mmsdk.fit`.
    :raises MmsdkError: what a fit would refuse too; or no task that a linear model can answer.
    """
    resolved = resolve_application(application, data=data, seed=seed, overrides=overrides)
    source = resolved.data if data is None else data
    if source is None:
        raise ConfigError("no data: name the table with data: in the application file, or with --data")
    if not resolved.tasks:
        raise ConfigError("nothing to be worth anything for: the application has no task")
    check_names(resolved)
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    with contextlib.closing(open_pipeline(resolved, device, policy, quiet=quiet)) as pipeline:
        samples, _ = pipeline.read_to_learn(source)
        require_training(samples)
        suit_encoders(pipeline, samples)
        embeddings = pipeline.embed(samples)
        targets, problems = prepare_tasks(resolved, samples, policy)
        pipeline.tell_skipped(samples.table.name, problems)
        cost = {name: _cost(pipeline, samples, embeddings, name) for name in resolved.inputs}
        with learning_threads(len(samples), pipeline.head_device, quiet=quiet):
            started = time.perf_counter()
            tasks, folds = _tasks(resolved, samples, embeddings, targets, cost, quiet=quiet)
            return Worth(
                tasks=tasks,
                cost=cost,
                folds=folds,
                grouped_by=resolved.split.group,
                ordered_by=resolved.split.time,
                seconds=time.perf_counter() - started,
            )


def _cost(pipeline: Pipeline, samples: Samples, embeddings: Embeddings, name: str) -> Cost:
    """Return what an input costs, timed on rows that are embedded anew, past the cache."""
    present = np.flatnonzero(embeddings.present[name])
    stats = embeddings.stats.inputs[name]
    if len(present) == 0:
        return Cost(seconds=None, timed=0, cached=stats.cached, present=0)
    timed, seconds = time_input(
        name, pipeline.application, samples.table, present, pipeline.encoders[name], pipeline.device, pipeline.policy
    )
    return Cost(
        seconds=1000 * seconds / timed if timed else None, timed=timed, cached=stats.cached, present=len(present)
    )


def _tasks(
    application: Application,
    samples: Samples,
    embeddings: Embeddings,
    targets: Mapping[str, Target],
    cost: Mapping[str, Cost],
    *,
    quiet: bool,
) -> tuple[dict[str, TaskWorth], int]:
    """Return the worth of the inputs to each task, and by how many folds at the least."""
    group = application.split.group
    groups = samples.table.cells(group) if group else None
    forward = application.split.time is not None
    vectors = embeddings.vectors()
    found, counts = {}, [FOLDS]
    for name, target in targets.items():
        if not has_linear_model(target.task):
            note(f"tasks.{name}: its type has no linear model, so nothing is said of it", quiet)
            continue
        rows = target.labelled_rows(np.isin(samples.split, ("train", "val")))
        own = None if groups is None else [groups[row] for row in rows]
        folds = _folds(application, samples, rows, application.tasks[name].column, own)
        features = make_features(vectors, embeddings.present, rows)
        logits = out_of_fold(target, features, rows, folds, asked_subsets(list(features)), forward=forward)
        if forward:
            answered = folds >= BEFORE
            rows, folds, logits = rows[answered], folds[answered], {one: said[answered] for one, said in logits.items()}
        counts.append(len(np.unique(folds)))
        found[name] = _task_worth(target, rows, logits, own, cost)
    if not found:
        raise ConfigError("no task of this application has a linear model: classification, multilabel or regression do")
    return found, min(counts)


def _folds(
    application: Application, samples: Samples, rows: np.ndarray, column: str, groups: Sequence[Any] | None
) -> np.ndarray:
    """Return the fold of each labelled row: five, or as many as there are groups; by time two more, to teach only."""
    if len(rows) < 2 * FOLDS:
        raise DataError(f"{len(rows)} labelled rows in train and val are too few to say anything: expected {2 * FOLDS}")
    split, ids = application.split, [samples.ids[row] for row in rows]
    if split.time:
        times, _ = times_of(samples.table.cells(split.time), split.time)
        return folds_of_time(ids, times[rows], folds=FOLDS + BEFORE, seed=split.seed)
    count = len(rows) if groups is None else len({str(one) for one in group_cells(groups)})
    if count < FEWEST:
        raise DataError(
            f"the labelled rows in train and val are of {count} group{'s' if count > 1 else ''}, too few to say "
            f"anything of another: expected {FEWEST}, or leave split.group out where rows are independent"
        )
    cells = samples.table.cells(column)
    strata = [str(cells[row]) for row in rows]
    return fold_rows(ids, folds=min(FOLDS, count), labels=strata, groups=groups, seed=split.seed)


def _task_worth(
    target: Target,
    rows: np.ndarray,
    logits: Mapping[tuple[str, ...], np.ndarray],
    groups: Sequence[Any] | None,
    cost: Mapping[str, Cost],
) -> TaskWorth:
    """Return scores, gains and advice from out-of-fold logits."""
    task, truth, count = target.task, target.values[rows], len(rows)
    better = 1 if task.higher_is_better else -1
    names = None if groups is None else group_cells(groups)

    def drawn(answers: np.ndarray) -> Drawn:
        statistic = task.scores(answers, truth)[task.metric]
        return draw_scores(statistic, count, better=better, groups=names, resamples=RESAMPLES, seed=0)

    def shown(one: Drawn) -> Interval:
        return interval(better * one[0], better * one[1], count, units=units, bound=bound)

    blind, units = blind_baseline(task, count)[1], units_drawn(count, names)
    statistic = task.scores(blind, truth)[task.metric]
    bound = bound_of(statistic, np.arange(count), names)
    scores = {subset: drawn(one) for subset, one in logits.items()}
    inputs = tuple(dict.fromkeys(name for subset in logits for name in subset))
    whole = scores[inputs]
    left = {one: scores[rest] for one in inputs if (rest := tuple(n for n in inputs if n != one)) in scores}
    adds = {
        one: of_difference(interval(whole[0] - rest[0], whole[1] - rest[1], count, units=units), bound)
        for one, rest in left.items()
    }
    together = shown(whole)
    return TaskWorth(
        metric=task.metric,
        higher_is_better=task.higher_is_better,
        rows=count,
        blind=shown(drawn(blind)),
        together=together,
        alone={one: shown(scores[one,]) for one in inputs},
        left_out={one: shown(rest) for one, rest in left.items()},
        adds=adds,
        advice=advise(
            adds, {name: one.seconds for name, one in cost.items()}, together, task, points=in_points(statistic)
        ),
    )
