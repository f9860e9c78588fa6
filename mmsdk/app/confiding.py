"""Calibrating a run: on its validation rows, or on all rows by heads that did not learn from them."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.aligning import align_inputs
from mmsdk.app.heads import fit_beside
from mmsdk.app.ruling import inside_bounds, ruled_outputs
from mmsdk.confidence import (
    Asked,
    Confidence,
    Evidence,
    Rows,
    declining_rule,
    fit_confidence,
    gather_evidence,
    joined,
    measure_task,
    rows_with,
    subsets_given,
    subsets_to_calibrate,
    training_references,
)
from mmsdk.confidence.choose import fold_masks
from mmsdk.errors import ConfigError, DataError
from mmsdk.model import infer
from mmsdk.progress import note
from mmsdk.tasks import Classification, Multilabel
from mmsdk.train import fit_heads
from mmsdk.train.settling import settled_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.app.draft import Draft
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.confidence import Subset
    from mmsdk.data import Table
    from mmsdk.embed import Embeddings
    from mmsdk.evaluate import Scoring
    from mmsdk.evaluate.scores import Calibration
    from mmsdk.model import Target
    from mmsdk.protocols import Output
    from mmsdk.rules import Fired

FEW_ROWS, FEW_GROUPS = 500, 50  # validation rows; with fewer, which ones they are decides too much


def confide(draft: Draft) -> Confidence | None:
    """Calibrate the tasks of a trained draft; None where there is no task, or no row to calibrate on.

    :raises ConfigError: ``confidence`` asks for rows that there are none of, or for a column that is not there.
    """
    settings, net = draft.application.confidence, draft.pipeline.net
    assert net is not None
    if not draft.targets:
        return None
    by = _by(draft)
    source = _source(draft)
    if source is None:
        note("no rows to calibrate on: confidence is the model's own", draft.pipeline.quiet)
        return None
    subsets = subsets_to_calibrate(net.inputs, draft.embeddings.present)
    learned = _learned(draft)
    evidence = _validated(draft, subsets, learned) if source == "validation" else _by_folds(draft, subsets, learned)
    rows = Rows(evidence=evidence, present=draft.embeddings.present, groups=draft.groups, by=by, source=source)
    references = training_references(net, draft.embeddings, learned) if settings.novelty else None
    found = fit_confidence(draft.targets, rows, settings, references=references)
    for one in found.notes:
        note(one, draft.pipeline.quiet)
    return found


def check_confidence(draft: Draft) -> None:
    """Refuse, before anything is learned, a column or rows that are not there, sets of no label, or no confidence.

    :raises ConfigError: the ``confidence`` block asks for one of these.
    """
    if draft.targets:
        _by(draft)
        _source(draft)
        _growing(draft)
        _declining(draft)


def _growing(draft: Draft) -> None:
    """Refuse a way in which sets of one label grow where no task has one label a row."""
    how = draft.application.confidence.sets
    if how in ("aps", "raps") and not any(isinstance(one.task, Classification) for one in draft.targets.values()):
        raise ConfigError(
            f"confidence.sets is {how}: so grow the sets of a classification, and no task is one; the sets of several "
            "labels and the intervals of numbers are the same by lac, so leave the key out"
        )


def _declining(draft: Draft) -> None:
    """Refuse to decline by the confidence of answers none of which has any."""
    rule = declining_rule(draft.application.confidence.abstain)
    if rule and not any(isinstance(one.task, Classification | Multilabel) for one in draft.targets.values()):
        raise ConfigError(
            f"confidence.abstain.{rule} declines where an answer is unsure of itself, and neither a number nor a "
            "task of a plugin has a confidence that is calibrated: decline by abstain.novelty, or leave the key out"
        )


def _by(draft: Draft) -> Sequence[Any] | None:
    """Return the values within which coverage is held."""
    by = draft.application.confidence.by
    if by is None:
        return None
    if by not in draft.samples.table.names:
        raise ConfigError(
            f"confidence.by: the table has no column {by!r}; its columns are {', '.join(draft.samples.table.names)}"
        )
    cells: Sequence[Any] = draft.samples.table.cells(by)
    return cells


def _labelled(draft: Draft) -> np.ndarray:
    """Return which rows have a label of some task, bool ``(n,)``."""
    return np.asarray(np.any([one.labelled for one in draft.targets.values()], axis=0))


def _learned(draft: Draft) -> np.ndarray:
    """Return the positions of the rows that the network learned from."""
    parts = ("train", "val") if draft.application.training.refit else ("train",)
    return np.flatnonzero(np.isin(draft.samples.split, parts))


def _source(draft: Draft) -> str | None:
    """Return which rows calibrate: ``validation``, ``folds``, or None where neither can."""
    settings, refit = draft.application.confidence, draft.application.training.refit
    held = (draft.samples.split == "val") & _labelled(draft)
    timed = draft.application.split.time is not None
    other = "leave confidence.source out" if timed else "set confidence.source to folds"
    if settings.source == "folds" and timed:
        raise ConfigError(
            "confidence.source is folds, and with split.time their heads would learn from rows newer than those they "
            f"calibrate on, which promises too much of the rows to come; {other}"
        )
    if settings.source == "validation":
        if refit:
            raise ConfigError(
                "confidence.source is validation, and training.refit learns from the validation rows: they cannot "
                f"calibrate; {other}, or set training.refit to false"
            )
        if not held.any():
            raise ConfigError(
                "confidence.source is validation, and no validation row has a label; raise split.validation, or "
                f"{other}"
            )
        return "validation"
    if timed and not refit:
        return "validation" if held.any() else None
    if settings.source == "folds" or refit or not held.any() or _too_few(draft, held):
        return "folds" if _foldable(draft) else ("validation" if held.any() and not refit else None)
    return "validation"


def _too_few(draft: Draft, held: np.ndarray) -> bool:
    """Return whether validation rows, or their groups, are few; encoders that were tuned know the training rows."""
    if draft.adapters:
        return False
    groups = draft.groups
    few = groups is not None and len(set(groups[held].astype(str))) < FEW_GROUPS
    return few or int(held.sum()) < FEW_ROWS


def _foldable(draft: Draft) -> bool:
    """Return whether the rows fall into two parts or more; by time, into those that were refitted on and older ones."""
    rows = np.intersect1d(_learned(draft), np.flatnonzero(_labelled(draft)))
    if draft.application.split.time is not None:
        return {"train", "val"} <= set(draft.samples.split[rows])
    groups = draft.groups
    return len(rows if groups is None else set(groups[rows].astype(str))) > 1


def _validated(draft: Draft, subsets: Sequence[Subset], learned: np.ndarray) -> Evidence:
    """Return what the network answers for the validation rows."""
    net = draft.pipeline.net
    assert net is not None
    rows = np.flatnonzero((draft.samples.split == "val") & _labelled(draft))
    told = learned if draft.application.confidence.novelty else None
    return gather_evidence(net, draft.embeddings, rows, subsets, learned=told)


def _by_folds(draft: Draft, subsets: Sequence[Subset], learned: np.ndarray) -> Evidence:
    """Return what heads answer for rows they did not learn from, and the network for validation rows it did not.

    Each head is trained as the network was: stopped by the same validation rows, or, where a refit learned from these
    too, for as many epochs.
    """
    settings = draft.application.confidence
    labelled = _labelled(draft)
    rows = np.intersect1d(learned, np.flatnonzero(labelled))
    validate = (draft.samples.split == "val") & labelled & (not draft.application.training.refit)
    masks = _held_out(draft, rows)
    count, heads = int(np.any(masks, axis=0).sum()), f"{len(masks)} head{'s' if len(masks) > 1 else ''}"
    beside = f", and on {validate.sum()} validation rows" if validate.any() else ""
    said = f"calibrating on {count} training rows by {heads} that did not learn from them{beside}"
    note(said, draft.pipeline.quiet)
    parts = []
    for held in masks:
        fold, kept = _head_without(draft, rows[held])
        told = kept if settings.novelty else None
        assert fold.pipeline.net is not None
        found = gather_evidence(fold.pipeline.net, fold.embeddings, rows[held], subsets, learned=told)
        untaught = {
            name: np.ones(int(held.sum()), dtype=bool)
            for name, target in draft.targets.items()
            if not target.labelled[kept].any()
        }
        parts.append(replace(found, untaught=untaught))
    if validate.any():
        parts.append(_validated(draft, subsets, learned))
    return joined(parts)


def _held_out(draft: Draft, rows: np.ndarray) -> list[np.ndarray]:
    """Return which of some rows each head does without; by time one head the newest, which a refit added."""
    if draft.application.split.time is not None:
        return [draft.samples.split[rows] == "val"]
    names = None if draft.groups is None else draft.groups[rows].astype(str)
    return list(fold_masks(len(rows), draft.application.confidence.folds, names, draft.application.split.seed))


def _head_without(draft: Draft, held: np.ndarray) -> tuple[Draft, np.ndarray]:
    """Align and train without some rows; return what came of it and the rows it learned from."""
    training, trained = draft.application.training, draft.trained
    assert trained is not None
    split = draft.samples.split.copy()
    if training.refit:
        epochs = max(len(trained.history), 1)
        training = training.model_copy(update={"refit": False, "epochs": epochs, "patience": epochs})
        split[split == "val"] = "train"
    if not (split == "train").any():
        split[split == ""] = "train"
    split[held] = "held"
    training = training.model_copy(update={"tensorboard": False})
    pipeline = copy.copy(draft.pipeline)
    pipeline.quiet = True
    other = replace(
        draft,
        application=draft.application.model_copy(update={"training": training}),
        pipeline=pipeline,
        samples=replace(draft.samples, split=split),
    )
    _align_without(other, draft.samples.split, held)
    net = other.new_net()
    if any(True for _ in net.parameters()):
        fit_heads(other.embeddings, draft.targets, net, training, split, device=draft.pipeline.head_device, quiet=True)
    if draft.application.training.refit and draft.pipeline.net is not None:  # settled before the refit, by rows of val
        net.load_state_dict({**net.state_dict(), **settled_numbers(draft.pipeline.net)})
    pipeline.net = net.to(pipeline.head_device).eval()
    fit_beside(other)
    return other, np.flatnonzero(split == "train")


def _align_without(draft: Draft, split: np.ndarray, held: np.ndarray) -> None:
    """Learn the alignment anew without some rows, whose vectors would else fit each other better than new ones do."""
    if draft.alignment is None:
        return
    left = split.copy()
    left[held] = "held"
    if not (left == "train").any():
        left[left == ""] = "train"
    fold = replace(draft, pipeline=copy.copy(draft.pipeline), samples=replace(draft.samples, split=left))
    fold.embeddings, fold.pipeline.maps = draft.unaligned, {}
    with contextlib.suppress(DataError):  # too few rows without these: they stay as the run aligns them
        align_inputs(fold)
        draft.embeddings, draft.pipeline.maps = fold.embeddings, fold.pipeline.maps


def measure_confidence(draft: Draft, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return what the promises came to on the test rows, task by task; nothing where no test row is labelled."""
    tests = np.flatnonzero(draft.samples.split == "test")
    if draft.confidence is None:
        return {}
    return measure_promises(
        draft.confidence, draft.pipeline, draft.targets, draft.embeddings, tests, by=_by(draft), scoring=scoring
    )


