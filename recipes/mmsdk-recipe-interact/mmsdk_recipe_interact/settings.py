"""The recipe's own settings: what each may be, and what is taken where one is left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, inspect_table, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Table

SLOTS = ("action", "argument")
IDLE = ["none", "idle", "无", "空闲"]
LISTED = 30  # labels that a message names
NOBODY = "none"  # as a group: the rows are of nobody in particular


def words_of(key: str, value: Any) -> list[str]:
    """Return a word, or a list of them, as a list.

    :raises ConfigError: it is something else.
    """
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in found):
        raise ConfigError(f"recipe interact: {key} is {value!r}, expected a word, or several as [ONE, TWO]")
    return [str(one) for one in found]


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not empty, whether or not this table has a column that they are for.

    :raises ConfigError: one is of the wrong kind.
    """
    settings = {key: value for key, value in settings.items() if value is not None}
    for key, least in (("rate", "above 0"), ("fps", "above 0"), ("still", "0 or more")):
        value = settings.get(key, 1)
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or value < 0 or (value == 0 and least == "above 0"):
            raise ConfigError(f"recipe interact: {key} is {value!r}, expected a number, {least}")
    for key in ("commands", "vad"):
        if not isinstance(settings.get(key, ""), str):
            raise ConfigError(f"recipe interact: {key} is {settings[key]!r}, expected the name of a file")
    return settings


def slots_of(names: Sequence[str], said: Any) -> list[str]:
    """Return the columns of the slots.

    :raises ConfigError: none, or one that is not there.
    """
    if said is None:
        found = [name for name in SLOTS if name in names]
        if not found:
            raise ConfigError(
                "recipe interact: no column is named action or argument; name the columns that make up a command with "
                "--set 'slots=[COLUMN, ...]'"
            )
        return found
    wanted = words_of("slots", said)
    for name in wanted:
        if name not in names:
            raise ConfigError(f"recipe interact: slots names {name!r}, and the table has {', '.join(names)}")
    return wanted


def group_of(table: Table, settings: Mapping[str, Any], slots: Sequence[str]) -> str | None:
    """Return the column of the speaker: as said, else by its name, unless a split is made already."""
    said: str | None = settings.get("group")
    if said is not None:
        return None if said == NOBODY else said
    return inspect_table(table, tasks=False, without=slots).group if settings.get("split") is None else None


def check_idle(table: Table, slots: Sequence[str], said: Any) -> None:
    """Refuse a label of ``idle`` that no slot has; where none is said and no slot has a usual one, say so.

    :raises ConfigError: no column of a slot holds it.
    """
    there = sorted({str(cell) for slot in slots for cell in table.cells(slot) if cell is not None})
    labels = ", ".join(there[:LISTED]) + (f" and {len(there) - LISTED} more" if len(there) > LISTED else "")
    if said is not None:
        for one in words_of("idle", said):
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
