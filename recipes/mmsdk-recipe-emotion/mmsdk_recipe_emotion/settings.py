"""What the settings name in the table: the labels and the people; and who is taken where nobody is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, DataError, guess_application, inspect_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk import Table

NOBODY = "none"  # as a group: the rows are of nobody in particular
NO_LABELS = {"regression": "holds numbers", "multilabel": "holds several labels a cell"}


def check_labels(table: Table, target: str) -> None:
    """Refuse a column that is none of labels, as ``mmsdk inspect`` would see it.

    :raises ConfigError: it holds numbers, several labels a cell, or nearly every row has its own.
    """
    try:
        (task,) = guess_application(table, target=target)["tasks"].values()
    except DataError:
        task = {"type": None}
    if task["type"] == "classification":
        return
    cells = [str(cell) for cell in table.cells(target) if cell is not None]
    held = NO_LABELS.get(task["type"], f"holds {len(set(cells))} different values in {len(cells)} rows")
    raise ConfigError(
        f"recipe emotion: target {target!r} of {table.name} {held}; expected a few labels with several rows each: name "
        "another column with --set target=COLUMN, or learn this one with an application file (mmsdk inspect, mmsdk fit)"
    )


def people_of(table: Table, settings: Mapping[str, Any]) -> str | None:
    """Return the column that names who is seen or heard, by its name, whatever is said of groups."""
    without = [str(settings[key]) for key in ("target", "id", "split") if key in settings]
    return inspect_table(table, tasks=False, without=without).group


def with_group(settings: Mapping[str, Any], people: str | None) -> dict[str, Any]:
    """Return the settings with the group of the split: as said, else ``people``, unless a split is made already."""
    group = settings.get("group")
    if group is None and "split" not in settings:
        group = people
    rest = {key: value for key, value in settings.items() if key != "group"}
    return rest if group in (None, NOBODY) else {**rest, "group": group}