def measure_promises(
    confidence: Confidence,
    pipeline: Pipeline,
    targets: Mapping[str, Target],
    embeddings: Embeddings,
    tests: np.ndarray,
    *,
    by: Sequence[Any] | None,
    scoring: Scoring,
) -> dict[str, dict[str, Any]]:
    """Return what the promises came to on some rows, task by task; nothing of a task that labels none of them.

    :param targets: of the tasks to be measured.
    :param tests: positions of rows that no part of the run has learned from.
    :param by: of all rows, the value within which coverage is held; None where the table does not say.
    """
    net = pipeline.net
    if len(tests) == 0:
        return {}
    assert net is not None
    given = subsets_given(net.inputs, embeddings.present, len(next(iter(embeddings.present.values()))))
    answered: dict[Subset, Any] = {(): infer(net, embeddings.values, embeddings.present, rows=tests)}
    for subset in {one: None for task in confidence.tasks.values() for one in task.judges if one}:
        answered[subset] = infer(net, embeddings.values, embeddings.present, rows=tests, keep=subset)
    abstain = pipeline.application.confidence.abstain
    error = None if abstain is None else abstain.error
    found = {}
    for name in (one for one in confidence.tasks if one in targets):
        target = targets[name]
        labelled = target.labelled[tests]
        parts = {}
        for subset, (vectors, logits) in answered.items():
            here = np.flatnonzero(labelled & rows_with(embeddings.present, tests, subset))
            rows = tests[here]
            parts["+".join(subset)] = Asked(
                rows=rows,
                logits=logits[name][here],
                vectors=vectors[here],
                given=[subset or given[row] for row in rows],
                groups=None if by is None else [by[row] for row in rows],
            )
        whole = parts.pop("")
        if len(whole.rows):
            declines = abstain is not None
            found[name] = measure_task(
                confidence, name, target, whole, parts, scoring=scoring, declines=declines, error=error
            )
    return found


