"""Which rows to label next, as a file to fill in; and the filled file back into the table."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mmsdk.app.confiding import guessed_outputs
from mmsdk.data import Table, read_table
from mmsdk.data.table import as_id, plain_id
from mmsdk.errors import ConfigError, DataError, RunError, unknown
from mmsdk.evaluate.labelling import choose_rows, uncertainty
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.application import App
    from mmsdk.data import Samples
    from mmsdk.protocols import Output

MOST_LABELLED = 5000  # vectors of labelled rows that are kept in mind, evenly spread
SCORE = "label_score"


def label(app: App, data: Any, k: int = 50, *, task: str | None = None, root: Path | None = None) -> pa.Table:
    """Return the ``k`` rows of a table whose labels would teach the run most, best first, to be filled in.

    A row's worth is how unsure its answer is (:func:`mmsdk.evaluate.labelling.uncertainty`) times how far it lies, in
    the joint space, from every row that is labelled or chosen already.

    :param data: the table; rows whose cell of the task holds a label already are left out, and so are those whose label
        the run knows where the table has no such column.
    :param task: whose label is asked for; every task of the run where left out, and a row without one of them counts.
    :param root: the folder that relative paths start from.
    :returns: every column of the table, those of the tasks empty, then ``<task>_guess`` and ``<task>_confidence`` of
        each, and ``label_score``. The guess stands there also where the run would decline to answer.
    :raises RunError: the run has no task.
    :raises ConfigError: an unknown task, or ``k`` below 1.
    :raises DataError: every row is labelled.
    """
    tasks = _tasks(app, task)
    if k < 1:
        raise ConfigError(f"cannot choose {k} rows; expected 1 or more")
    samples, _ = app.pipeline.read(data, root=root, partial=True)
    open_ = _unlabelled(app, samples, tasks)
    rows = np.flatnonzero(open_)
    if len(rows) == 0:
        raise DataError(f"every row of {samples.table.name} has a label of {', '.join(tasks)}: there is nothing to ask")
    embeddings = app.pipeline.embed(samples)
    vectors, logits = app.pipeline.fuse(embeddings)
    fired = app.pipeline.rules.fired(samples.table, len(samples))
    guesses = guessed_outputs(app, logits, embeddings.present, fired)
    unsure = np.mean([uncertainty([guesses[name][row] for row in rows.tolist()]) for name in tasks], axis=0)
    known = np.concatenate([vectors[~open_], *_labelled_vectors(app, {samples.ids[row] for row in rows})])
    chosen, scores = choose_rows(vectors[rows], unsure, known, k)
    return _file(app, samples, rows[chosen], {name: guesses[name] for name in tasks}, scores)


def fill_labels(app: App, data: Any, filled: Any, *, root: Path | None = None) -> pa.Table:
    """Return a table with the labels of a filled file put into its rows, by id; other rows stay as they are.

    An id that a program wrote otherwise (``280`` for ``000280``) is found where one row alone may be meant. That, and
    labels that the run's training never saw, are said on stderr.

    :param root: the folder that relative paths of both start from.
    :raises ConfigError: the application has no id column, by which rows could be told.
    :raises DataError: the filled file names a row that the table does not have, or holds no label at all.
    """
    identity = app.application.id
    if identity is None:
        raise ConfigError(
            "the application has no id column, so filled rows cannot be found again: add id: and fit anew"
        )
    table, told = (one if isinstance(one, Table) else read_table(one, root=root) for one in (data, filled))
    marks = {one.column: one.separator for one in app.application.tasks.values() if one.column in told.names}
    columns = list(marks)
    places = _places(table, told, identity)
    cells = {name: table.cells(name) if name in table.names else [None] * len(table) for name in columns}
    count = 0
    for column in columns:
        for row, cell in zip(places, told.cells(column), strict=True):
            if cell is not None:
                cells[column][row] = cell
                count += 1
    if count == 0:
        raise DataError(f"{told.name} holds no label: fill in {', '.join(columns) or 'the columns of the tasks'}")
    for line in _never_seen(app, told):
        note(line)
    found = table.columns
    for column, values in cells.items():
        text = pa.array([None if one is None else _label(one, marks[column]) for one in values], pa.string())
        place = found.column_names.index(column) if column in found.column_names else None
        found = found.append_column(column, text) if place is None else found.set_column(place, column, text)
    return found


def _places(table: Table, told: Table, identity: str) -> list[int]:
    """Return where in a table the rows of a filled file stand.

    :raises DataError: the table has no such row, or several that may be meant.
    """
    told.require([identity])
    names = [as_id(one) for one in table.cells(identity)]
    own = {name: row for row, name in enumerate(names)}
    counts = Counter(map(plain_id, own))
    alone = {plain: row for name, row in own.items() if counts[plain := plain_id(name)] == 1}
    found: list[int] = []
    otherwise: dict[str, str] = {}
    for row, name in enumerate(map(as_id, told.cells(identity))):
        place = own.get(name, alone.get(plain_id(name)))
        if place is None:
            raise DataError(f"{told.name}: row {row + 1}: {table.name} has no row with the id {name!r}")
        if name not in own:
            otherwise[name] = names[place]
        found.append(place)
    if otherwise:
        (name, meant), *_ = otherwise.items()
        ids = f"{len(otherwise)} id{'s' * (len(otherwise) > 1)}"
        note(f"{told.name}: {ids} found as another program writes them, as Excel does: {name} is {meant}")
    return found


def _never_seen(app: App, told: Table) -> Iterator[str]:
    """Yield a line for each label of a filled file that the run's training never saw: a slip, or a class of its own."""
    for name, task in app.tasks.items():
        column = app.application.tasks[name].column
        problems = task.encode(told.cells(column))[2] if column in told.names else []
        for (value, reason), rows in Counter((one.value, one.reason) for one in problems).items():
            many = f" ({rows} rows)" if rows > 1 else ""
            yield f"{told.name}: column {column!r}, {value!r}{many}: {reason}"


