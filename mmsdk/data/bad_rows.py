"""What is said of the bad rows of a table: how to mend or skip them, and what became of those that were skipped."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mmsdk.data.media import SKIP_BAD_ROWS
from mmsdk.errors import some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.errors import Problem

NAMED = 5  # columns


def bad_rows(name: str, problems: Sequence[Problem], skipping: str = "") -> str:
    """Return the sentence above a list of problems.

    :param name: what holds the rows.
    :param skipping: what skipping bad rows would do here; by the problems where left out.
    """
    skipping = skipping or "take bad cells as missing" + _and_leave_out(problems)
    told = f"{_count(_rows(problems), 'bad row')}, in {_columns(problems)}"
    return f"{name}: {told}; mend them, or use {SKIP_BAD_ROWS} to {skipping} (rows are counted without the header)"


def skipped_rows(problems: Sequence[Problem]) -> str:
    """Return what became of bad rows that were skipped: ``2 bad cells in 2 rows taken as missing: price (2)``."""
    cells = [one for one in problems if not one.drops_row]
    rows = [one for one in problems if one.drops_row]
    missing = f"{_count(len(cells), 'bad cell')} in {_count(_rows(cells), 'row')} taken as missing: {_columns(cells)}"
    left_out = f"{_count(_rows(rows), 'row')} left out: {_columns(rows)}"
    return "; ".join([*([missing] if cells else []), *([left_out] if rows else [])])


def _and_leave_out(problems: Sequence[Problem]) -> str:
    """Return what becomes of rows that cannot be kept, where there are such."""
    columns = dict.fromkeys(one.column for one in problems if one.drops_row and one.column)
    return f", and leave out rows without a {' and '.join(columns)} of their own" if columns else ""


def _rows(problems: Sequence[Problem]) -> int:
    """Return how many rows have problems."""
    return len({one.row for one in problems})


def _columns(problems: Sequence[Problem]) -> str:
    """Return the columns with most problems, each with their number."""
    columns = Counter(one.column for one in problems if one.column).most_common()
    return some([f"{name} ({count})" for name, count in columns], NAMED)


def _count(number: int, noun: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
