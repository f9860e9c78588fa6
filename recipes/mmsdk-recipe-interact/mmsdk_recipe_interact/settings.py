"""What the settings name in the table: slots, speakers and idle labels; and what is taken where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, inspect_table, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Table

SLOTS = ("action", "argument")
IDLE = ["none", "idle", "nichts", "leer", "无", "空闲"]
LISTED = 30  # labels that a message names
NOBODY = "none"  # as a group: the rows are of nobody in particular


def slots_of(names: Sequence[str], said: Sequence[str] | None) -> list[str]:
    """Return the columns of the slots.

    :raises ConfigError: none, or one that is not there.
    """
    if said is None:
        found = [name for name in SLOTS if name in names]
        if not found:
            raise ConfigError(
                "recipe interact: no column is named action or argument; name the columns that make up a command with "
                f"--set 'slots=[COLUMN, ...]'. Columns: {', '.join(names)}"
            )
        return found
    for name in said:
        if name not in names:
            raise ConfigError(f"recipe interact: slots names {name!r}, and the table has {', '.join(names)}")
    return list(said)


def group_of(table: Table, settings: Mapping[str, Any], slots: Sequence[str]) -> str | None:
    """Return the column of the speaker: as said, else by its name, unless a split is made already."""
    said: str | None = settings.get("group")
    if said is not None:
        return None if said == NOBODY else said
    return inspect_table(table, tasks=False, without=slots).group if settings.get("split") is None else None


def check_idle(table: Table, slots: Sequence[str], said: Sequence[str] | None) -> None:
    """Refuse a label of ``idle`` that no slot has; where none is said and no slot has a usual one, say so.

    :raises ConfigError: no column of a slot holds it.
    """
    there = sorted({str(cell) for slot in slots for cell in table.cells(slot) if cell is not None})
    labels = ", ".join(there[:LISTED]) + (f" and {len(there) - LISTED} more" if len(there) > LISTED else "")
    if said is not None:
        for one in said:
            if one not in there:
                raise ConfigError(
                    f"recipe interact: idle names {one!r}, which is no label of {', '.join(slots)}; they have {labels}"
                )
    elif not set(there) & set(IDLE):
        note(
            f"recipe interact: no row of {', '.join(slots)} is labelled {', '.join(IDLE)}, so that idle talk and idle "
            "hands will be taken for commands; add such rows, or name the label that means that nobody asked with "
            f"--set 'idle=[LABEL]'. Labels: {labels}"
        )
