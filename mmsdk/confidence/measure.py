"""What the promises came to on rows that had no part in them: calibration, coverage, set size, risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.confidence.abstain import effective_rows, error_bound
from mmsdk.confidence.fit import confidence_of, kind_of
from mmsdk.confidence.judge import fitting_labels
from mmsdk.data.table import as_id
from mmsdk.evaluate.bootstrap import bootstrap
from mmsdk.evaluate.mean import Mean
from mmsdk.evaluate.scores import score_logits
from mmsdk.tasks import Classification, Multilabel, Regression, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.confidence.judge import Confidence, Subset
    from mmsdk.evaluate import Scoring
    from mmsdk.model import Target
    from mmsdk.protocols import Output, Task

    Metrics = dict[str, dict[str, float | int]]

CALIBRATION = ("log_loss", "brier", "ece")
BINS = 10
POINTS = 50
FEWEST = 20  # rows of a subset or a group that are worth a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Held-out labelled rows, answered.

    :param rows: int64 ``(r,)`` positions in the table.
    :param logits: ``(r, width)`` of the model, before calibration.
    :param vectors: ``(r, dim)`` fused.
    :param given: which inputs each was answered from.
    :param groups: the value of each within which coverage is held, None without.
    """

    rows: np.ndarray
    logits: np.ndarray
    vectors: np.ndarray
    given: Sequence[Subset]
    groups: Sequence[Any] | None = None


def measure_task(
    confidence: Confidence,
    name: str,
    target: Target,
    whole: Asked,
    parts: Mapping[str, Asked],
    *,
    scoring: Scoring,
    declines: bool = False,
    error: float | None = None,
) -> dict[str, Any]:
    """Return the ``confidence`` entry of a task in metrics.json.

    :param whole: every held-out row from all it has.
    :param parts: name of a subset -> its rows answered as if only that had been given.
    :param declines: answers may be declined. :param error: how often those given may err, where that was asked for.
    """
    task = confidence.tasks[name]
    fullest = task.judges[max(task.judges, key=len)]
    answers = _answers(confidence, name, target, whole, declines=declines)
    found: dict[str, Any] = {
        "method": task.method,
        "source": confidence.source,
        "rows": fullest.rows,
        "units": fullest.units,
        "scored": len(whole.rows) if scoring.groups is None else len(np.unique(scoring.groups[whole.rows].astype(str))),
        "notes": [one for one in confidence.notes if one.startswith(f"{name}: ")],
    }
    found |= _calibration(confidence, name, target, whole, scoring)
    if confidence.limits(name, whole.given, whole.groups) is not None:
        found |= _coverage(confidence, name, target, whole, parts, scoring)
    if error is not None:
        found["error_asked"] = error
    if error is not None or any(one.abstained for one in answers):
        found["answered"] = _answered(confidence, name, target, whole, answers, scoring)
    novel = [one.novelty for one in answers if one.novelty is not None]
    if novel:
        found["novelty"] = _means({"above_95": np.asarray(novel) > 0.95}, whole.rows, scoring)
    return found


def _answers(
    confidence: Confidence, name: str, target: Target, asked: Asked, *, declines: bool = False
) -> list[Output]:
    """Return the answers for some rows as an application gives them."""
    return confidence.judged(
        name,
        target.task,
        target.task.outputs(confidence.calibrated(name, asked.logits, asked.given)),
        asked.logits,
        given=asked.given,
        groups=asked.groups,
        novelties=confidence.novelties(asked.vectors, asked.given),
        declines=declines,
    )


def _means(values: Mapping[str, np.ndarray], rows: np.ndarray, scoring: Scoring) -> Metrics:
    """Return the means of some values of rows with their intervals."""
    groups = None if scoring.groups is None else scoring.groups[rows]
    statistics = {name: _mean_of(np.asarray(one, dtype=np.float64), name) for name, one in values.items()}
    found = bootstrap(statistics, len(rows), groups=groups, resamples=scoring.resamples, seed=scoring.seed)
    return {name: one.as_json() for name, one in found.items()}


def _mean_of(values: np.ndarray, name: str) -> Callable[[np.ndarray], float]:
    """Return the mean as a function of the rows; of values that are 0 or 1, and of parts of them, a share.

    The size of a set is no share, though it be 1 in every row.
    """
    mean = Mean(values)
    shares = name != "size" and bool(((values >= 0) & (values <= 1)).all())
    return Share(of=mean, weights=np.ones(len(values))) if shares else mean


def _calibration(confidence: Confidence, name: str, target: Target, whole: Asked, scoring: Scoring) -> dict[str, Any]:
    """Return the figures before calibration, the reliability diagrams, and risk against coverage."""
    kind = kind_of(target.task)
    if kind is None:
        return {}
    truth = target.values[whole.rows]
    calibrated = confidence.calibrated(name, whole.logits, whole.given)
    raw = score_logits(target.task, whole.logits, truth, rows=whole.rows, scoring=scoring)
    sure, right = confidence_of(kind, calibrated, truth)
    groups = None if scoring.groups is None else scoring.groups[whole.rows]
    area = bootstrap(
        {"aurc": lambda rows: risk_area(sure[rows], right[rows])},
        len(sure),
        groups=groups,
        resamples=scoring.resamples,
        seed=scoring.seed,
    )
    return {
        "raw": {metric: raw[metric] for metric in CALIBRATION if metric in raw},
        "reliability": {
            "raw": reliability(*confidence_of(kind, whole.logits, truth), groups=groups),
            "calibrated": reliability(sure, right, groups=groups),
        },
        "risk": {**{key: one.as_json() for key, one in area.items()}, "curve": risk_curve(sure, right)},
    }