def as_flat(table: pa.Table) -> pa.Table:
    """Return a table that CSV can hold: cells that are lists become JSON text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            cells = [None if one is None else json.dumps(one) for one in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(cells, pa.string()))
    return table


def _tasks(app: App, task: str | None) -> list[str]:
    """Return the tasks whose labels are asked for."""
    if not app.tasks:
        raise RunError(f"{app.folder} has no task, so there is nothing to label")
    if task is not None and task not in app.tasks:
        raise ConfigError(unknown("task", task, app.tasks, where="--task", listed="Known"))
    return [task] if task is not None else list(app.tasks)


def _unlabelled(app: App, samples: Samples, tasks: Sequence[str]) -> np.ndarray:
    """Return bool ``(n,)``: rows without a label of some task."""
    found = np.zeros(len(samples), dtype=bool)
    for name in tasks:
        column = app.application.tasks[name].column
        if column in samples.table.names:
            found |= ~samples.table.present(column)
        else:
            known = _known_labels(app, samples.ids, column)
            found |= np.array([one not in known for one in samples.ids])
    return found


def _known_labels(app: App, ids: Sequence[str], column: str) -> set[str]:
    """Return which of some ids the run's index knows with a label."""
    if app.application.id is None:
        return set()
    here = [name for name in dict.fromkeys(ids) if name in app.index]
    return {name for name, row in zip(here, app.index.rows(here), strict=True) if row.get(column) not in (None, "")}


def _labelled_vectors(app: App, asked: set[str]) -> list[np.ndarray]:
    """Return the vectors of rows that the run learned from, at most 5,000, none that is asked about; maybe none."""
    from mmsdk.app.directory import split_ids

    mine = app.application.id is not None  # without ids, numbers name other rows here than there
    names = [
        name
        for name, part in zip(*split_ids(app.folder), strict=True)
        if part in ("train", "val") and not (mine and name in asked) and name in app.index
    ]
    if not names:
        return []
    spread = np.unique(np.linspace(0, len(names) - 1, min(MOST_LABELLED, len(names))).astype(np.int64))
    return [np.asarray(app.index.vectors([names[place] for place in spread]), dtype=np.float32)]


def _file(
    app: App,
    samples: Samples,
    rows: np.ndarray,
    guesses: Mapping[str, Sequence[Output]],
    scores: np.ndarray,
) -> pa.Table:
    """Return the chosen rows as a table to fill in.

    :param guesses: task -> the answers for all rows of the table.
    """
    found = samples.table.take(rows).columns
    identity = app.application.id or "id"
    if identity not in found.column_names:
        found = found.add_column(0, identity, pa.array([samples.ids[row] for row in rows], pa.string()))
    for name in guesses:
        column, empty = app.application.tasks[name].column, pa.nulls(len(rows), pa.string())
        if column in found.column_names:
            found = found.set_column(found.column_names.index(column), column, empty)
        else:
            found = found.append_column(column, empty)
    for name, answers in guesses.items():
        outputs = [answers[row] for row in rows.tolist()]
        told = [_guess(one.value, app.application.tasks[name].separator) for one in outputs]
        found = found.append_column(f"{name}_guess", pa.array(told, pa.string()))
        sure = [one.confidence for one in outputs]
        found = found.append_column(f"{name}_confidence", pa.array(sure, pa.float64()))
    return found.append_column(SCORE, pa.array(scores, pa.float64()))


def _guess(value: Any, separator: str) -> str | None:
    """Return an answer as the text of one cell, a number to six digits."""
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else _label(value, separator)


def _label(cell: Any, separator: str) -> str:
    """Return the label of a cell as text that is read as the same label, a number to its last digit.

    Of several labels they are joined as the task parts them; of none the separator alone, for an empty text would be a
    row that nobody has labelled.
    """
    if isinstance(cell, tuple | list):
        return separator.join(map(as_id, cell)) or separator
    return as_id(cell)
