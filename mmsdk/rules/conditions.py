"""On which rows a rule holds: its ``when``, in the language of ``where``, over the columns of a table."""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, StoreError
from mmsdk.index.where import columns_in, compile_where, no_dates_in, no_numbers_in, with_moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.data import Table


def columns_read(when: str, columns: Sequence[str], name: str) -> tuple[str, ...]:
    """Return the columns that a condition reads.

    :raises ConfigError: it does not parse, or names a column that the table lacks.
    """
    try:
        found = columns_in(when, columns)
    except StoreError as error:
        raise ConfigError(f"rules: {name}: when: {str(error).removeprefix('where: ')}") from error
    if "id" in found and "id" not in columns:  # the index knows rows by id, a table only by its columns
        raise ConfigError(f"rules: {name}: when: no column named 'id'; name the column that holds the ids")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What conditions say of the rows of a table.

    :param met: bool ``(n, conditions)``: which rows meet which.
    :param unread: (condition, column) -> bool ``(n,)``: the rows that it could not be judged for, since the column
        holds text there that is no number (``n/a``) or no date; only where there are any.
    """

    met: np.ndarray
    unread: Mapping[tuple[str, str], np.ndarray]


def firing(conditions: Mapping[str, Sequence[str]], table: Table) -> Judged:
    """Judge conditions by the rows of a table.

    A comparison with an empty cell, or with one of a column that the rows do not have, is not met; ``is null`` is. Nor
    is one of a number, or of a date, with text that is none, and where the rest of the condition does not decide it, it
    is ``unread``.

    :param conditions: each with the columns it reads.
    """
    columns = list(dict.fromkeys(name for read in conditions.values() for name in read))
    met, unread = np.zeros((len(table), len(conditions)), dtype=bool), {}
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        with_moments(connection).execute("CREATE TABLE items (id INTEGER PRIMARY KEY, row TEXT)")
        connection.executemany("INSERT INTO items VALUES (?, ?)", enumerate(_rows(table, columns)))
        for place, condition in enumerate(conditions):
            sql, values = compile_where(condition, columns, doubting=True)
            met[_matching(connection, sql, values), place] = True
            odd = no_numbers_in(condition, columns) | no_dates_in(condition, columns)
            for name, (text, path) in odd.items():
                if rows := _matching(connection, f"{text} AND ({sql}) IS NULL", [*path, *values]):
                    unread[condition, name] = np.isin(np.arange(len(table)), rows)
    return Judged(met=met, unread=unread)


def _matching(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[int]:
    """Return the rows that a condition is true of."""
    return [row for (row,) in connection.execute(f"SELECT id FROM items WHERE {sql}", values)]  # noqa: S608 - parameters


def _rows(table: Table, columns: Sequence[str]) -> list[str]:
    """Return each row's cells of some columns as JSON; what the table lacks is empty."""
    cells = [table.cells(name) if name in table.names else [None] * len(table) for name in columns]
    return [
        json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False)
        for row in (zip(*cells, strict=True) if cells else [()] * len(table))
    ]


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it; an infinity is the largest number, and what has no form there is text."""
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
