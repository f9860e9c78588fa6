"""``mmsdk.compare``: two runs, or two cross-validations, on the same rows that neither learned from."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.application import App
from mmsdk.app.confiding import calibrated_logits
from mmsdk.app.crossed import CrossValidation, read_crossed
from mmsdk.app.directory import split_ids
from mmsdk.app.loading import load
from mmsdk.app.recording import table_fingerprint
from mmsdk.data import group_cells, read_table
from mmsdk.errors import DataError, RunError
from mmsdk.evaluate.bootstrap import RESAMPLES
from mmsdk.evaluate.differences import Answers, compare_answers
from mmsdk.evaluate.spaces import in_space, joined_task, truth_in_space
from mmsdk.model import encode_targets
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.app.pipeline import Pipeline
    from mmsdk.data import Table
    from mmsdk.protocols import Task

NAMES = ("A", "B")


def compare(
    a: App | CrossValidation | str | Path,
    b: App | CrossValidation | str | Path,
    data: Any = None,
    *,
    root: Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two runs on the same labelled rows, none of which either learned from or was chosen by.

    For every task that both answer: each metric of both with the paired bootstrap interval of ``B - A`` (by whole
    groups where ``split.group`` says so), McNemar's exact test (classification) or the sign test and Wilcoxon's
    (numbers, several labels), and a verdict by the task's own metric. Where these rows cannot tell the two apart,
    ``rows_needed`` says about how many could (80 % power). Fewer than six rows, or groups, are too few to tell.

    :param a: a run directory or a loaded application; ``b`` likewise. Or both what :func:`mmsdk.cross_validate`
        returned for the same table, or the file that it was saved in: then every row is compared on its out-of-fold
        answers, the mean of the repeats.
    :param data: a labelled table; without it, the table that ``a`` was made with, of which the rows in the test part of
        both runs count. A task that no row has a label of is left out, as long as another is left.
    :param root: the folder that relative paths of ``data`` start from.
    :param resamples: of the paired bootstrap, and ``seed`` its seed.
    :returns: ``{"a", "b", "rows", "left_out": {"a", "b"}, "grouped_by", "tasks": {task: {...}}}``; ``left_out`` counts
        the rows that a run was made with.
    :raises DataError: no row is left, or none has a label; two cross-validations are not of the same rows and labels.
    :raises RunError: the two answer no task in common.
    """
    a, b = (read_crossed(one) if isinstance(one, str | Path) and Path(one).is_file() else one for one in (a, b))
    if isinstance(a, CrossValidation) or isinstance(b, CrossValidation):
        if not (isinstance(a, CrossValidation) and isinstance(b, CrossValidation)):
            raise DataError("a run and a cross-validation did not learn from comparable rows; compare two of a kind")
        if data is not None:
            raise DataError("two cross-validations are compared on the rows they scored: leave out the data")
        return _compare_folds(a, b, resamples=resamples, seed=seed)
    with contextlib.ExitStack() as stack:
        apps = [_opened(one, stack) for one in (a, b)]
        tasks = _common_tasks(*apps)
        table = _table(apps[0], data, root)
        rows, left_out = _unseen(apps, table, both=data is None)
        group = next((g for g in (one.application.split.group for one in apps) if g and g in table.names), None)
        groups = None if group is None else group_cells(table.cells(group))[rows]
        kept = table.take(rows)
        logits = [_logits(app, kept) for app in apps]
        found = {}
        for name, column in _labelled(tasks, kept, apps[0].pipeline.quiet).items():
            whole = joined_task([app.tasks[name] for app in apps])
            sides = [
                Answers(name=side, logits=[in_space(one[name], app.tasks[name], whole)])
                for side, app, one in zip(NAMES, apps, logits, strict=True)
            ]
            found[name] = _compared(
                whole, kept, sides, name=name, column=column, groups=groups, resamples=resamples, seed=seed,
                pipeline=apps[0].pipeline,
            )  # fmt: skip
        names = [str(app.folder) for app in apps]
    return {
        "a": names[0], "b": names[1], "rows": len(rows), "left_out": left_out, "grouped_by": group, "tasks": found,
    }  # fmt: skip


