"""Columns of amounts: which hold numbers, in which unit, and cells of them that are numbers of something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmsdk.data import holds_numbers
from mmsdk.data.numbers import units_of, unreadable, without_groups, without_units
from mmsdk.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import pyarrow as pa

    from mmsdk.config import Application, InputConfig
    from mmsdk.data import Table

NUMERIC = {"number", "vector", "table"}  # modalities that read numbers; every other has the cell as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A table whose numbers are written plainly.

    :param wrong: column -> its texts that are numbers of another unit, which stand there still, with the reason.
    :param told: what was taken for granted, in sentences.
    """

    table: Table
    wrong: Mapping[str, Mapping[str, str]]
    told: Sequence[str]


def amounts_of(table: Table, application: Application) -> dict[str, tuple[str, ...]]:
    """Return the columns that hold numbers, with their units, of those that nothing reads as words.

    :returns: column -> the units that it may have, its own first, ``""`` where it has none.
    """
    words = _words(table, application)
    found = {name: units_of(table.column(name)) for name in table.names if name not in words}
    return {name: units for name, units in found.items() if units}


def read_amounts(table: Table, units: Mapping[str, Sequence[str]]) -> Amounts:
    """Write the numbers of a table plainly, as it was settled what they mean.

    :param units: of :func:`amounts_of`, for the table that was learned from.
    """
    wrong: dict[str, Mapping[str, str]] = {}
    told = []
    for name in [one for one in table.names if one in units]:
        column = table.column(name)
        plain, wrong[name], taken = without_units(column, units[name])
        if plain is not column:
            table = _with_numbers(table, name, plain)
        for text, number in list(taken.items())[:1]:
            told.append(f"{name}: {text!r} is read as {number}, as the numbers of training, which had no unit")
    return Amounts(table=table, wrong=wrong, told=told)


def unread_amounts(
    amounts: Amounts, application: Application, ruled: Collection[str], numbers: Mapping[str, bool | str]
) -> Iterator[Problem]:
    """Yield the cells that hold a number of something else, or one that is not certain where all others are numbers.

    :param ruled: columns that rules read; beside them, those of inputs and of answers that are numbers are looked at.
    :param numbers: of columns of which that is known, whether training had numbers there.
    """
    table = amounts.table
    answers = {entry.column for entry in application.tasks.values() if entry.type == "regression"}
    for name in table.names:
        readers = [entry for entry in application.inputs.values() if entry.reads(name) and entry.kind in NUMERIC]
        if not readers and name not in answers and name not in ruled:
            continue
        reasons = dict(amounts.wrong.get(name, {}))
        if name in amounts.wrong and any(entry.kind == "table" for entry in readers):
            column = table.column(name)
            held = numbers[name] if name in numbers else holds_numbers(column)
            odd = unreadable(column) if held else {}
            reasons = odd | reasons
        for row, cell in enumerate(table.cells(name) if reasons else ()):
            if str(cell) in reasons:
                yield Problem(row=row, column=name, value=str(cell), reason=reasons[str(cell)])


def _with_numbers(table: Table, name: str, plain: pa.ChunkedArray) -> Table:
    """Return a table with one column written plainly; thousands show only where no unit stands beside them."""
    points, mark = without_groups(plain)
    columns = table.columns.set_column(table.names.index(name), name, points)
    marks = {**table.marks, **({name: mark} if mark else {})}
    return replace(table, columns=columns, readings={**table.readings, name: (plain, points)}, marks=marks)


def _words(table: Table, application: Application) -> set[str]:
    """Return the columns that something reads as they stand."""
    split, privacy = application.split, application.privacy
    found = {application.id, split.column, split.group, split.time, application.confidence.by}
    found |= {entry.within for entry in application.inputs.values()}
    found |= {entry.column for entry in application.tasks.values() if entry.type != "regression"}
    found |= {name for entry in application.inputs.values() for name in table.names if _as_words(table, entry, name)}
    if privacy is not None:
        found |= {*privacy.number, *(one for others in privacy.own.values() for one in others)}
    return {name for name in found if name is not None}


def _as_words(table: Table, entry: InputConfig, name: str) -> bool:
    """Return whether an input reads a column as words."""
    if not entry.reads(name) or entry.kind not in NUMERIC:
        return entry.reads(name)
    kinds = (entry.options.get("kinds") if entry.kind == "table" else None) or ()
    columns = table.expand(entry.columns)
    return len(kinds) == len(columns) and kinds[columns.index(name)] not in {None, "number"}
