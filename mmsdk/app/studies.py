"""What the ``evaluation`` block asks for beside the figures: slices, learning curve, robustness, wrong labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.confiding import calibration_of
from mmsdk.app.refitting import Material, learn_again, learned_inputs, with_validation
from mmsdk.confidence import subsets_given
from mmsdk.data.table import numbers_of
from mmsdk.embed import Embeddings
from mmsdk.errors import DataError
from mmsdk.evaluate import judged_part
from mmsdk.evaluate.label_noise import suspect_labels
from mmsdk.evaluate.learning_curve import Trial, learning_curve
from mmsdk.evaluate.robustness import robustness_curves
from mmsdk.evaluate.slices import score_slices, slice_masks
from mmsdk.model import infer
from mmsdk.progress import note
from mmsdk.tasks import Classification

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.app.draft import Draft
    from mmsdk.evaluate.robustness import Damaged
    from mmsdk.model import Target

SHARES = 5  # nested, of equal size
REPEATS = 3
FOLDS = 5
LISTED = 200  # rows with a label that is probably wrong; of more, the surest


def add_studies(metrics: dict[str, Any], draft: Draft, groups: np.ndarray | None) -> None:
    """Add to the metrics of every task what the application asks for, and slices by presence always.

    :param groups: ``(n,)`` cells of ``split.group``, or None.
    """
    asked = draft.application.evaluation
    judged = _judged(draft)
    add_slices(metrics, draft, judged, groups)
    net = draft.pipeline.net
    assert net is not None
    if asked.robustness:
        seed = draft.application.split.seed
        found = robustness_curves(
            net,
            draft.targets,
            draft.embeddings,
            draft.samples.split,
            judged,
            calibrate=_calibration(draft, judged),
            groups=groups,
            seed=seed,
        )
        for name, curves in found.items():
            metrics[name]["robustness"] = curves
    if asked.learning_curve:
        for name, curve in learning_curves(draft, judged, groups).items():
            metrics[name]["learning_curve"] = curve
            note(f"{name}: {curve['sentence']}", draft.pipeline.quiet)
    if asked.label_noise:
        for name, suspects in label_noise(draft).items():
            metrics[name]["label_noise"] = suspects
            note(f"{name}: {suspects['found']} of {suspects['checked']} labels look wrong", draft.pipeline.quiet)


def _judged(draft: Draft) -> dict[str, np.ndarray]:
    """Return task -> positions of the labelled rows that judge it, of tasks that have any."""
    split = draft.samples.split
    parts = {name: judged_part(target, split) for name, target in draft.targets.items()}
    if draft.application.training.refit:  # what was learned judges nothing
        parts = {name: part if part == "test" else None for name, part in parts.items()}
    return {name: draft.targets[name].labelled_rows(split == part) for name, part in parts.items() if part is not None}


def _tested(draft: Draft, rows: np.ndarray) -> bool:
    """Return whether rows are of ``test``: those are scored calibrated, as in the figures of the whole."""
    return bool((draft.samples.split[rows] == "test").all())


def _calibration(draft: Draft, judged: Mapping[str, np.ndarray]) -> Damaged | None:
    """Return what calibrates the answers of rows some of whose inputs were taken away."""
    confidence, net = draft.confidence, draft.pipeline.net
    if confidence is None or net is None:
        return None
    tested = {name for name, rows in judged.items() if _tested(draft, rows)}

    def calibrate(name: str, logits: np.ndarray, present: Mapping[str, np.ndarray]) -> np.ndarray:
        if name not in tested:
            return logits
        return confidence.calibrated(name, logits, subsets_given(net.inputs, present, len(logits)))

    return calibrate


def add_slices(
    metrics: dict[str, Any], draft: Draft, judged: Mapping[str, np.ndarray], groups: np.ndarray | None
) -> None:
    """Score every slice of the judged rows by each task's own metric."""
    masks = dict(_masks(draft))
    net, calibrate = draft.pipeline.net, calibration_of(draft)
    if not masks or net is None:
        return
    for name, rows in judged.items():
        target = draft.targets[name]
        _, logits = infer(net, draft.embeddings.values, draft.embeddings.present, rows=rows)
        answered = logits[name]
        if calibrate is not None and _tested(draft, rows):
            answered = calibrate(name, answered, rows, None)
        score = target.task.scores(answered, target.values[rows])[target.task.metric]
        found = score_slices(
            score,
            {key: mask[rows] for key, mask in masks.items()},
            len(rows),
            higher_is_better=target.task.higher_is_better,
            groups=None if groups is None else groups[rows],
            seed=draft.application.split.seed,
        )
        if found:
            metrics[name]["slices"] = found
        for one in found:
            if one["worse"]:
                where = f"where {one['column']} is {one['value']} ({one['n']} rows)"
                note(f"{name} is worse {where}, by more than chance", draft.pipeline.quiet)


