"""What a cross-validation came to: figures, the answers of every row, and the file that keeps both."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.directory import write_text
from mmsdk.errors import RunError
from mmsdk.files import json_text
from mmsdk.model import Target, open_task
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT = "mmsdk cross-validation 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """The out-of-fold answers of an application, and what they score.

    :param name: what :func:`mmsdk.compare` calls it.
    :param ids: the ids of all rows of the table.
    :param fold: int64 ``(repeats, n)``: the fold in which a row was held out, ``-1`` for rows that took no part.
    :param logits: task -> float32 ``(repeats, n, width)``, of rows without a fold zeros.
    :param targets: task -> truths and label set.
    :param kinds: task -> its ``type`` and the ``options`` that it was opened with, for the file of :meth:`save`.
    :param groups: ``(n,)`` cells of ``split.group``, or None.
    :param metrics: task -> ``{"pooled": {metric: {value, low, high, n}}, "folds": {metric: {value, low, high, n,
        values}}, "baselines": {name: {metric: {...}}}, "paired": {name: {metric: {...}}}}``. ``pooled`` scores all
        out-of-fold answers at once (the mean over the repeats; bootstrap by row or group), ``folds`` is the mean over
        folds and repeats with the corrected resampled t interval, cut where the metric ends (ends of None: fewer than
        three folds define it, or all score the same). ``baselines`` are pooled too: what looks at nothing and a linear
        model of all inputs, each learned in every fold from the same rows and vectors; ``paired`` is how far the
        application is ahead of each by the metric that decides (below zero: behind).
    :param calibrated: whether the logits are calibrated, by rows of each fold's own training part; with variants, those
        whose application says so. ``confidence.calibration: none`` leaves them as the network gives them.
    :param chosen: with variants, the one chosen in each outer fold: ``(repeats, folds)`` names.
    """

    name: str
    ids: tuple[str, ...]
    fold: np.ndarray
    logits: Mapping[str, np.ndarray]
    targets: Mapping[str, Target]
    kinds: Mapping[str, Mapping[str, Any]]
    groups: np.ndarray | None
    metrics: Mapping[str, Any]
    calibrated: bool = True
    chosen: Sequence[Sequence[str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the figures, without the answers."""
        return {
            "name": self.name,
            "folds": int(self.fold.max()) + 1,
            "repeats": len(self.fold),
            "rows": int((self.fold[0] >= 0).sum()),
            "calibrated": self.calibrated,
            "tasks": dict(self.metrics),
            "chosen": [list(one) for one in self.chosen],
        }

    def save(self, path: str | Path) -> None:
        """Write figures and answers as one JSON file, which :func:`mmsdk.compare` takes in the place of this object."""
        answers = {
            "ids": self.ids,
            "fold": self.fold,
            "groups": None if self.groups is None else self.groups.astype(str),
            "tasks": {name: self._answers(name) for name in self.targets},
        }
        document = {"format": FORMAT, **self.as_json(), "answers": answers}
        write_text(Path(path), json_text(document, indent=None) + "\n")

    def _answers(self, name: str) -> dict[str, Any]:
        """Return the truths of a task and what was answered, in nine digits: all that there are."""
        target, logits = self.targets[name], self.logits[name]
        return {
            **self.kinds[name],
            "state": target.task.state(),
            "labelled": target.labelled,
            "values": target.values,
            "dtype": str(target.values.dtype),
            "shape": logits.shape,
            "logits": [float(str(one)) for one in logits.ravel()],
        }


def read_crossed(path: str | Path) -> CrossValidation:
    """Return the cross-validation that :meth:`CrossValidation.save` wrote, under the name of its file.

    :raises RunError: the file is something else, or was changed.
    :raises PluginError: a task type is not installed here.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        answers = _answers_of(document)
        tasks, groups = answers["tasks"], answers["groups"]
        return CrossValidation(
            name=str(path),
            ids=tuple(answers["ids"]),
            fold=np.array(answers["fold"], dtype=np.int64),
            logits={
                name: np.array(one["logits"], dtype=np.float32).reshape(one["shape"]) for name, one in tasks.items()
            },
            targets={name: _target(one) for name, one in tasks.items()},
            kinds={name: {key: one[key] for key in ("type", "options")} for name, one in tasks.items()},
            groups=None if groups is None else np.array(groups, dtype=object),
            metrics=document["tasks"],
            calibrated=document["calibrated"],
            chosen=document["chosen"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{path} is no saved cross-validation, or was changed ({type(error).__name__}: {error}); write one with "
            "mmsdk evaluate APP.yaml --out FILE.json"
        ) from error


def _answers_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the answers that a file holds, of the format that is read here."""
    if document["format"] != FORMAT:
        raise ValueError(document["format"])
    found: Mapping[str, Any] = document["answers"]
    return found


def _target(saved: Mapping[str, Any]) -> Target:
    """Return the truths of a task, and the task with its label set."""
    task = open_task(get_registry().get("task", saved["type"]), saved["options"])
    task.load_state(saved["state"])
    return Target(
        task=task,
        values=np.array(saved["values"], dtype=saved["dtype"]),
        labelled=np.array(saved["labelled"], dtype=bool),
    )