def _compare_folds(a: CrossValidation, b: CrossValidation, *, resamples: int, seed: int) -> dict[str, Any]:
    """Compare two cross-validations of the same rows, each row by its out-of-fold answers."""
    tasks = [
        name for name in a.targets if name in b.targets and type(a.targets[name].task) is type(b.targets[name].task)
    ]
    if not tasks:
        raise RunError(f"{a.name} and {b.name} have no task in common, so there is nothing to compare")
    found = {}
    grouped = next(((side, cv.groups) for side, cv in enumerate((a, b)) if cv.groups is not None), None)
    for name in tasks:
        rows = _same_rows(a, b, name)
        whole = joined_task([a.targets[name].task, b.targets[name].task])
        truth = _same_truth((a, b), name, whole, rows)
        sides = [
            Answers(name=side, logits=[in_space(one, cv.targets[name].task, whole) for one in cv.logits[name][:, at]])
            for side, cv, at in zip(NAMES, (a, b), rows, strict=True)
        ]
        by = None if grouped is None else grouped[1][rows[grouped[0]]]
        found[name] = compare_answers(whole, truth, sides[0], sides[1], groups=by, resamples=resamples, seed=seed)
    count = int((a.fold[0] >= 0).sum())
    group = None if grouped is None else "split.group"
    return {
        "a": a.name, "b": b.name, "rows": count, "left_out": {"a": 0, "b": 0}, "grouped_by": group, "tasks": found,
    }  # fmt: skip


