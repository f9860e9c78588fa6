"""The row that a command asks about: by its id, from a table, or from a JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from mmsdk.app.application import App
    from mmsdk.data import Table


def asked_row(app: App, id: str | None, data: str | None, file: str | None) -> dict[str, Any]:
    """Return the ``row``, ``id`` and ``root`` that :meth:`mmsdk.App.explain` takes.

    :param data: a table that holds the row of that id; the run's own index where left out.
    :param file: a JSON file with one object; its paths start from its folder.
    :raises DataError: no such row, or the file holds no object.
    """
    if file is not None:
        return {"row": _object(Path(file)), "root": Path(file).resolve().parent}
    if data is None:
        return {"row": None, "id": id}
    samples, _ = app.pipeline.read(data, partial=True)
    if id not in samples.ids:
        raise DataError(f"{data} has no row with the id {id!r}")
    place = samples.ids.index(id)
    return {"row": known_columns(app, samples.table.take(np.array([place])))[0], "root": samples.table.root}


def known_columns(app: App, table: Table) -> list[dict[str, Any]]:
    """Return the rows of a table by column, those columns only that the application knows."""
    application = app.application
    known = {name for name in table.names if any(entry.reads(name) for entry in application.inputs.values())}
    known |= {entry.within for entry in application.inputs.values() if entry.within}
    known |= {*app.pipeline.columns, *([application.id] if application.id else [])}
    records = table.records(text=[application.id] if application.id else [])
    return [{name: value for name, value in record.items() if name in known} for record in records]


def _object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    :raises DataError: it holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise DataError(f"{path} holds a {type(found).__name__}, expected one JSON object: the row by input or column")
    return found
