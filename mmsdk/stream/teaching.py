"""A user's own commands from a few examples each: a new head on the encoders and the stream of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.app.fitting import fit
from mmsdk.data import Policy, read_table, resolve_media
from mmsdk.embed import open_modality
from mmsdk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.app.application import App
    from mmsdk.data import Table

LEAST = 4  # examples of a command
HELD = 4  # one in so many examples is not learned from, but judges
IDLE_ROWS = 400
PART = "part"


def teach(
    app: App,
    examples: Any,
    out: str | Path,
    *,
    label: str = "command",
    idle: bool = True,
    overwrite: bool = False,
    quiet: bool = False,
) -> App:
    """Learn a user's own commands.

    The inputs, their encoders and how they arrive are those of the run; the commands are the user's, each a label of
    its own, whatever it is given by: one input or several. One in four examples of each is held back and judges.

    :param app: a run with a ``stream`` block.
    :param examples: a table with the run's input columns and a column of labels; about ten rows a command.
    :param out: the new run.
    :param label: the column of labels.
    :param idle: learn what is no command too, from the rows of the run's own table whose label is one of ``idle``,
        where the table is still there.
    :param overwrite, quiet: as of :func:`mmsdk.fit`.
    :raises ConfigError: the run has no stream, or the examples no such column.
    :raises DataError: a command has fewer than four examples, or there is only one.
    """
    application, stream = app.application, app.application.stream
    if stream is None:
        raise ConfigError(f"{app.folder} has no stream block; a run of the recipe interact has one")
    nothing = sorted({one for slot in stream.slots.values() for one in _several(slot.idle)}) or ["none"]
    rows = list(_rows(app, read_table(examples), {label: label}))
    _check(rows, label, str(examples), nothing)
    if idle:
        rows += _idle_rows(app, label, nothing)
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row[label]] += 1
        row[PART] = "val" if seen[row[label]] % HELD == 0 else "train"
    least = min((slot.least for slot in stream.slots.values()), default=0.5)
    listening = stream.model_dump(exclude_unset=True, exclude={"commands", "wake", "slots"})
    document = {
        "inputs": {name: entry.model_dump(exclude_unset=True) for name, entry in application.inputs.items()},
        "tasks": {label: {"column": label, "type": "classification"}},
        "split": {"column": PART},
        "preset": application.preset,
        "precision": application.precision,
        "training": {"refit": True, "seed": application.training.seed},
        "head": {"type": "linear"},
        "stream": {**listening, "slots": {label: {"idle": nothing, "least": least}}},
    }
    return fit(document, rows, out, overwrite=overwrite, quiet=quiet, allow_outside=True)


def _several(value: str | list[str]) -> list[str]:
    """Return one label, or several, as a list."""
    return [value] if isinstance(value, str) else value


def _rows(app: App, table: Table, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the cells of the inputs, files found and checked, and of some columns under other names.

    :raises ConfigError: a column is not there.
    """
    columns = {column: entry.modality for entry in app.application.inputs.values() for column in entry.columns}
    if not any(column in table.names for column in columns):
        raise ConfigError(
            f"the table has no column of the run's inputs ({', '.join(columns)}): {', '.join(table.names)}"
        )
    for column in labels:
        if column not in table.names:
            raise ConfigError(f"the table has no column {column!r} of labels; it has {', '.join(table.names)}")
    media = {column for column, name in columns.items() if open_modality(name).media}
    cells = {column: table.cells(column) for column in (*columns, *labels) if column in table.names}
    for number in range(len(table)):
        row = {column: values[number] for column, values in cells.items()}
        yield {
            labels.get(column, column): _found(value, table, number, column)
            if column in media and value not in (None, "")
            else value
            for column, value in row.items()
        }


def _found(cell: Any, table: Table, number: int, column: str) -> Any:
    """Return a file as an absolute path, or its bytes.

    :raises DataError: it cannot be used.
    """
    try:
        media = resolve_media(cell, root=table.root, max_bytes=Policy().max_bytes)
    except ValueError as error:
        raise DataError(f"row {number + 1}, column {column!r}, {str(cell)[:80]!r}: {error}") from None
    return media.data if media.path is None else str(media.path)


def _check(rows: list[dict[str, Any]], label: str, name: str, nothing: list[str]) -> None:
    """Refuse examples that nothing can be learned from."""
    for number, row in enumerate(rows, 1):
        if row[label] is None or str(row[label]).strip() == "":
            raise DataError(f"{name}: row {number} has no label in column {label!r}")
        row[label] = str(row[label])
    counts = Counter(row[label] for row in rows)
    commands = [one for one in counts if one not in nothing]
    few = [f"{one} ({count})" for one, count in counts.items() if count < LEAST]
    if few or not commands or len(counts) + (not any(one in counts for one in nothing)) < 2:
        what = f"too few of {', '.join(few)}" if few else "no command"
        raise DataError(f"{name}: {what}; show each command {LEAST} times at least, better 10 times")


def _idle_rows(app: App, label: str, nothing: list[str]) -> list[dict[str, Any]]:
    """Return rows of the run's own table that are no command, evenly chosen, as rows of the new one."""
    source = app.application.data
    if source is None or not Path(source).is_file():
        return []
    tasks = {task.column: f"was {name}" for name, task in app.application.tasks.items()}
    table = read_table(Path(source))
    if not set(tasks) <= set(table.names):
        return []
    rows = [row for row in _rows(app, table, tasks) if any(row[name] in nothing for name in tasks.values())]
    chosen = rows[:: max(len(rows) // IDLE_ROWS, 1)][:IDLE_ROWS]
    return [
        {**{key: value for key, value in row.items() if key not in tasks.values()}, label: nothing[0]} for row in chosen
    ]
