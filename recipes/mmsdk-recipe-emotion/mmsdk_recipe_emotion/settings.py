"""The recipe's own settings: what is taken where one is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk import guess_application

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Table

NOBODY = "none"  # as a group: the rows are of nobody in particular


def people_of(table: Table, settings: Mapping[str, Any]) -> str | None:
    """Return the column that names who is seen or heard, by its name, whatever is said of groups."""
    return _group(table, [str(settings[key]) for key in ("target", "id", "split") if settings.get(key) is not None])


def with_group(settings: Mapping[str, Any], people: str | None) -> dict[str, Any]:
    """Return the settings with the group of the split: as said, else ``people``, unless a split is made already."""
    group = settings.get("group")
    if group is None and settings.get("split") is None:
        group = people
    rest = {key: value for key, value in settings.items() if key != "group"}
    return rest if group in (None, NOBODY) else {**rest, "group": group}


def _group(table: Table, without: Sequence[str]) -> str | None:
    """Return the group that ``mmsdk inspect`` would guess, were there no column of parts, which it takes before one."""
    split = guess_application(table, tasks=False, without=without).get("split", {})
    if "column" in split:
        return _group(table, [*without, split["column"]])
    group: str | None = split.get("group")
    return group
