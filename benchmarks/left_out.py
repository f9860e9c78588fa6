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
from mmsdk.evaluate import bootstrap, judged_part, paired
from mmsdk.model import encode_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.config import Application
    from mmsdk.model import Target


def missing_against_left(
    application: Application | Mapping[str, Any] | str | Path,
    data: Any = None,
    *,
    out: str | Path,
    seeds: Sequence[int] = (0,),
    **fitting: Any,
) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Fit with all inputs, and once without each; compare, on the same held-out rows, who does without it better.

    :param application: with two inputs or more, and a task.
    :param out: a folder for the runs, ``all-<seed>`` and ``without-<input>-<seed>``.
    :param seeds: of training, whose scores are averaged: luck of one is in no interval over rows.
    :param fitting: more words for :func:`mmsdk.fit` (``device``, ``quiet``, ...).
    :returns: ``{task: {input: {"missing": .., "left": .., "gain": ..}}}``: the metric that decides of the whole model
        where the input is missing from every row, of the model that was trained on the inputs left, and the paired
        difference of the two, positive where the whole model is the better one; each ``{value, low, high, n}``.
    :raises ConfigError: one input only, or no task.
    """
    resolved = resolve_application(application, data=data)
    if len(resolved.inputs) < 2 or not resolved.tasks:
        raise ConfigError("comparing with an input left out needs two inputs or more, and a task")
    source = resolved.data if data is None else data
    rest = {name: [one for one in resolved.inputs if one != name] for name in resolved.inputs}
    missing: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in rest}
    left: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in rest}
    for seed in seeds:
        whole = resolve_application(resolved, overrides={"training.seed": seed})
        with contextlib.closing(fit(whole, source, Path(out) / f"all-{seed}", **fitting)) as app:
            targets, split, groups = _targets(app, source)
            for name, kept in rest.items():
                missing[name].append(_logits(app, source, kept))
        for name, kept in rest.items():
            fewer = whole.model_copy(update={"inputs": {one: whole.inputs[one] for one in kept}})
            with contextlib.closing(fit(fewer, source, Path(out) / f"without-{name}-{seed}", **fitting)) as app:
                left[name].append(_logits(app, source, kept))
    return {
        task: {
            name: _compared(target, split, groups, *([one[task] for one in each[name]] for each in (missing, left)))
            for name in rest
        }
        for task, target in targets.items()
    }


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
    target: Target, split: np.ndarray, groups: np.ndarray | None, missing: list[np.ndarray], left: list[np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Return both scores on the judged rows, and the paired difference; means over the seeds."""
    rows = target.labelled_rows(split == judged_part(target, split))
    task, truth = target.task, target.values[rows]
    judged = None if groups is None else groups[rows]
    first, second = ([task.scores(one[rows], truth)[task.metric] for one in each] for each in (missing, left))
    better = 1 if task.higher_is_better else -1

    def mean(scores: list[Any]) -> Callable[[np.ndarray], float]:
        return lambda drawn: float(np.mean([score(drawn) for score in scores]))

    whole, part = mean(first), mean(second)
    found = bootstrap({"missing": whole, "left": part}, len(rows), groups=judged)
    gain = paired(lambda r: better * whole(r), lambda r: better * part(r), len(rows), groups=judged)
    return {name: one.as_json() for name, one in found.items()} | {"gain": gain.as_json()}
