"""How a run could be asked by what none of its inputs reads: the line of an application file that makes it one."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from mmsdk.data import guess_modality, read_table
from mmsdk.errors import DataError

if TYPE_CHECKING:
    from mmsdk.app.application import App

LOOKED_AT = 200  # rows, to tell what a column holds


def input_line(app: App, modality: str) -> str:
    """Return ``title: {column: title, modality: text}``, of a column that looks like the modality, if there is one."""
    column = _spare_column(app, modality)
    if column is None:
        return f"NAME: {{column: COLUMN, modality: {modality}}}"
    plain = column.isidentifier()
    name, said = (column, column) if plain else (modality, json.dumps(column, ensure_ascii=False))
    return f"{name}: {{column: {said}, modality: {modality}}}"


def _spare_column(app: App, modality: str) -> str | None:
    """Return the first column of the rows that looks like a modality and that the run reads as nothing yet."""
    ids = app.index.some_ids(LOOKED_AT)
    if not ids:
        return None
    table, application = read_table(app.index.rows(ids)), app.application
    read = {application.id, *(task.column for task in application.tasks.values())}
    for column in table.names:
        if column in read or any(entry.reads(column) for entry in application.inputs.values()):
            continue
        with contextlib.suppress(DataError):
            if guess_modality(table, column) == modality:
                return column
    return None
