"""``mmsdk.cross_validate``: every row answered by a model that never saw it, nor anything chosen by it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from mmsdk.app.crossed import CrossValidation
from mmsdk.app.fitting import check_names, open_pipeline, prepare_tasks
from mmsdk.app.refitting import (
    Material,
    baseline_answers,
    draft_answers,
    gather_material,
    relearned,
    with_validation,
)
from mmsdk.app.resolving import resolve_application
from mmsdk.app.ruling import check_rules, open_checked
from mmsdk.app.suiting import suit_encoders
from mmsdk.app.threads import learning_threads
from mmsdk.data import Policy, group_cells
from mmsdk.errors import ConfigError, DataError
from mmsdk.evaluate.bootstrap import RESAMPLES
from mmsdk.evaluate.out_of_fold import mean_score, score_folds
from mmsdk.model import offered_options
from mmsdk.plugins import get_registry
from mmsdk.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mmsdk.app.draft import Draft
    from mmsdk.config import Application
    from mmsdk.model import Target

Key = TypeVar("Key")
FIXED = ("id", "data", "tasks", "split")  # what a variant may not change: rows, answers and folds stay the same


def cross_validate(
    application: Application | Mapping[str, Any] | str | Path,
    data: Any = None,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    nested: Mapping[str, Mapping[str, Any]] | None = None,
    inner_folds: int = 3,
    overrides: Mapping[str, Any] | None = None,
    device: Literal["auto", "cpu", "cuda"] | str = "auto",
    on_bad_row: Literal["error", "skip"] = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
    resamples: int = RESAMPLES,
    quiet: bool = False,
) -> CrossValidation:
    """Learn an application ``folds`` times, each time without one fold, and score the answers for the rows left out.

    Folds keep the groups of ``split.group`` whole and hold their share of every label. Frozen encoders run once, from
    the cache; encoders that are fitted or tuned, label sets, scales and heads are learned anew in each fold, and the
    answers are calibrated as those of a run are. The validation rows that end the training are drawn inside the
    training part. Rules teach where ``training.rules`` says so; scored are the answers before rules, as in the figures
    of a run. Where ``split.column`` names test rows, they stay out, since they are for the end; else every row takes
    part.

    :param application, data, overrides, device: as of :func:`mmsdk.fit`; ``on_bad_row``, ``allow_outside``,
        ``allow_remote`` and ``quiet`` too.
    :param repeats: how often to draw other folds; the seed of the training changes with them.
    :param seed: of the first folds.
    :param nested: name -> dotted overrides: variants of the application among which each outer fold chooses by
        ``inner_folds`` folds of its own training rows, so that the figures are honest about the choice.
    :param resamples: of the bootstrap that the intervals come from.
    :returns: answers and figures; two of them can be handed to :func:`mmsdk.compare`.
    :raises ConfigError: no task, ``split.time`` (folds would learn from the future), a variant that changes the rows, a
        rule that is wrong.
    :raises DataError: more folds than groups.
    """
    resolved = resolve_application(application, data=data, overrides=overrides)
    source = resolved.data if data is None else data
    _check(resolved, source, folds, repeats)
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    variants = {name: _variant(resolved, name, changes) for name, changes in (nested or {"": {}}).items()}
    with contextlib.ExitStack() as stack:
        materials = {name: _material(one, source, device, policy, stack, quiet=quiet) for name, one in variants.items()}
        first = next(iter(materials.values()))
        whole = _whole(first, policy)
        tasks = {name: one.task for name, one in whole.items()}
        for one in materials.values():
            open_checked(one.pipeline, tasks, one.samples)
        rows = _taking_part(first, whole)
        with learning_threads(len(first.samples), first.pipeline.head_device, quiet=quiet):
            crossing = _Crossing(materials=materials, whole=whole, rows=rows, inner=inner_folds)
            fold, logits, baselines, chosen = crossing.run(folds, repeats, seed, quiet=quiet)
        groups = None if first.groups is None else group_cells(first.groups)
        return CrossValidation(
            name=str(application) if isinstance(application, str | Path) else "application",
            ids=first.samples.ids,
            fold=fold,
            logits=logits,
            targets=whole,
            kinds=_kinds(resolved),
            groups=groups,
            metrics=score_folds(whole, fold, logits, groups, baselines=baselines, resamples=resamples, seed=seed),
            calibrated=any(one.confidence.calibration != "none" for one in variants.values()),
            chosen=chosen if nested else [],
        )


def _check(application: Application, source: Any, folds: int, repeats: int) -> None:
    """Refuse what no folds can be made of, before any work is done."""
    if source is None:
        raise ConfigError("no data: name the table with data: in the application file, or with --data")
    if not application.tasks:
        raise ConfigError("cross-validation needs a task to score; a recommender is scored when it is fitted")
    if application.split.time:
        raise ConfigError("split.time: folds would learn from rows newer than those they are scored on; use mmsdk fit")
    if folds < 2 or repeats < 1:
        raise ConfigError(f"cross-validation needs 2 folds or more and 1 repeat or more, not {folds} and {repeats}")
    check_names(application)


def _kinds(application: Application) -> dict[str, dict[str, Any]]:
    """Return what the tasks are opened with."""
    registry = get_registry()
    return {
        name: {
            "type": registry.lasting("task", entry.type),
            "options": offered_options(application.training, entry),
        }
        for name, entry in application.tasks.items()
    }


def _variant(application: Application, name: str, changes: Mapping[str, Any]) -> Application:
    """Return the application with the changes of a variant."""
    if strange := sorted(key for key in changes if key.split(".")[0] in FIXED):
        raise ConfigError(
            f"variant {name!r} sets {strange[0]}, and all variants share rows, tasks and folds; set "
            "inputs, fusion, head or training"
        )
    return resolve_application(application, overrides=changes) if changes else application


def _material(
    application: Application, source: Any, device: str, policy: Policy, stack: contextlib.ExitStack, *, quiet: bool
) -> Material:
    """Read the table and run the frozen encoders of one variant."""
    pipeline = open_pipeline(application, device, policy, quiet=quiet)
    stack.callback(pipeline.close)
    samples, _ = pipeline.read_to_learn(source)
    suit_encoders(pipeline, samples)
    check_rules(application, samples.table)
    return gather_material(pipeline, samples)


def _whole(material: Material, policy: Policy) -> dict[str, Target]:
    """Return the targets of all rows, and the label set that all folds answer in."""
    everything = replace(material.samples, split=np.full(len(material.samples), "", dtype=object))
    targets, problems = prepare_tasks(material.application, everything, policy)
    material.pipeline.tell_skipped(everything.table.name, problems)
    return targets


def _taking_part(material: Material, whole: Mapping[str, Target]) -> np.ndarray:
    """Return the positions of the rows that folds are made of: labelled, and not held back by a column."""
    usable = np.any([one.labelled for one in whole.values()], axis=0)
    if material.application.split.column:
        usable &= np.isin(material.samples.split, ("train", "val"))
    rows = np.flatnonzero(usable)
    if len(rows) == 0:
        raise DataError(f"{material.samples.table.name} has no labelled row that may be learned from")
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crossing:
    """What is crossed: variants of one application over the same rows.

    :param inner: folds by which an outer fold chooses among the variants.
    """

    materials: Mapping[str, Material]
    whole: Mapping[str, Target]
    rows: np.ndarray
    inner: int

    def run(
        self, folds: int, repeats: int, seed: int, *, quiet: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray], dict[tuple[str, str], np.ndarray], list[list[str]]]:
        """Return folds ``(repeats, n)``, logits by task ``(repeats, n, width)``, of baselines, and what folds chose."""
        first = next(iter(self.materials.values()))
        count = len(first.samples)
        fold = np.full((repeats, count), -1, dtype=np.int64)
        logits: list[dict[str, np.ndarray]] = []
        beside: list[dict[tuple[str, str], np.ndarray]] = []
        chosen: list[list[str]] = []
        steps = repeats * folds * (1 if len(self.materials) == 1 else len(self.materials) * self.inner + 1)
        with progress(steps, "cross-validating", quiet, unit="fit") as bar:
            for repeat in range(repeats):
                fold[repeat, self.rows] = first.folds(self.rows, folds, seed + repeat)
                chosen.append([])
                answers: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []
                rivals: list[tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]] = []
                for number in range(folds):
                    held = np.flatnonzero(fold[repeat] == number)
                    known = np.flatnonzero((fold[repeat] >= 0) & (fold[repeat] != number))
                    name = self.choose(known, seed + repeat, bar.update)
                    chosen[-1].append(name)
                    with self.learned(name, known, seed + repeat, f"fold {number + 1} of {folds}") as draft:
                        answers.append((held, draft_answers(draft, held, self.whole, calibrated=True)))
                        rivals.append((held, baseline_answers(draft, held, self.whole)))
                    bar.update(1)
                logits.append(_spread(answers, count))
                beside.append(_spread(rivals, count))
        return fold, _stacked(logits), _stacked(beside), chosen

    @contextlib.contextmanager
    def learned(self, name: str, known: np.ndarray, seed: int, where: str) -> Iterator[Draft]:
        """Yield what comes of learning a variant from some rows.

        :raises DataError: they teach a task nothing; ``where`` says of which fold they are.
        """
        material = self.materials[name]
        training = material.application.training
        application = material.application.model_copy(
            update={"training": training.model_copy(update={"seed": training.seed + seed, "refit": False})}
        )
        split = with_validation(material, known, seed=seed)
        with contextlib.ExitStack() as stack:
            try:
                draft = stack.enter_context(relearned(material, split, whole=self.whole, application=application))
            except DataError as error:
                raise DataError(
                    f"{where}, learning from the other rows: {error}. Label rows of more groups, take other folds or "
                    "another seed, or leave the task out"
                ) from error
            yield draft

    def choose(self, known: np.ndarray, seed: int, done: Callable[[float], object]) -> str:
        """Return the variant that scores best on inner folds of the rows known, not calibrated; of equals the first."""
        if len(self.materials) == 1:
            return next(iter(self.materials))
        fold = next(iter(self.materials.values())).folds(known, self.inner, seed)
        scores = {}
        for name in self.materials:
            answers = []
            for number in range(self.inner):
                held = known[fold == number]
                where = f"inner fold {number + 1} of {self.inner} of {name}"
                with self.learned(name, known[fold != number], seed, where) as draft:
                    answers.append((held, draft_answers(draft, held, self.whole, calibrated=False)))
                done(1)
            scores[name] = mean_score(self.whole, known, _spread(answers, int(known.max()) + 1))
        return max(scores, key=lambda name: scores[name])


def _spread(answers: Sequence[tuple[np.ndarray, Mapping[Key, np.ndarray]]], count: int) -> dict[Key, np.ndarray]:
    """Return the logits of all rows from those of the folds."""
    found = {name: np.zeros((count, one.shape[1]), dtype=np.float32) for name, one in answers[0][1].items()}
    for rows, logits in answers:
        for name, one in logits.items():
            found[name][rows] = one
    return found


def _stacked(repeats: Sequence[Mapping[Key, np.ndarray]]) -> dict[Key, np.ndarray]:
    """Return the logits ``(repeats, n, width)`` from those of each repeat."""
    return {name: np.stack([one[name] for one in repeats]) for name in repeats[0]}
