"""What a run knows about how sure it may be: calibrated logits in, answers with sets and abstentions out."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.confidence.calibrate import Calibrator, probabilities
from mmsdk.confidence.conformal import label_scores
from mmsdk.data.table import as_id
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mmsdk.confidence.novelty import Novelty
    from mmsdk.protocols import Output, Task

Subset = tuple[str, ...]
EVERYONE = ""  # the group of thresholds that are not of one group


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One task answered from one subset of the inputs.

    :param rows: so many calibration rows it rests on, ``units`` as many groups, or rows where they have none.
    :param thresholds: group -> threshold of the score; ``""`` is all rows together. Empty where no sets are made.
    :param floor: the confidence below which it declines.
    """

    calibrator: Calibrator
    rows: int = 0
    units: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    floor: float = 0.0

    def threshold(self, group: str) -> float:
        """Return the threshold for a row of a group; no row of a group that is not there calibrated anything."""
        return self.thresholds.get(group, math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskConfidence:
    """One task: its method, its kind of sets, and a judge for every subset of the inputs."""

    method: str
    how: str
    judges: Mapping[Subset, Judge]

    def judge(self, given: Subset) -> Judge:
        """Return the judge of a subset; of one that was not calibrated, that of the largest known part of it."""
        found = self.judges.get(given)
        if found is not None:
            return found
        parts = [one for one in self.judges if set(one) <= set(given)]
        return self.judges[max(parts, key=len)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """All tasks of a run. Nothing in it changes once it is made, so threads may share it.

    :param inputs: of the network, in its order.
    :param tasks: those that can be calibrated; a task type of a plugin is answered as before.
    :param by: the column of the groups of the thresholds.
    :param strange: the novelty above which every task declines.
    :param coverage: what the sets promise.
    :param source: ``validation`` or ``folds``.
    :param notes: what a reader should know, a sentence each.
    """

    inputs: Subset
    tasks: Mapping[str, TaskConfidence] = field(default_factory=dict)
    novelty: Novelty | None = None
    by: str | None = None
    strange: float | None = None
    coverage: float = 0.9
    source: str = "validation"
    notes: tuple[str, ...] = ()

    def calibrated(self, name: str, logits: np.ndarray, given: Sequence[Subset]) -> np.ndarray:
        """Return the calibrated logits of a task.

        :param logits: ``(n, width)`` of the model.
        :param given: which inputs each row was answered from.
        """
        task = self.tasks.get(name)
        if task is None:
            return logits
        found = np.empty(logits.shape, dtype=np.float64)
        for subset, places in _alike(given):
            found[places] = task.judge(subset).calibrator(logits[places])
        return found

    def novelties(self, vectors: np.ndarray, given: Sequence[Subset]) -> np.ndarray | None:
        """Return the novelty of each row 0..1, or None where the run does not tell it."""
        if self.novelty is None:
            return None
        found = np.zeros(len(vectors))
        for subset, places in _alike(given):
            found[places] = self.novelty.of(vectors[places], self.novelty.scale(subset))
        return found

    def judged(
        self,
        name: str,
        task: Task,
        outputs: Sequence[Output],
        raw: np.ndarray,
        *,
        given: Sequence[Subset],
        groups: Sequence[Any] | None = None,
        novelties: np.ndarray | None = None,
        settled: Sequence[tuple[str, ...]] | None = None,
        declines: bool = False,
    ) -> list[Output]:
        """Return answers with their sets, and without a value where the run declines.

        What rules settle is never declined: it is no guess, and these rules are named.

        :param outputs: the answers of calibrated logits.
        :param raw: the logits of the model ``(n, width)``, before calibration: sets are made of these.
        :param groups: of each row, where the run has ``by``.
        :param settled: of each row, the rules that leave it this answer alone.
        :param declines: the run declines by some key of ``abstain``, and so what it would answer to nothing at all,
            which may be as sure of itself as one label is common.
        """
        answers = list(outputs)
        known = self.tasks.get(name)
        limits = self.limits(name, given, groups)
        if known is not None and limits is not None:
            sets = prediction_sets(task, answers, raw, limits, known.how)
            answers = [replace(one, prediction_set=held) for one, held in zip(answers, sets, strict=True)]
        for row, answer in enumerate(answers):
            novelty = None if novelties is None else float(novelties[row])
            declined = declines and not given[row]
            declined |= self.strange is not None and novelty is not None and novelty > self.strange
            if known is not None and answer.confidence is not None:
                declined |= answer.confidence < known.judge(given[row]).floor
            if declined and settled is not None and settled[row]:
                answers[row] = replace(answer, rules=answer.rules or settled[row], novelty=novelty)
            elif declined:
                answers[row] = replace(answer, value=None, abstained=True, novelty=novelty)
            elif novelty is not None:
                answers[row] = replace(answer, novelty=novelty)
        return answers

    def limits(self, name: str, given: Sequence[Subset], groups: Sequence[Any] | None = None) -> np.ndarray | None:
        """Return the threshold of each row's set ``(n,)``, or None where the run makes no sets."""
        known = self.tasks.get(name)
        if known is None or not any(one.thresholds for one in known.judges.values()):
            return None
        names = (
            [EVERYONE] * len(given) if self.by is None else [group_name(one) for one in groups or [None] * len(given)]
        )
        return np.array([known.judge(one).threshold(group) for one, group in zip(given, names, strict=True)])


def prediction_sets(
    task: Task, outputs: Sequence[Output], raw: np.ndarray, limits: np.ndarray, how: str
) -> list[tuple[Any, ...]]:
    """Return the labels whose score is at or below each row's limit, the likeliest first, or the two ends.

    The answer itself is always among them: where the limit alone would leave nothing, the set covers more than it need.
    """
    if isinstance(task, Regression):
        centres = [one.value for one in task.outputs(raw)]
        return [
            _interval(output, centre, limit * task.scale)
            for output, centre, limit in zip(outputs, centres, limits.tolist(), strict=True)
        ]
    assert isinstance(task, Classification | Multilabel)
    inside = fitting_labels(task, raw, limits, how)
    labels = task.labels
    found = []
    for row, output in zip(inside, outputs, strict=True):
        own = output.value if isinstance(output.value, tuple) else (output.value,)
        chances = output.probabilities  # a rule may have ruled one out
        chosen = {label for label in itertools.compress(labels, row) if chances.get(label, 0.0) > 0} | set(own)
        found.append(tuple(sorted(chosen, key=lambda label: (-chances[label], label))))
    return found


def _interval(output: Output, centre: float, half: float) -> tuple[float, float]:
    """Return the interval around what the network says, cut off where a rule raised or lowered the answer to."""
    low, high = centre - half, centre + half
    if not output.rules:
        return low, high
    floor = output.value > centre
    return (output.value, max(high, output.value)) if floor else (min(low, output.value), output.value)


def fitting_labels(task: Task, raw: np.ndarray, limits: np.ndarray, how: str) -> np.ndarray:
    """Return which labels the limits leave in, bool ``(n, k)``; a row may have none."""
    if isinstance(task, Multilabel):
        return np.asarray(1.0 - probabilities("labels", raw) <= limits[:, None])
    return np.asarray(label_scores(probabilities("classes", raw), how) <= limits[:, None])


def subsets_given(inputs: Sequence[str], present: Mapping[str, np.ndarray], rows: int) -> list[Subset]:
    """Return which inputs each row has, in the order of the inputs."""
    held = [(name, np.asarray(present[name], dtype=bool)) for name in inputs if name in present]
    return [tuple(name for name, here in held if here[row]) for row in range(rows)]


def group_name(group: Any) -> str:
    """Return the name of a group, ``1.0`` of a typed table being ``1``; none reads like that of all rows together."""
    return f"={as_id(group)}"


def _alike(given: Sequence[Subset]) -> Iterable[tuple[Subset, np.ndarray]]:
    """Yield each subset with the places of its rows."""
    places: dict[Subset, list[int]] = {}
    for row, subset in enumerate(given):
        places.setdefault(subset, []).append(row)
    for subset, rows in places.items():
        yield subset, np.asarray(rows)
