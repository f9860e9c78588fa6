"""What a missing input costs, against a model that never had it: the test of living with what is missing."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.directory import split_ids
from mmsdk.app.fitting import fit
from mmsdk.app.resolving import resolve_application
from mmsdk.data import group_cells
from mmsdk.errors import ConfigError
from mmsdk.evaluate import judged_part, paired, score_logits
from mmsdk.evaluate.scores import Scoring
from mmsdk.model import encode_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.app.application import App
    from mmsdk.config import Application
    from mmsdk.model import Target


def missing_against_left(
    application: Application | Mapping[str, Any] | str | Path, data: Any = None, *, out: str | Path, **fitting: Any
) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Fit with all inputs, and once without each; compare, on the same held-out rows, who does without it better.

    :param application: with two inputs or more, and a task.
    :param out: a folder for the runs, ``all`` and ``without-<input>``.
    :param fitting: more words for :func:`mmsdk.fit` (``seed``, ``device``, ``quiet``, ...).
    :returns: ``{task: {input: {"missing": .., "left": .., "gain": ..}}}``: the metric that decides of the whole model
        where the input is missing from every row, of the model that was trained on the inputs left, and the paired
        difference of the two, positive where the whole model is the better one; each ``{value, low, high, n}``.
    :raises ConfigError: one input only, or no task.
    """
    resolved = resolve_application(application, data=data)
    if len(resolved.inputs) < 2 or not resolved.tasks:
        raise ConfigError("comparing with an input left out needs two inputs or more, and a task")
    source = resolved.data if data is None else data
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {name: {} for name in resolved.tasks}
    with contextlib.closing(fit(resolved, source, Path(out) / "all", **fitting)) as whole:
        targets, split, groups = _targets(whole, source)
        for name in resolved.inputs:
            rest = {key: entry for key, entry in resolved.inputs.items() if key != name}
            fewer = resolved.model_copy(update={"inputs": rest})
            missing = _logits(whole, source, list(rest))
            with contextlib.closing(fit(fewer, source, Path(out) / f"without-{name}", **fitting)) as part:
                left = _logits(part, source, list(rest))
            for task, target in targets.items():
                found[task][name] = _compared(target, split, groups, missing[task], left[task])
    return found


def _targets(app: App, source: Any) -> tuple[dict[str, Target], np.ndarray, np.ndarray | None]:
    """Return the targets, the part and the group of every row."""
    samples, _ = app.pipeline.read(source, partial=True)
    parts = dict(zip(*split_ids(app.folder), strict=True))
    split = np.array([parts[name] for name in samples.ids], dtype=object)
    targets = {
        name: encode_targets(
            app.tasks[name], samples.table.cells(entry.column), name=name, column=entry.column, on_bad_row="skip"
        )[0]
        for name, entry in app.application.tasks.items()
    }
    group = app.application.split.group
    return targets, split, group_cells(samples.table.cells(group)) if group else None


def _logits(app: App, source: Any, keep: list[str]) -> dict[str, np.ndarray]:
    """Return the logits of every row from some inputs."""
    samples, _ = app.pipeline.read(source, partial=True)
    return app.pipeline.fuse(app.pipeline.embed(samples), keep)[1]


def _compared(
    target: Target, split: np.ndarray, groups: np.ndarray | None, missing: np.ndarray, left: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Return both scores on the judged rows, and the paired difference."""
    rows = target.labelled_rows(split == judged_part(target, split))
    task, truth = target.task, target.values[rows]
    better = 1 if task.higher_is_better else -1
    first, second = (task.scores(one[rows], truth)[task.metric] for one in (missing, left))
    gain = paired(
        lambda r: better * first(r),
        lambda r: better * second(r),
        len(rows),
        groups=None if groups is None else groups[rows],
    )
    scoring = Scoring(groups=groups)
    return {
        "missing": score_logits(task, missing[rows], truth, rows=rows, scoring=scoring)[task.metric],
        "left": score_logits(task, left[rows], truth, rows=rows, scoring=scoring)[task.metric],
        "gain": gain.as_json(),
    }