def _masks(draft: Draft) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield the slices of the columns asked for, and rows with and without each input that some rows have, not all."""
    for column in draft.application.evaluation.slices:
        cells = numbers_of(draft.samples.table.cells(column))
        for value, mask in slice_masks(cells).items():
            yield (column, value), mask
    for name, present in draft.embeddings.present.items():
        here = np.asarray(present, dtype=bool)
        if here.any() and not here.all():
            yield (f"input {name}", "given"), here
            yield (f"input {name}", "missing"), ~here


def _material(draft: Draft) -> Material:
    """Return what to learn from again; tuned encoders stay as they were tuned."""
    learned = learned_inputs(draft.pipeline)
    embeddings = draft.unaligned  # to be aligned anew
    kept = {name: one for name, one in embeddings.values.items() if name not in learned}
    frozen = Embeddings(
        values=kept,
        present={name: embeddings.present[name] for name in kept},
        stats=embeddings.stats,
        layouts=embeddings.layouts,
    )
    application = draft.application
    inputs = {name: one.model_copy(update={"tune": None}) for name, one in application.inputs.items()}
    plain = application.model_copy(
        update={
            "inputs": inputs,
            "interactions": None,
            "training": application.training.model_copy(update={"refit": False, "tensorboard": False}),
        }
    )
    return Material(application=plain, pipeline=draft.pipeline, samples=draft.samples, frozen=frozen)


def _seeded(material: Material, seed: int) -> Any:
    """Return the application with another seed of the training."""
    training = material.application.training
    changed = training.model_copy(update={"seed": training.seed + seed})
    return material.application.model_copy(update={"training": changed})


def learning_curves(
    draft: Draft, judged: Mapping[str, np.ndarray], groups: np.ndarray | None
) -> dict[str, dict[str, Any]]:
    """Learn from 20 to 100 % of the training rows, three times each, and fit the law of every task.

    The shares are nested, keep groups whole and hold their share of every label; the validation rows stay the same.
    Tasks without a judged row have none, nor has a table of fewer than five training groups.
    """
    material, split = _material(draft), draft.samples.split
    training = np.flatnonzero(split == "train")
    asked = np.unique(np.concatenate(list(judged.values()))) if judged else training[:0]
    trials: dict[str, list[Trial]] = {name: [] for name in judged}
    if len(asked) == 0:
        return {}
    for repeat in range(REPEATS):
        try:
            folds = material.folds(training, SHARES, repeat)
        except DataError as error:
            note(f"no learning curve: {error}", draft.pipeline.quiet)
            return {}
        for share in range(1, SHARES + 1):
            part = split.copy()
            part[training[folds >= share]] = ""
            logits = learn_again(
                material, part, asked=asked, whole=draft.targets, application=_seeded(material, repeat)
            )
            for name, rows in judged.items():
                target, own = draft.targets[name], logits[name][np.searchsorted(asked, rows)]
                size = len(target.labelled_rows(part == "train"))
                score = target.task.scores(own, target.values[rows])[target.task.metric]
                trials[name].append(Trial(share=share, rows=size, score=score))
    return {
        name: learning_curve(
            one,
            len(judged[name]),
            metric=draft.targets[name].task.metric,
            higher_is_better=draft.targets[name].task.higher_is_better,
            groups=None if groups is None else groups[judged[name]],
            seed=draft.application.split.seed,
        )
        for name, one in trials.items()
    }


def label_noise(draft: Draft) -> dict[str, dict[str, Any]]:
    """Return, of every classification task, the rows whose label is probably wrong.

    All labelled rows are looked at, each by a model that did not see it: in five folds, or as many as there are groups.
    Nothing is learned or chosen by what is found.
    """
    tasks = {name: one for name, one in draft.targets.items() if isinstance(one.task, Classification)}
    material = _material(draft)
    rows = np.flatnonzero(np.any([one.labelled for one in draft.targets.values()], axis=0))
    try:
        count = FOLDS if draft.groups is None else max(2, min(FOLDS, len({str(one) for one in draft.groups[rows]})))
        folds = material.folds(rows, count, draft.application.split.seed) if tasks else rows[:0]
    except DataError as error:
        note(f"no look for wrong labels: {error}", draft.pipeline.quiet)
        return {}
    logits: dict[str, np.ndarray] = {}
    for fold in range(count if tasks else 0):
        held = rows[folds == fold]
        split = with_validation(material, rows[folds != fold], seed=fold)
        for name, one in learn_again(material, split, asked=held, whole=draft.targets).items():
            logits.setdefault(name, np.zeros((len(draft.samples), one.shape[1]), np.float32))[held] = one
    return {name: _suspects(draft, target, logits[name]) for name, target in tasks.items()}


def _suspects(draft: Draft, target: Target, logits: np.ndarray) -> dict[str, Any]:
    """Return what metrics.json holds of the labels of one task."""
    from scipy.special import softmax

    rows = np.flatnonzero(target.labelled)
    labels = target.task.labels  # type: ignore[attr-defined]
    found = suspect_labels(softmax(logits[rows].astype(np.float64), axis=1), target.values[rows])
    listed = zip(found.rows, found.labels, found.given, found.suspected, strict=True)
    return {
        "checked": found.checked,
        "found": len(found.rows),
        "rows": [
            {
                "id": draft.samples.ids[rows[row]],
                "part": str(draft.samples.split[rows[row]]),
                "given": labels[target.values[rows[row]]],
                "suspected": labels[label],
                "probability_given": float(given),
                "probability_suspected": float(suspected),
            }
            for row, label, given, suspected in list(listed)[:LISTED]
        ],
    }
