"""From evidence to a judge for every task and every subset of the inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.confidence.abstain import threshold_for_error, threshold_for_share
from mmsdk.confidence.calibrate import Calibrator, Kind, fit_calibrator, probabilities
from mmsdk.confidence.choose import bearable, choose_method, cross_calibrated
from mmsdk.confidence.conformal import class_threshold, labels_threshold, numbers_threshold, rows_needed
from mmsdk.confidence.evidence import Evidence, rows_with
from mmsdk.confidence.judge import EVERYONE, Confidence, Judge, Subset, TaskConfidence, group_name
from mmsdk.confidence.novelty import Novelty, scale_of
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.model import Target

SHOWN = 3  # subsets named in a note
DECLINING = ("below", "error", "coverage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The calibration rows.

    :param evidence: the answers for them.
    :param present: input -> bool of all rows of the table.
    :param groups: of all rows, rows of one group are not independent; None where every row stands for itself.
    :param by: of all rows, the value within which the coverage is held; None without.
    :param source: ``validation`` or ``folds``.
    """

    evidence: Evidence
    present: Mapping[str, np.ndarray]
    groups: np.ndarray | None
    by: Sequence[Any] | None
    source: str


def fit_confidence(
    targets: Mapping[str, Target], rows: Rows, settings: Any, *, references: np.ndarray | None = None
) -> Confidence:
    """Calibrate every task of a known type.

    :param targets: task name -> targets of all rows of the table.
    :param settings: the application's ``confidence`` block.
    :param references: fused vectors of training rows, where novelty is to be told.
    """
    tasks: dict[str, TaskConfidence] = {}
    notes: list[str] = []
    for name, target in targets.items():
        if isinstance(target.task, Classification | Multilabel | Regression):
            tasks[name] = _task(name, target, rows, settings, notes=notes)
        if kind_of(target.task) is None and (rule := declining_rule(settings.abstain)):
            what = "a number has no" if isinstance(target.task, Regression) else "a task of a plugin has no calibrated"
            notes.append(
                f"{name}: {what} confidence to decline by: abstain.{rule} leaves every row of any input answered"
            )
    far = rows.evidence.distances
    novelty = None
    if references is not None and far:
        scales = {
            subset: scale_of(one[rows_with(rows.present, rows.evidence.rows, subset)]) for subset, one in far.items()
        }
        novelty = Novelty(references=references, scales=scales)
    abstain = settings.abstain
    return Confidence(
        inputs=max(rows.evidence.logits, key=len),
        tasks=tasks,
        novelty=novelty,
        by=settings.by,
        strange=None if abstain is None else abstain.novelty,
        coverage=settings.coverage,
        source=rows.source,
        notes=tuple(notes),
    )


def kind_of(task: Any) -> Kind | None:
    """Return what the logits of a task are, None for a number and for a task of a plugin."""
    if isinstance(task, Classification):
        return "classes"
    return "labels" if isinstance(task, Multilabel) else None


def _task(name: str, target: Target, rows: Rows, settings: Any, *, notes: list[str]) -> TaskConfidence:
    """Calibrate one task; the method is chosen once, on rows answered from all they have."""
    kind = kind_of(target.task)
    method = "none"
    everything = max(rows.evidence.logits, key=len)
    if kind is not None:
        _, logits, truth, groups = _labelled(name, target, rows, everything, whole=True)
        worth = partial(_worth, target.task, truth)
        method = choose_method(settings.calibration, kind, logits, truth, groups=groups, worth=worth)
    judges = {
        subset: _judge(name, target, rows, settings, subset=subset, method=method) for subset in rows.evidence.logits
    }
    left_out = int((target.labelled[rows.evidence.rows] & ~rows.evidence.taught(name)).sum())
    if left_out:
        notes.append(
            f"{name}: {left_out} labelled rows do not calibrate: no label lies outside their fold, so the head that "
            "answered them had learned none"
        )
    notes.extend(_notes(name, judges, settings))
    return TaskConfidence(method=method, how=settings.sets, judges=judges)


def declining_rule(abstain: Any) -> str | None:
    """Return the key of the ``abstain`` block that declines by the confidence of an answer, None without one."""
    return next((key for key in DECLINING if abstain is not None and getattr(abstain, key) is not None), None)


def _worth(task: Any, truth: np.ndarray, logits: np.ndarray) -> float:
    """Return the metric that decides a task, higher better; an undefined one is no reason for or against."""
    found = float(task.scores(logits, truth)[task.metric](np.arange(len(truth))))
    found = found if task.higher_is_better else -found
    return found if np.isfinite(found) else 0.0


