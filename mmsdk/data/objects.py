"""Rows that are Python objects: lists of dicts, JSON lines, DataFrames, Hugging Face datasets, Arrow tables."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from mmsdk.errors import DataError, Problem

if TYPE_CHECKING:
    from pathlib import Path

MISSING = ("NAType", "NaTType")  # what pandas writes for nothing, also in rows that come as dicts
VALUES = (str, bytes, int, float, list, dict, type(None))


def from_rows(rows: Sequence[Mapping[str, Any]], name: str) -> pa.Table:
    """Return the columns of a list of dicts; a key a row lacks is an empty cell.

    :raises DataError: a row is no mapping, or a key no text.
    """
    problems = [
        Problem(row=number, reason=f"is {type(row).__name__}, expected a mapping of column to value")
        for number, row in enumerate(rows, 1)
        if not isinstance(row, Mapping)
    ]
    if problems:
        raise DataError(f"{name} holds rows that are no mappings", problems)
    names = dict.fromkeys(key for row in rows for key in row)
    if odd := [key for key in names if not isinstance(key, str) or "\ufffd" in (_text(key) or "")]:
        raise DataError(f"{name} has the column name {odd[0]!r}, which is not text")
    columns = {key: [row.get(key) for row in rows] for key in names}
    if objects := [problem for key, cells in columns.items() for problem in _objects(key, cells)]:
        raise DataError(f"{name} holds what no table can hold", objects)
    return pa.table({key: column_of(cells) for key, cells in columns.items()})


def _objects(column: str, cells: Sequence[Any]) -> Iterator[Problem]:
    """Yield the cells that hold an object which is no value and cannot be written as text, such as an open picture."""
    for row, cell in enumerate(cells, 1):
        silent = getattr(type(cell), "__str__", None) is object.__str__  # nothing to be written but its address
        if silent and not isinstance(cell, VALUES) and _plain(cell) is cell:
            yield Problem(
                row=row,
                column=column,
                reason=f"is of type {type(cell).__name__}, expected a text, a number, a list, or of a file its path or "
                "its bytes (what is decoded already goes to predict_samples)",
            )


def column_of(cells: list[Any]) -> pa.Array:
    """Return one column of any Python values; where they are of several kinds, all become text."""
    plain = _files([_plain(cell) for cell in cells])
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return pa.array([_text(cell) for cell in plain], pa.string())


def from_json_lines(path: Path) -> pa.Table:
    """Read a file of one JSON object a line; blank lines are passed over.

    :raises DataError: not UTF-8, or lines that are no JSON object - all of them, by line.
    """
    rows: list[Mapping[str, Any]] = []
    problems: list[Problem] = []
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    _read_line(line, number, rows, problems)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    if problems:
        raise DataError(f"{path} has lines that are no JSON object", problems)
    return from_rows(rows, str(path))


def _read_line(line: str, number: int, rows: list[Mapping[str, Any]], problems: list[Problem]) -> None:
    """Read one line of JSON into ``rows`` or ``problems``."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error) or "nested too deeply"
        problems.append(Problem(row=number, value=line[:60], reason=f"not JSON: {reason}"))
        return
    if isinstance(row, dict):
        rows.append(row)
    else:
        problems.append(Problem(row=number, value=line[:60], reason="not a JSON object of column to value"))


def from_frame(frame: Any, library: str) -> pa.Table:
    """Return the columns of a pandas or polars DataFrame, or of a Hugging Face ``Dataset``.

    :param library: ``"pandas"``, ``"polars"`` or ``"datasets"``, whose object it is.
    :raises DataError: another object of that library.
    """
    if library == "polars":
        frame = frame.collect() if hasattr(frame, "collect") else frame
        if hasattr(frame, "to_arrow") and hasattr(frame, "columns"):
            return frame.to_arrow()
    elif library == "datasets":
        if isinstance(frame, Mapping):
            raise DataError(
                f"expected one Dataset, not a DatasetDict; choose a split of it: {', '.join(map(str, frame))}"
            )
        if hasattr(frame, "with_format") and hasattr(frame, "column_names") and hasattr(frame, "__len__"):
            return frame.with_format("arrow")[:]
    elif hasattr(frame, "columns"):
        return _from_pandas(frame)
    raise DataError(f"cannot read rows from {library}'s {type(frame).__name__}; expected a DataFrame or a Dataset")