def reliability(
    sure: np.ndarray, right: np.ndarray, *, groups: np.ndarray | None = None
) -> list[dict[str, float | int]]:
    """Return ten equal bins of confidence: how sure, how often right, and its 95 % interval (Clopper and Pearson).

    :param groups: ``(n,)``, of rows that are not independent: they count as :func:`effective_rows` says.
    """
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    found: list[dict[str, float | int]] = []
    for number in np.unique(bins):
        here = bins == number
        hits, rows = int(right[here].sum()), int(here.sum())
        worth = float(rows)
        if groups is not None and len(np.unique(groups.astype(str))) > 1:
            worth = effective_rows(~right[here], groups[here], doubt=0.025)
        errors = (rows - hits) * worth / rows
        found.append(
            {
                "confidence": float(sure[here].mean()),
                "value": hits / rows,
                "low": 1 - error_bound(errors, worth, doubt=0.025),
                "high": error_bound(worth - errors, worth, doubt=0.025),
                "n": rows,
            }
        )
    return found


def risk_area(sure: np.ndarray, right: np.ndarray) -> float:
    """Return the area under risk against coverage: the mean error of the surest row, the two surest, ... all.

    Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206.
    """
    return float(_risks(sure, right).mean())


def risk_curve(sure: np.ndarray, right: np.ndarray) -> list[list[float]]:
    """Return up to 50 points ``[share answered, error of these]``, the surest rows first."""
    risks = _risks(sure, right)
    places = np.unique(np.linspace(0, len(risks) - 1, min(POINTS, len(risks))).astype(np.int64))
    return [[float((one + 1) / len(risks)), float(risks[one])] for one in places]


def _risks(sure: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the error of the surest ``1, 2, ... n`` rows; that of equally sure ones is what any order gives them.

    Else the curve would depend on the order of the table wherever confidences are alike (rounded, isotonic, or all 1).
    """
    _, place, count = np.unique(-sure, return_inverse=True, return_counts=True)
    errors = np.bincount(place, weights=~right) / count
    return np.asarray(np.cumsum(np.repeat(errors, count)) / np.arange(1, len(right) + 1))


def _coverage(
    confidence: Confidence, name: str, target: Target, whole: Asked, parts: Mapping[str, Asked], scoring: Scoring
) -> dict[str, Any]:
    """Return how often sets hold the truth and how large they are: overall, by subset, by group."""
    found: dict[str, Any] = {"target": confidence.coverage, "sets": _sets(confidence, name, target, whole, scoring)}
    beside = scoring.beside()
    found["subsets"] = {
        subset: _sets(confidence, name, target, one, beside) for subset, one in parts.items() if len(one.rows) >= FEWEST
    }
    if whole.groups is not None:
        names = np.array([as_id(one) for one in whole.groups], dtype=object)
        found["groups"] = {
            group: _sets(confidence, name, target, chosen(whole, names == group), beside)
            for group in sorted(set(names))
            if (names == group).sum() >= FEWEST
        }
    return found


def chosen(asked: Asked, mask: np.ndarray) -> Asked:
    """Return some of the rows."""
    places = np.flatnonzero(mask)
    each = places.tolist()
    return Asked(
        rows=asked.rows[places],
        logits=asked.logits[places],
        vectors=asked.vectors[places],
        given=[asked.given[one] for one in each],
        groups=None if asked.groups is None else [asked.groups[one] for one in each],
    )


def _sets(confidence: Confidence, name: str, target: Target, asked: Asked, scoring: Scoring) -> Metrics:
    """Return coverage and size of the sets; ``strict`` is the coverage of the limit alone, the answer not put in."""
    answers = _answers(confidence, name, target, asked)
    limits = confidence.limits(name, asked.given, asked.groups)
    assert limits is not None
    task, truth = target.task, target.values[asked.rows]
    if isinstance(task, Regression):
        residual = np.abs(asked.logits[:, 0].astype(np.float64) - truth)
        return _means({"coverage": residual <= limits, "size": 2 * limits * task.scale}, asked.rows, scoring)
    assert isinstance(task, Classification | Multilabel)
    held = np.array(
        [[label in inside for label in task.labels] for inside in (set(one.prediction_set) for one in answers)]
    )
    strict = fitting_labels(task, asked.logits, limits, confidence.tasks[name].how)
    values = {"coverage": _held_truth(task, held, truth), "size": held.sum(1)}
    return _means(values | {"strict": _held_truth(task, strict, truth)}, asked.rows, scoring)


def _held_truth(task: Task, held: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return of each row whether the set holds its label, or the share of its labels that the set holds."""
    if isinstance(task, Classification):
        return np.asarray(held[np.arange(len(truth)), truth])
    right = np.asarray(truth) > 0.5
    counts = right.sum(1)
    return np.asarray(np.where(counts > 0, (held & right).sum(1) / np.maximum(counts, 1), 1.0))


def _answered(
    confidence: Confidence, name: str, target: Target, whole: Asked, answers: Sequence[Output], scoring: Scoring
) -> Metrics:
    """Return the share of rows that were answered, and the error among them."""
    kept = np.array([not one.abstained for one in answers])
    found = _means({"share": kept}, whole.rows, scoring)
    kind = kind_of(target.task)
    if kind is not None and kept.any():
        calibrated = confidence.calibrated(name, whole.logits, whole.given)
        _, right = confidence_of(kind, calibrated, target.values[whole.rows])
        found |= _means({"error": ~right[kept]}, whole.rows[kept], scoring)
    return found