def _same_rows(a: CrossValidation, b: CrossValidation, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the labelled rows that folds were made of, in both, in the order of the first.

    :raises DataError: one of the two scored rows that the other did not.
    """
    places = [
        {cv.ids[row]: row for row in np.flatnonzero((cv.fold[0] >= 0) & cv.targets[name].labelled)} for cv in (a, b)
    ]
    if alone := sorted(places[0].keys() ^ places[1].keys()):
        raise DataError(
            f"tasks.{name}: {len(alone)} rows were scored by one of {a.name} ({len(places[0])} rows) and {b.name} "
            f"({len(places[1])} rows) alone, {alone[0]!r} the first of them; cross-validate both on the same table"
        )
    return np.array(list(places[0].values())), np.array([places[1][one] for one in places[0]])


def _same_truth(
    both: tuple[CrossValidation, CrossValidation], name: str, whole: Task, rows: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return the labels of rows, in the space of a task.

    :raises DataError: the two do not agree on them.
    """
    first, second = (
        truth_in_space(cv.targets[name].values[at], cv.targets[name].task, whole)
        for cv, at in zip(both, rows, strict=True)
    )
    apart = ~np.isclose(first, second, rtol=1e-4, atol=1e-5).reshape(len(first), -1).all(axis=1)
    if apart.any():
        a, b = both
        raise DataError(
            f"tasks.{name}: {int(apart.sum())} of {len(first)} rows have another label in {a.name} than in {b.name}, "
            f"row {a.ids[rows[0][apart.argmax()]]!r} first; cross-validate both on the same table"
        )
    return first


def _compared(
    whole: Task,
    table: Table,
    sides: list[Answers],
    *,
    name: str,
    column: str,
    groups: np.ndarray | None,
    resamples: int,
    seed: int,
    pipeline: Pipeline,
) -> dict[str, Any]:
    """Return the comparison on the labelled rows of one task."""
    skip = pipeline.policy.on_bad_row
    target, problems = encode_targets(whole, table.cells(column), name=name, column=column, on_bad_row=skip)
    pipeline.tell_skipped(f"tasks.{name}", problems)
    rows = np.flatnonzero(target.labelled)
    if len(rows) == 0:  # there are cells, and none that can be used
        raise DataError(f"tasks.{name}: no row to compare on has a label in column {column!r}")
    first, second = (Answers(name=one.name, logits=[each[rows] for each in one.logits]) for one in sides)
    by = None if groups is None else groups[rows]
    return compare_answers(whole, target.values[rows], first, second, groups=by, resamples=resamples, seed=seed)


def _labelled(tasks: Mapping[str, str], table: Table, quiet: bool) -> dict[str, str]:
    """Return task -> column of the tasks that a row of the table has a label of; what is left out is said.

    :raises DataError: there is no such task.
    """
    found = {name: column for name, column in tasks.items() if column in table.names and table.present(column).any()}
    said = [
        f"tasks.{name}: no row to compare on has a label in column {column!r}"
        for name, column in tasks.items()
        if name not in found
    ]
    if not found:
        raise DataError("; ".join(said))
    for one in said:
        note(f"{one}; the other tasks are compared", quiet)
    return found


def _opened(one: App | str | Path, stack: contextlib.ExitStack) -> App:
    """Return an application; one that is loaded here is closed at the end."""
    if isinstance(one, App):
        return one
    app = load(one, quiet=True, allow_outside=True)
    stack.callback(app.close)
    return app


def _common_tasks(a: App, b: App) -> dict[str, str]:
    """Return task -> column of the tasks that both answer.

    :raises RunError: the two have no task in common.
    """
    ours = {name: (one.type, one.column) for name, one in a.application.tasks.items()}
    theirs = {name: (one.type, one.column) for name, one in b.application.tasks.items()}
    common = {name: column for name, (kind, column) in ours.items() if theirs.get(name) == (kind, column)}
    if not common:
        said = [", ".join(f"{name} ({kind} of {column})" for name, (kind, column) in one.items()) or "none"
                for one in (ours, theirs)]  # fmt: skip
        raise RunError(
            f"{a.folder} and {b.folder} have no task in common, so there is nothing to compare: {said[0]} against "
            f"{said[1]}"
        )
    return common


def _table(app: App, data: Any, root: Path | None) -> Table:
    """Return the table to compare on: the one given, else the one that the first run was made with."""
    if data is None:
        data = app.application.data
        if data is None or not Path(data).is_file():
            where = "was made from a table in memory" if data is None else f"was made from {data}, which is gone"
            raise DataError(f"{app.folder} {where}; name the rows to compare on with --data")
    return app.pipeline.table(data, root=root) if not isinstance(data, str | Path) else read_table(data, root=root)


def _unseen(apps: list[App], table: Table, *, both: bool) -> tuple[np.ndarray, dict[str, int]]:
    """Return the rows that neither run was made with, and how many each of them was.

    :param both: take only rows that the first run held out as its test; without labels of their own split, new rows
        are as good.
    :raises DataError: none is left.
    """
    parts = [_parts(app, table) for app in apps]
    asked = parts[0] == "test" if both else np.ones(len(table), dtype=bool)
    learned = [asked & np.isin(one, ("train", "val")) for one in parts]
    left_out = {side.lower(): int(one.sum()) for side, one in zip(NAMES, learned, strict=True)}
    rows = np.flatnonzero(asked & ~learned[0] & ~learned[1])
    if len(rows) == 0:
        raise DataError(
            f"no row of {table.name} is new to both runs: of {int(asked.sum())} rows {apps[0].folder} was made with "
            f"{left_out['a']} and {apps[1].folder} with {left_out['b']}; fit both with the same split, or give new "
            "rows with --data"
        )
    return rows, left_out


def _parts(app: App, table: Table) -> np.ndarray:
    """Return the part that each row had in a run, ``""`` where the run never saw it.

    Rows are known by their id; without ids, only the whole table that the run was made with is recognised. A row whose
    id is empty may be any, so that it is taken for one of training where bad rows are skipped.
    """
    ids, parts = split_ids(app.folder)
    column = app.application.id
    if column is None:
        same = table_fingerprint(table) == app.document["data"]["table"]
        return np.asarray(parts, dtype=object) if same else np.full(len(table), "", dtype=object)
    from mmsdk.data.table import as_id, plain_id

    table.require([column])
    known: Mapping[str, str] = dict(zip(map(plain_id, ids), parts, strict=True))
    bare = "train" if app.pipeline.policy.on_bad_row == "skip" else ""
    found = [bare if cell is None else known.get(plain_id(as_id(cell)), "") for cell in table.cells(column)]
    return np.asarray(found, dtype=object)


def _logits(app: App, table: Table) -> dict[str, np.ndarray]:
    """Return the calibrated logits of every task for the rows of a table."""
    samples, _ = app.pipeline.read(table, partial=True)
    embeddings = app.pipeline.embed(samples)
    return calibrated_logits(app, app.pipeline.fuse(embeddings)[1], embeddings.present)