def _from_pandas(frame: Any) -> pa.Table:
    """Return the columns of a pandas DataFrame; the index is no column."""
    names = [str(name) for name in frame.columns]
    return pa.Table.from_arrays([_series(frame.iloc[:, place]) for place in range(len(names))], names=names)


def _series(series: Any) -> pa.Array:
    """Return one pandas column, whatever mixture it holds."""
    try:
        found = pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        found = None
    if found is None or (series.dtype == object and not _one_kind(found.type)):
        return column_of([None if _is_missing(cell) else cell for cell in series.tolist()])
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _one_kind(kind: pa.DataType) -> bool:
    """Return whether Arrow found cells of one kind: it takes texts for bytes beside bytes, and moments for days."""
    return not (pa.types.is_temporal(kind) or pa.types.is_binary(kind))


def _is_missing(cell: Any) -> bool:
    """Return whether pandas calls a cell missing (None, NaN, NaT, NA)."""
    return cell is None or type(cell).__name__ in MISSING or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124


def normalised(columns: pa.Table) -> pa.Table:
    """Return the table with plain kinds alone: dates as ISO text, decimals as floats, categories as their values."""
    return pa.Table.from_arrays([normal(column) for column in columns.columns], names=columns.column_names)


def normal(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return one column in a plain kind."""
    if isinstance(column.type, pa.ExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return normal(column.cast(kind.value_type))
    if pa.types.is_temporal(kind):
        return _seconds(column) if pa.types.is_duration(kind) else _written(column)
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_string(kind) or str(kind) == "string_view":
        return pc.cast(column, pa.large_string())  # 64-bit offsets: long texts of many rows fit one array
    return pa.chunked_array([pa.nulls(len(column), pa.large_string())]) if pa.types.is_null(kind) else column


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return dates and times as ISO 8601 text; days without a time of day where the column holds days."""
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("us", tz=column.type.tz), safe=False)
    elif pa.types.is_date(column.type):
        column = pc.cast(column, pa.date32())
    return pc.cast(column, pa.string())


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return durations as seconds."""
    return pc.divide(pc.cast(pc.cast(column, pa.duration("us"), safe=False), pa.int64()), 1e6)


def _files(cells: list[Any]) -> list[Any]:
    """Return cells that are all ``{bytes, path}`` where some are paths and others files themselves.

    As they are, Arrow would take the letters of a path for the bytes of a file.
    """
    if not (any(map(_held, cells)) and any(isinstance(cell, str) for cell in cells)):
        return cells
    return [
        {"bytes": cell, "path": None}
        if isinstance(cell, bytes)
        else {"bytes": None, "path": cell}
        if isinstance(cell, str)
        else cell
        for cell in cells
    ]


def _held(cell: Any) -> bool:
    """Return whether a cell is a file itself."""
    return isinstance(cell, bytes) or (isinstance(cell, dict) and {"bytes", "path"} == set(cell))


def _plain(cell: Any) -> Any:
    """Return a value that Arrow knows: paths as text, NumPy's as Python's, tuples as lists, NA and NaT as nothing.

    Days and moments are text at once: Arrow gives a column one kind and one zone, by its first cell.
    """
    if type(cell).__name__ in MISSING:
        return None
    if isinstance(cell, os.PathLike | dt.date):
        return str(cell) if isinstance(cell, dt.date) else os.fspath(cell)
    if hasattr(cell, "tolist") and hasattr(cell, "dtype"):
        return cell.tolist()
    if isinstance(cell, Mapping):
        return {str(key): _plain(value) for key, value in cell.items()}
    if isinstance(cell, Iterable) and not isinstance(cell, str | bytes | bytearray | memoryview):
        return [_plain(value) for value in cell]
    return bytes(cell) if isinstance(cell, bytearray | memoryview) else cell


def _text(cell: Any) -> str | None:
    """Return a value of a mixed column as text; half of a surrogate pair, which is no character, as U+FFFD."""
    if cell is None:
        return None
    if isinstance(cell, list | dict):
        cell = json.dumps(cell, ensure_ascii=False, default=str)
    elif isinstance(cell, bool):
        cell = str(cell)  # as a boolean is read where it stands among booleans
    elif isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
