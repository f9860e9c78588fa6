"""Which columns of a table an application reads, and as what; which it leaves alone, and why."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmsdk.data import hidden_columns
from mmsdk.errors import StoreError
from mmsdk.index.where import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mmsdk.config import Application

UNREAD = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """One column of the table.

    :param role: ``input photo (image)``, ``answer kind (classification)``, ``id``, ``group of the split``, or
        ``not read``.
    :param why: why it is not read; empty where it is, or where nobody knows.
    """

    column: str
    role: str
    why: str = ""


def understand(
    application: Application, columns: Iterable[str], unread: Mapping[str, str] | None = None
) -> list[Understood]:
    """Return what becomes of each column, in the order of the table, and what beside columns a recipe left unread.

    :param unread: column -> why it is no input, of those that are not read.
    """
    columns = list(columns)
    reasons, hidden, ruled = unread or {}, hidden_columns(application.privacy), _ruled(application, columns)
    found = []
    for column in columns:
        roles = ", ".join((*_roles(application, column), *(["condition of a rule"] if column in ruled else [])))
        why = f"privacy: {hidden[column]}" if column in hidden else "" if roles else reasons.get(column, "")
        found.append(Understood(column=column, role=roles or UNREAD, why=why))
    beside = (Understood(column=name, role=UNREAD, why=why) for name, why in reasons.items() if name not in columns)
    return [*found, *beside]


def _roles(application: Application, column: str) -> Iterator[str]:
    """Yield what a column is read as; it may be several things at once."""
    if column == application.id:
        yield "id"
    for name, entry in application.inputs.items():
        if entry.reads(column):
            yield f"input {name} ({entry.modality})"
        if entry.within == column:
            yield f"group within which input {name} is taken"
    for name, task in application.tasks.items():
        if task.column == column:
            yield f"answer {name} ({task.type})"
    split = application.split
    named = {"part of the split": split.column, "group of the split": split.group, "time of the split": split.time}
    yield from (role for role, name in named.items() if name == column)
    if column in application.evaluation.slices:
        yield "slice of the scores"


def _ruled(application: Application, columns: Sequence[str]) -> set[str]:
    """Return the columns that conditions of rules read; a condition that cannot be read is refused by the fit."""
    found: set[str] = set()
    for rule in application.rules:
        with contextlib.suppress(StoreError):
            found.update(columns_in(rule.when, columns) if rule.when else ())
    return found


def told(found: Iterable[Understood]) -> Iterator[str]:
    """Yield lines for the terminal: a column each that is read, then those that are not, on one line."""
    left = []
    for one in found:
        if one.role == UNREAD:
            left.append(f"{one.column} ({one.why})" if one.why else one.column)
        else:
            yield f"  {one.column}: {one.role}" + (f"; {one.why}" if one.why else "")
    if left:
        yield f"  not read: {', '.join(left)}"
