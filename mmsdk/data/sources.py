"""One door for every kind of table: :func:`read_table`."""

from __future__ import annotations

import collections
import contextlib
import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from mmsdk.data.delimited import Readings, read_delimited
from mmsdk.data.objects import from_frame, from_json_lines, from_rows, normal, normalised
from mmsdk.data.table import Table
from mmsdk.data.thousands import thousands_mark, without_thousands
from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHEETS = {".xlsx", ".xls", ".xlsm", ".ods", ".et", ".numbers"}
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
LIBRARIES = {"pandas": "the DataFrame", "polars": "the DataFrame", "datasets": "the Dataset"}
_kept: ContextVar[dict[Any, Table] | None] = ContextVar("_kept", default=None)


def read_table(source: Any, *, root: str | os.PathLike[str] | None = None) -> Table:
    """Read the user's rows.

    :param source: a ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file, a pandas or polars DataFrame, a Hugging Face
        ``Dataset``, a ``pyarrow.Table``, a list of dicts, or a :class:`Table`.
    :param root: the folder that relative paths of media start from; the file's own folder where left out, and the
        working directory for rows that come from no file.
    :raises DataError: no such file, no such format, no rows, or rows that cannot be read; one sentence, every row.
    """
    if isinstance(source, Table):
        return source
    folder = Path(root).resolve() if root is not None else None
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return replace(_once(path, str(source)), root=folder or path.resolve().parent, name=str(source))
    library = type(source).__module__.partition(".")[0]
    if library in LIBRARIES:
        return _checked(from_frame(source, library), folder, LIBRARIES[library])
    if isinstance(source, pa.Table):
        return _checked(source, folder, "the table")
    if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray):
        return _checked(from_rows(source, "the list of rows"), folder, "the list of rows")
    what = "a mapping; put one row in a list" if isinstance(source, Mapping) else f"{type(source).__name__}"
    raise DataError(f"cannot read rows from {what}; expected a file, a DataFrame, a Dataset or a list of dicts")


@contextlib.contextmanager
def reading_once() -> Iterator[None]:
    """Keep each file that is read while this lasts, for whoever asks for it again: a recipe, its plan, its fit."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def let_go() -> None:
    """Forget the files that are kept: who learns from them has them by now, and they may be large."""
    (_kept.get() or {}).clear()


def _once(path: Path, name: str) -> Table:
    """Return the table of a file, of one that is kept and has not changed without reading it again."""
    kept = _kept.get()
    if kept is None or not path.is_file():
        return _read(path, name)
    facts = path.stat()
    key = (path.resolve(), facts.st_mtime_ns, facts.st_size)
    if key not in kept:
        kept[key] = _read(path, name)
    return kept[key]


def _read(path: Path, name: str) -> Table:
    """Return the table of a file, with both readings of its decimal commas."""
    columns, readings = _from_file(path)
    plain = {column: (normal(commas), normal(points)) for column, (commas, points) in readings.items()}
    table = _checked(columns, None, name)
    return replace(table, readings={**plain, **table.readings})


def _from_file(path: Path) -> tuple[pa.Table, dict[str, Readings]]:
    """Read a file by its ending; with both readings of columns with decimal commas."""
    if "\0" in str(path) or not path.is_file():
        what = "it is a folder; name the table in it" if "\0" not in str(path) and path.is_dir() else "no such file"
        raise DataError(f"cannot read {path}: {what}")
    ending = path.suffix.lower()
    try:
        if ending in {".csv", ".tsv"}:
            return read_delimited(path, "\t" if ending == ".tsv" else None)
        if ending in {".jsonl", ".ndjson"}:
            return from_json_lines(path), {}
        if ending == ".parquet":
            return pq.read_table(path), {}
    except pa.ArrowException as error:
        raise DataError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if ending in SHEETS:
        raise DataError(
            f"cannot read {path}: a spreadsheet is not read; save the sheet with the rows as 'CSV UTF-8 (*.csv)' (in "
            "Excel or WPS: Save As, 另存为), which keeps the columns and their order"
        )
    raise DataError(f"cannot read {path}: {ending or 'no ending'} is not one of {', '.join(ENDINGS)}")


def _checked(columns: pa.Table, root: Path | None, name: str) -> Table:
    """Return the table, refused where it has no rows or a name stands twice."""
    repeated = [key for key, count in collections.Counter(columns.column_names).items() if count > 1]
    if repeated:
        raise DataError(f"{name} has several columns named {repeated[0]!r}; rename all but one")
    if columns.num_columns == 0 or columns.num_rows == 0:
        header = f" below its header ({', '.join(columns.column_names[:8])})" if columns.num_columns else ""
        raise DataError(f"{name} holds no rows{header}")
    return _without_thousands(Table(columns=normalised(columns), root=root, name=name))


def _without_thousands(table: Table) -> Table:
    """Return the table with ``1,119.60`` as ``1119.60`` in the columns that hold such numbers, and both readings."""
    marks = {name: mark for name in table.names if (mark := thousands_mark(table.column(name)))}
    readings = {name: (table.column(name), without_thousands(table.column(name), marks[name])) for name in marks}
    columns = table.columns
    for name, (_, plain) in readings.items():
        columns = columns.set_column(table.names.index(name), name, plain)
    return replace(table, columns=columns, readings=readings, marks=marks)
