"""The recipe's sections of the report: how often whole commands are right, and how the run listens."""

from __future__ import annotations

import os
from html import escape
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import measure_share, read_table
from mmsdk_recipe_interact.sample import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROWS = 400
SPEAKER = ""  # the key of a row under which its group stands: no input and no task has that name


def commands(app: Any) -> Iterator[tuple[str, str]]:
    """Yield how often all slots of a command are right at once, by what was given."""
    rows = held_out(app)
    if not rows:
        return
    names = list(app.application.inputs)
    lines = []
    for count in range(len(names), 0, -1):
        for given in combinations(names, count):
            asked = [row for row in rows if any(row[name] not in (None, "") for name in given)]
            if asked:
                lines.append(_line(" + ".join(given), _right(app, asked, given), asked))
    lines.append(_line("the most common command, always", _most_common(app, rows), rows))
    text = (
        "<p>Held-out rows of which every slot is answered rightly, each given as a whole clip; in brackets the 95 % "
        "interval, over speakers where the table names them. An input that says only one slot leaves the other to "
        "chance.</p>"
    )
    yield "Whole commands", text + _table(("given", "share right", "rows"), lines)


def held_out(app: Any) -> list[Mapping[str, Any]]:
    """Return rows that were not learned from and ask for something, by input and task."""
    parts = app.parts()
    table = read_table(app.application.data)
    tasks, inputs = app.application.tasks, app.application.inputs
    ids = table.cells(app.application.id) if app.application.id else [str(n) for n in range(1, len(table) + 1)]
    part = "test" if "test" in parts.values() else "val"
    idle = {name: set(_several(slot.idle)) for name, slot in app.application.stream.slots.items()}
    cells = {
        name: table.cells(entry.column)
        for name, entry in (*tasks.items(), *inputs.items())
        if isinstance(entry.column, str)
    }
    group = app.application.split.group
    speakers = table.cells(group) if group in table.names else [None] * len(table)
    found = []
    for number, one in enumerate(ids):
        row = {name: values[number] for name, values in cells.items()}
        row[SPEAKER] = speakers[number]
        asks = all(row.get(name) not in (None, "") and row[name] not in idle.get(name, ()) for name in tasks)
        if parts.get(str(one)) == part and asks:
            found.append(row)
    return found[:: max(len(found) // ROWS, 1)][:ROWS]


def options(app: Any) -> dict[str, str]:
    """Return input -> the option of the command that gives it."""
    return {
        name: "--audio" if own.segment == "voice" else "--landmarks"
        for name, own in app.application.stream.inputs.items()
    }


def recordings(app: Any) -> Iterator[dict[str, Path]]:
    """Yield what can be listened to: option of the command -> file, of the sample's recording and of held-out rows."""
    said = options(app)
    rows = ({said[name]: str(row.get(name) or "") for name in said} for row in held_out(app))
    for files in (LIVE, *rows):
        found = {option: Path(app.application.data).parent / files[option] for option in said.values()}
        if all(files[option] and os.path.isfile(one) for option, one in found.items()):  # noqa: PTH113 - a cell of JSON
            yield found


def listening(app: Any) -> Iterator[tuple[str, str]]:
    """Yield the commands and the settings in words."""
    stream = app.application.stream
    lines = [
        (
            one.name,
            ", ".join([*(f"{task}: {' or '.join(_several(labels))}" for task, labels in one.when.items()), *one.slots]),
            one.say or one.name,
        )
        for one in stream.commands
    ] or [("command", ", ".join(stream.slots), "every combination")]
    tracks = [
        (
            name,
            f"{own.segment}, told by {Path(own.vad).name}" if own.vad else own.segment,
            f"{own.hang:g} s",
            f"{own.before:g} s",
            f"{own.shortest:g} to {own.longest:g} s",
            f"{own.still:g} s, of a hand that moved within {own.moved_within:g} s" if own.still else "no",
        )
        for name, own in stream.inputs.items()
    ]
    yield (
        "How it listens",
        _table(("command", "needs", "reads"), lines)
        + _table(("input", "pieces of", "ended by quiet of", "quiet before", "length", "rest counts"), tracks)
        + f"<p>Pieces within {stream.gap:g} s of each other are one event, which waits {stream.wait:g} s for "
        "what it lacks. Nothing on this page was measured live; the recipe's README has figures of real streams.</p>",
    )


def _right(app: Any, rows: Sequence[Mapping[str, Any]], given: Sequence[str]) -> list[bool]:
    """Return which rows are answered rightly in all slots from some inputs."""
    root = read_table(app.application.data).root
    answers = app.predict([{name: row[name] for name in given} for row in rows], root=root)
    return [
        all(str(one.outputs[task].value) == str(row[task]) for task in app.application.tasks)
        for one, row in zip(answers, rows, strict=True)
    ]


def _most_common(app: Any, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return which of these rows ask for the command that most of them ask for."""
    asked = [tuple(str(row[task]) for task in app.application.tasks) for row in rows]
    most = max(sorted(set(asked)), key=asked.count)
    return [one == most for one in asked]


def _line(what: str, right: Sequence[bool], rows: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Return a line of the table: the share of rows that are right, and its interval."""
    speakers = [row[SPEAKER] for row in rows]
    found = measure_share(right, groups=speakers if all(speakers) else None)
    return what, f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]", str(len(rows))


def _several(value: Any) -> list[str]:
    """Return one label, or several, as a list."""
    return [value] if isinstance(value, str) else list(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as HTML."""
    cells = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>'
