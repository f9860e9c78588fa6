"""``mmsdk.evaluate``: an application scored on labelled rows that it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.confiding import calibrated_logits
from mmsdk.app.directory import split_ids
from mmsdk.app.recording import table_fingerprint
from mmsdk.data import Samples, read_table
from mmsdk.errors import DataError, RunError
from mmsdk.evaluate import Scoring, score_logits
from mmsdk.evaluate.baselines import blind_baseline
from mmsdk.model import encode_targets
from mmsdk.progress import note

if TYPE_CHECKING:
    from mmsdk.app.application import App


def evaluate(app: App, data: Any, *, root: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Score the tasks of a run on new rows, or on the rows of its own table that were held out.

    Rows that the run learned from (``train``) or was chosen by (``val``) are never scored: they are left out, and where
    nothing else is left, refused.

    :param data: a table with the columns of the tasks.
    :returns: ``{task: {"test": {metric: {value, low, high, n}}, "baselines": {...}}}``, as in ``metrics.json``.
    :raises DataError: every row was used to make the run, or none has a label.
    :raises RunError: the run has no task to score. A recommender is scored when it is fitted, on pairs held out then.
    """
    if not app.tasks:
        raise RunError(
            f"{app.folder} has no task to score; a recommender is scored when it is fitted, see metrics.json there"
        )
    table = app.pipeline.table(data, root=root) if not isinstance(data, str | Path) else read_table(data, root=root)
    identity = [app.application.id] if app.application.id else []
    table.require([*identity, *(entry.column for entry in app.application.tasks.values())])
    samples, _ = app.pipeline.read(table, partial=True)
    fresh = _unseen(app, samples)
    embeddings = app.pipeline.embed(samples)
    _, logits = app.pipeline.fuse(embeddings)
    logits = calibrated_logits(app, logits, embeddings.present)
    group = app.application.split.group
    groups = np.asarray(table.cells(group), dtype=object) if group in table.names else None
    found = {}
    for name, entry in app.application.tasks.items():
        target, _ = encode_targets(
            app.tasks[name],
            samples.table.cells(entry.column),
            name=name,
            column=entry.column,
            ids=samples.ids,
            on_bad_row=app.pipeline.policy.on_bad_row,
        )
        rows = target.labelled_rows(fresh)
        if len(rows) == 0:
            raise DataError(f"tasks.{name}: no row to score has a label in column {entry.column!r}")
        scoring = Scoring(groups=groups, seed=seed)
        truth = target.values[rows]
        blind, guess = blind_baseline(target.task, len(rows))
        found[name] = {
            "test": score_logits(target.task, logits[name][rows], truth, rows=rows, scoring=scoring),
            "baselines": {blind: score_logits(target.task, guess, truth, rows=rows, scoring=scoring)},
        }
    return found


def _unseen(app: App, samples: Samples) -> np.ndarray:
    """Return the bool mask of rows the run neither learned from nor was chosen by.

    A row is known by its id. Of an application without ids only the whole table it was made with is recognised.
    """
    if app.application.id is None:
        if table_fingerprint(samples.table) == app.document["data"]["table"]:
            raise DataError(
                f"{samples.table.name} is the table {app.folder} was made with, and a score on it would flatter; give "
                "rows it has not seen, or read metrics.json for its test rows"
            )
        note("the application has no id column, so rows it was trained on cannot be recognised", app.pipeline.quiet)
        return np.ones(len(samples), dtype=bool)
    used = _used_ids(app.folder)
    fresh = np.array([name not in used for name in samples.ids], dtype=bool)
    if not fresh.any():
        raise DataError(
            f"all {len(samples)} rows were used to make {app.folder}, and a score on them would flatter; give rows it "
            "has not seen, or read metrics.json for its test rows"
        )
    if not fresh.all():
        note(
            f"left out {int((~fresh).sum())} rows that {app.folder} was made with; scoring {int(fresh.sum())}",
            app.pipeline.quiet,
        )
    return fresh


def _used_ids(folder: Path) -> set[str]:
    """Return the ids of the rows a run was made with."""
    return {name for name, part in zip(*split_ids(folder), strict=True) if part in ("train", "val")}
