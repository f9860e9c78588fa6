"""Cells that no modality can read, found before anything is encoded, so that all of them are told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from mmsdk.data.thousands import is_text
from mmsdk.embed import open_modality
from mmsdk.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    import pyarrow as pa

    from mmsdk.config import Application
    from mmsdk.data import Table

SHORT = 200  # characters; what is longer, a vector or a note, is read once, when it is encoded


def undecodable(table: Table, application: Application) -> Iterator[Problem]:
    """Yield the short texts that the modality of their input cannot read, with their 0-based rows.

    Files are checked where they are resolved, and what is in them when they are decoded.
    """
    for entry in application.inputs.values():
        name = entry.columns[0]
        if len(entry.columns) > 1 or name not in table.names or not is_text(table.column(name).type):
            continue
        modality = open_modality(entry.modality, entry.decode)
        reasons = {} if modality.media else _refused(table.column(name), modality.decode)
        for row, cell in enumerate(table.column(name).to_pylist() if reasons else ()):
            if cell in reasons:
                yield Problem(row=row, column=name, value=cell, reason=reasons[cell])


def _refused(column: pa.ChunkedArray, decode: Callable[[Any], Any]) -> dict[str, str]:
    """Return the different cells that cannot be read, with the reason."""
    short = column.filter(pc.and_(pc.less_equal(pc.utf8_length(column), SHORT), pc.not_equal(column, "")))
    found = {}
    for cell in pc.unique(short).to_pylist():
        try:
            decode((cell if cell.strip() else None,))
        except ValueError as error:
            found[cell] = str(error)
    return found