def calibration_of(draft: Draft) -> Calibration | None:
    """Return what calibrates the logits of rows of the table, given which inputs they were answered from."""
    confidence, net = draft.confidence, draft.pipeline.net
    if confidence is None or net is None:
        return None
    given = subsets_given(net.inputs, draft.embeddings.present, len(draft.samples))

    def calibrate(name: str, logits: np.ndarray, rows: np.ndarray, keep: Sequence[str] | None) -> np.ndarray:
        kept = [given[row] if keep is None else tuple(one for one in given[row] if one in keep) for row in rows]
        return confidence.calibrated(name, logits, kept)

    return calibrate


def sure_outputs(
    app: App,
    vectors: np.ndarray,
    logits: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    table: Table | None,
    fired: Fired,
) -> dict[str, Sequence[Output]]:
    """Return the answers of every task: calibrated, inside the rules, and as sure as the run may be of them.

    :param vectors: fused, ``(n, dim)``.
    :param logits: task -> ``(n, width)`` as the network gives them.
    :param table: the rows, by which groups are told.
    :param fired: the rows for which rules hold.
    """
    outputs = guessed_outputs(app, logits, present, fired)
    confidence = app.confidence
    if confidence is None:
        return outputs
    given = _given(app, present, len(vectors))
    novelties = confidence.novelties(vectors, given)
    by = confidence.by
    groups = table.cells(by) if table is not None and by is not None and by in table.names else None
    declines = app.application.confidence.abstain is not None
    found = {}
    for name, task in app.tasks.items():
        judged = confidence.judged(
            name,
            task,
            outputs[name],
            logits[name],
            given=given,
            groups=groups,
            novelties=novelties,
            settled=app.pipeline.rules.settled(name, fired.met, len(vectors)) if declines else None,
            declines=declines,
        )
        found[name] = inside_bounds(app.pipeline.rules, name, task, judged, fired.met)
    return found


def guessed_outputs(
    app: App,
    logits: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    fired: Fired,
) -> dict[str, Sequence[Output]]:
    """Return the answers of every task, calibrated and inside the rules, and none declined: the best guess."""
    return ruled_outputs(app.pipeline.rules, app.tasks, calibrated_logits(app, logits, present), fired)


def calibrated_logits(
    app: App, logits: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the calibrated logits of every task."""
    if app.confidence is None or not logits:
        return dict(logits)
    rows = len(next(iter(logits.values())))
    given = _given(app, present, rows)
    return {name: app.confidence.calibrated(name, one, given) for name, one in logits.items()}


def _given(app: App, present: Mapping[str, np.ndarray], rows: int) -> list[Subset]:
    """Return which inputs each row has, in the order of the network."""
    assert app.pipeline.net is not None
    return subsets_given(app.pipeline.net.inputs, present, rows)