def _labelled(
    name: str, target: Target, rows: Rows, subset: Subset, *, whole: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return positions, logits, targets and groups of the labelled calibration rows that have a subset.

    :param whole: take every labelled row, also one that lacks an input.
    """
    evidence = rows.evidence
    here = target.labelled[evidence.rows] & evidence.taught(name)
    if not whole:
        here = here & rows_with(rows.present, evidence.rows, subset)
    places = evidence.rows[here]
    groups = None if rows.groups is None else rows.groups[places].astype(str)
    return places, evidence.logits[subset][name][here], target.values[places], groups


def _judge(name: str, target: Target, rows: Rows, settings: Any, *, subset: Subset, method: str) -> Judge:
    """Calibrate one task answered from one subset."""
    places, logits, truth, groups = _labelled(name, target, rows, subset)
    kind = kind_of(target.task)
    calibrator, floor = Calibrator(), 0.0
    if kind is not None:
        method = bearable(settings.calibration, method, logits)
        calibrator = fit_calibrator(method, kind, logits, truth)
        floor = _floor(kind, calibrator, method, settings.abstain, logits=logits, truth=truth, groups=groups)
    thresholds = {}
    if settings.sets != "none":
        thresholds = _thresholds(kind, logits, truth, settings, by=_groups_at(rows.by, places))
    units = len(places) if groups is None else len(set(groups))
    return Judge(calibrator=calibrator, rows=len(places), units=units, thresholds=thresholds, floor=floor)


def _groups_at(by: Sequence[Any] | None, places: np.ndarray) -> np.ndarray | None:
    """Return the names of the groups of some rows."""
    return None if by is None else np.array([group_name(by[place]) for place in places], dtype=object)


def _thresholds(
    kind: Kind | None, logits: np.ndarray, truth: np.ndarray, settings: Any, *, by: np.ndarray | None
) -> dict[str, float]:
    """Return the threshold of all rows together, and of each group where there are any."""
    chosen = {EVERYONE: np.ones(len(truth), dtype=bool)}
    if by is not None:
        chosen |= {group: by == group for group in sorted(set(by))}
    found = {}
    for group, here in chosen.items():
        part, right = logits[here], truth[here]
        if kind is None:
            found[group] = numbers_threshold(part[:, 0], right, coverage=settings.coverage)
        elif kind == "labels":
            found[group] = labels_threshold(probabilities(kind, part), right, coverage=settings.coverage)
        else:
            chances = probabilities(kind, part)
            found[group] = class_threshold(chances, right, coverage=settings.coverage, how=settings.sets)
    return found


def _floor(
    kind: Kind,
    calibrator: Calibrator,
    method: str,
    abstain: Any,
    *,
    logits: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray | None,
) -> float:
    """Return the confidence below which the task declines, on the scale of what ``calibrator`` answers."""
    if abstain is None:
        return 0.0
    if abstain.below is not None:
        return float(abstain.below)
    if abstain.error is None and abstain.coverage is None:
        return 0.0
    answers = cross_calibrated(method, kind, logits, truth, groups=groups, whole=calibrator)
    sure, right = confidence_of(kind, answers, truth)
    if abstain.error is not None:
        return threshold_for_error(sure, right, abstain.error, groups=groups)
    return threshold_for_share(sure, abstain.coverage)


def confidence_of(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how sure each answer is, as the task says it, and whether it is right."""
    chances = probabilities(kind, logits)
    if kind == "classes":
        return chances.max(1), chances.argmax(1) == truth
    guess = chances >= 0.5
    return np.maximum(chances, 1 - chances).prod(1), (guess == (np.asarray(truth) > 0.5)).all(1)


def _notes(name: str, judges: Mapping[Subset, Judge], settings: Any) -> list[str]:
    """Return what was not possible, in a sentence each."""
    notes = []
    need = rows_needed(settings.coverage)
    few = [subset for subset, one in judges.items() if one.thresholds.get(EVERYONE) == math.inf]
    if few:
        given = ", ".join(f"{'+'.join(one) or 'nothing'} ({judges[one].rows})" for one in few[:SHOWN])
        given += f" and {len(few) - SHOWN} more" if len(few) > SHOWN else ""
        notes.append(
            f"{name}: a set that holds the truth {settings.coverage:.0%} of the time needs {need} calibration rows, "
            f"and there are fewer of {given}: there the set is everything"
        )
    full = judges[max(judges, key=len)]
    groups = [one[1:] for one, limit in full.thresholds.items() if one != EVERYONE and limit == math.inf]
    if groups:
        notes.append(
            f"{name}: too few calibration rows of {settings.by} {', '.join(groups)}: there the set is everything"
        )
    if settings.abstain is not None and settings.abstain.error is not None and full.floor == math.inf:
        some = any(one.floor < math.inf for subset, one in judges.items() if subset)
        what = "such rows are" if some else "every row is"
        notes.append(
            f"{name}: no threshold keeps the error at {settings.abstain.error:g} with 90 % certainty on the "
            f"{full.rows} calibration rows that have every input: {what} declined"
        )
    return notes
