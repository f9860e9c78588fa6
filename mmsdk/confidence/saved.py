"""The confidence of a run as JSON and arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.confidence.calibrate import Calibrator, Kind
from mmsdk.confidence.judge import Confidence, Judge, TaskConfidence
from mmsdk.confidence.novelty import Novelty

if TYPE_CHECKING:
    from collections.abc import Mapping

INFINITE = "inf"  # JSON has no such number


def saved_document(confidence: Confidence) -> dict[str, Any]:
    """Return what run.json holds of it."""
    return {
        "inputs": list(confidence.inputs),
        "by": confidence.by,
        "strange": confidence.strange,
        "coverage": confidence.coverage,
        "source": confidence.source,
        "notes": list(confidence.notes),
        "novelty": None if confidence.novelty is None else [list(one) for one in confidence.novelty.scales],
        "tasks": {
            name: {
                "method": task.method,
                "how": task.how,
                "judges": [
                    {
                        "given": list(given),
                        "rows": judge.rows,
                        "units": judge.units,
                        "method": judge.calibrator.method,
                        "kind": judge.calibrator.kind,
                        "thresholds": {group: _number(one) for group, one in judge.thresholds.items()},
                        "floor": _number(judge.floor),
                    }
                    for given, judge in task.judges.items()
                ],
            }
            for name, task in confidence.tasks.items()
        },
    }


def saved_arrays(confidence: Confidence) -> dict[str, np.ndarray]:
    """Return its arrays, under names without a prefix."""
    found: dict[str, np.ndarray] = {}
    for number, task in enumerate(confidence.tasks.values()):
        for place, judge in enumerate(task.judges.values()):
            found |= {f"task.{number}.{place}.{name}": one for name, one in judge.calibrator.arrays.items()}
    if confidence.novelty is not None:
        found["novelty.references"] = confidence.novelty.references
        found |= {f"novelty.{place}": one for place, one in enumerate(confidence.novelty.scales.values())}
    return found


def restored(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Confidence:
    """Return what :func:`saved_document` and :func:`saved_arrays` described; it answers the same to the bit."""
    novelty = None
    if document["novelty"] is not None:
        scales = {tuple(given): arrays[f"novelty.{place}"] for place, given in enumerate(document["novelty"])}
        novelty = Novelty(references=arrays["novelty.references"], scales=scales)
    return Confidence(
        inputs=tuple(document["inputs"]),
        tasks={
            name: _task(task, arrays, f"task.{number}") for number, (name, task) in enumerate(document["tasks"].items())
        },
        novelty=novelty,
        by=document["by"],
        strange=document["strange"],
        coverage=document["coverage"],
        source=document["source"],
        notes=tuple(document["notes"]),
    )


def _task(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray], prefix: str) -> TaskConfidence:
    """Return one task."""
    judges = {}
    for place, one in enumerate(document["judges"]):
        start = f"{prefix}.{place}."
        kind: Kind = one["kind"]
        learned = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        judges[tuple(one["given"])] = Judge(
            calibrator=Calibrator(method=one["method"], kind=kind, arrays=learned),
            rows=one["rows"],
            units=one["units"],
            thresholds={group: float(limit) for group, limit in one["thresholds"].items()},
            floor=float(one["floor"]),
        )
    return TaskConfidence(method=document["method"], how=document["how"], judges=judges)


def _number(value: float) -> float | str:
    """Return a number as JSON can hold it."""
    return INFINITE if np.isinf(value) else value
