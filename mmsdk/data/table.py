"""A table of the user's rows: columns of plain values, the folder its paths start from, and a name for messages."""

from __future__ import annotations

import fnmatch
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsdk.data.thousands import without_thousands
from mmsdk.errors import DataError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows in columns. Every cell is ``str``, ``int``, ``float``, ``bool``, ``bytes``, ``list``, ``dict`` or nothing.

    :param columns: the cells; from CSV and TSV all are text, so that an id ``007`` stays one. Dates of typed sources
        are ISO 8601 text, decimals are floats.
    :param root: the folder that relative paths start from; ``None`` is the working directory.
    :param name: what messages call it: ``products.csv``, ``the DataFrame``.
    :param readings: of columns in which ``37,5`` or ``1,119.60`` may be a number: as they stand there, and with points.
    :param marks: of columns that were read so, what stood between the thousands.
    """

    columns: pa.Table
    root: Path | None
    name: str
    readings: Mapping[str, tuple[pa.ChunkedArray, pa.ChunkedArray]] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.columns.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""
        return tuple(self.columns.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column as Arrow holds it.

        :raises DataError: there is no such column.
        """
        self.require([name])
        return self.columns.column(name)

    def cells(self, name: str) -> list[Any]:
        """Return one column as Python values; an empty or blank text, NaN and null are all ``None``.

        :raises DataError: there is no such column.
        """
        return [None if is_empty(value) else value for value in self.column(name).to_pylist()]

    def present(self, name: str) -> np.ndarray:
        """Return bool ``(n,)``: which cells of a column hold something."""
        return present(self.column(name))

    def require(self, names: Iterable[str]) -> None:
        """Check that the columns are there.

        :raises DataError: some are not; names every one with the nearest known.
        """
        missing = [name for name in dict.fromkeys(names) if name not in self.names]
        if missing:
            known = ", ".join(self.names[:30]) + (f", ... ({len(self.names)} in all)" if len(self.names) > 30 else "")
            problems = [
                Problem(column=name, reason=f"no such column.{did_you_mean(name, self.names)}") for name in missing
            ]
            raise DataError(f"{self.name} lacks {_count(len(missing), 'column')}; it has: {known}", problems)

    def expand(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the columns that names and patterns stand for, in the order of the table within each pattern.

        :raises DataError: a name is no column, or no column fits a pattern.
        """
        found: list[str] = []
        for column in columns:
            if column in self.names or "*" not in column:
                self.require([column])
                found.append(column)
            elif fitting := [name for name in self.names if fnmatch.fnmatchcase(name, column)]:
                found.extend(fitting)
            else:
                raise DataError(f"{self.name} has no column that fits the pattern {column!r}")
        return tuple(dict.fromkeys(found))

    def with_points(self, numbers: Mapping[str, bool | str]) -> Table:
        """Return the table with decimal points in the columns that hold numbers, and as it was written in the others.

        :param numbers: of columns of which that is known, whether they do, or what stands between their thousands; the
            others stay as they were read, and so do thousands that these cells show to be written otherwise.
        """
        columns, marks = self.columns, dict(self.marks)
        for place, name in enumerate(self.names):
            known, cells = numbers.get(name), self.columns.column(place)
            written, points = self.readings.get(name, (cells, cells))
            if isinstance(known, str) and name not in marks:
                points, marks[name] = without_thousands(written, known), known
            if known is not None and (points if known else written) is not cells:
                columns = columns.set_column(place, name, points if known else written)
        return replace(self, columns=columns, readings={}, marks=marks)

    def take(self, rows: np.ndarray) -> Table:
        """Return the table of these 0-based rows, in their order."""
        return replace(self, columns=self.columns.take(pa.array(rows, pa.int64())), readings={})

    def with_empty_columns(self, columns: Iterable[str]) -> Table:
        """Return the table with the columns it lacks added, every cell empty."""
        cells = self.columns
        for name in dict.fromkeys(columns):
            if name not in self.names:
                cells = cells.append_column(name, pa.nulls(len(self), pa.large_string()))
        return replace(self, columns=cells)

    def records(self, text: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Return every row as a dict that JSON can hold, for the index and its ``where``.

        A text column of a CSV whose every cell is a plain number becomes numbers, so that ``price < 20`` means what it
        says; one with a leading zero (``007``) or a long run of digits is a code and stays text. Bytes are left out.

        :param text: columns that stay text whatever they hold, such as the ids.
        """
        kept = set(text)
        columns = {
            name: self.cells(name) if name in kept else numbers_of(self.cells(name))
            for name, field in zip(self.names, self.columns.schema, strict=True)
            if not (pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))
        }
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def is_empty(value: Any) -> bool:
    """Return whether a cell holds nothing: null, blank text or NaN."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN differs from itself


def present(column: pa.ChunkedArray) -> np.ndarray:
    """Return bool ``(n,)``: which cells hold something; without a Python object a cell."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        held = pc.not_equal(pc.utf8_trim_whitespace(column), "")
    elif pa.types.is_floating(kind):
        held = pc.invert(pc.is_nan(column))
    else:
        held = pc.is_valid(column)
    return np.asarray(pc.fill_null(held, False).to_numpy(zero_copy_only=False), dtype=bool).reshape(-1)


def as_id(value: Any) -> str:
    """Return an id as text: ``7.0`` of a typed table is ``"7"``, text stays to the letter."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def plain_id(name: str) -> str:
    """Return an id as it is recognised: other programs write ``007`` as ``7``, or as ``7.0`` in a column with gaps."""
    bare = name.strip()
    digits, _, rest = bare.partition(".")
    return (digits.lstrip("0") or "0") if digits.isdecimal() and not rest.strip("0") else bare


def numbers_of(cells: list[Any]) -> list[Any]:
    """Return the cells as numbers where every text among them is a plain one, else the cells themselves."""
    found = []
    for cell in cells:
        if isinstance(cell, str):
            number = plain_number(cell)
            if number is None:
                return cells
            found.append(number)
        else:
            found.append(cell)
    return found


def plain_number(text: str) -> int | float | None:
    """Return the number that a text plainly is: not a code such as ``007`` or ``+49``, not ``nan``, not ``1_000``.

    Full-width digits, as Chinese and Japanese input methods type them, are digits.
    """
    bare = text.strip()
    if not bare.isascii():
        bare = unicodedata.normalize("NFKC", bare)
    digits = bare.removeprefix("-")
    if (not digits[:1].isdigit() and digits[:1] != ".") or "_" in bare or not bare.isascii():
        return None
    if digits[0] == "0" and digits[1:2].isdigit():
        return None
    if digits.isdigit():
        return int(bare) if len(digits) <= 15 else None
    try:
        number = float(bare)
    except ValueError:
        return None
    return number if abs(number) != float("inf") else None


def _count(number: int, noun: str) -> str:
    """Return ``1 column`` or ``2 columns``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
