"""Which columns of a table an application reads, and as what; which it leaves alone, and why."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmsdk.data import guess_modality, hidden_columns, read_table
from mmsdk.errors import DataError, StoreError
from mmsdk.index.where import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mmsdk.config import Application, InteractionsConfig
    from mmsdk.data import Table

UNREAD = "not read"
KEPT = "not learned from; kept in the index and in hits"
PAIR_ROLES = ("user", "item", "time", "weight", "said", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """One column of the table.

    :param role: ``input photo (image)``, ``answer kind (classification)``, ``id``, ``group of the split``; or
        ``not learned from; kept in the index and in hits``, or ``not read`` where it is not kept either.
    :param why: what happens to it at the door, and why it is no input; empty where neither is known.
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
        dropped = application.privacy is not None and column in application.privacy.drop
        whys = ["" if roles or dropped else reasons.get(column, "")]
        whys += [f"privacy: {hidden[column]}"] if column in hidden else []
        role = roles or (UNREAD if dropped else KEPT)
        found.append(Understood(column=column, role=role, why="; ".join(filter(None, whys))))
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


def told_pairs(pairs: InteractionsConfig) -> str:
    """Return a line for the terminal: what the columns of the interactions are read as, and which are not read.

    :raises DataError: their file cannot be read.
    """
    table = read_table(pairs.file)
    roles = {key: column for key in PAIR_ROLES if (column := getattr(pairs, key))}
    line = f"columns of {Path(pairs.file).name}: " + ", ".join(f"{key} from {column}" for key, column in roles.items())
    left = [column for column in table.names if column not in roles.values()]
    told_time = "{0} (looks like a time: --set 'interactions.time={0}')"
    said = [told_time.format(column) if _is_time(pairs, table, column) else column for column in left]
    return line + (f"; not read: {', '.join(said)}" if said else "")


def _is_time(pairs: InteractionsConfig, table: Table, column: str) -> bool:
    """Return whether a column holds dates, where none is read as the time yet."""
    if pairs.time is not None:
        return False
    with contextlib.suppress(DataError):
        return guess_modality(table, column) == "date"
    return False


def told(found: Iterable[Understood]) -> Iterator[str]:
    """Yield lines for the terminal: a column each that is read, then those that are not, on one line a role."""
    left: dict[str, list[str]] = {KEPT: [], UNREAD: []}
    for one in found:
        if one.role in left:
            left[one.role].append(f"{one.column} ({one.why})" if one.why else one.column)
        else:
            yield f"  {one.column}: {one.role}" + (f"; {one.why}" if one.why else "")
    yield from (f"  {role}: {', '.join(columns)}" for role, columns in left.items() if columns)
