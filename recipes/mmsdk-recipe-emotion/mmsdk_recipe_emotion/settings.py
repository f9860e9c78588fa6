"""The recipe's own settings: what each may be, and what is taken where one is left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, DataError, guess_application, inspect_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk import Table

NOBODY = "none"  # as a group: the rows are of nobody in particular
PIXELS = ("unit", "signed", "raw")
NO_LABELS = {"regression": "holds numbers", "multilabel": "holds several labels a cell"}


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not empty, whether or not this table has a column that they are for.

    :raises ConfigError: one is of the wrong kind.
    """
    settings = {key: value for key, value in settings.items() if value is not None}
    fps = settings.get("fps", 1)
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < math.inf:
        raise _wrong("fps", fps, "a number of frames a second, above 0")
    for key in ("scene", "within"):
        if not isinstance(settings.get(key, False), bool):
            raise _wrong(key, settings[key], "true or false")
    for key, what in (("detector", "an ONNX file"), ("face", "an encoder"), ("voice", "an encoder")):
        if not isinstance(settings.get(key, ""), str):
            raise _wrong(key, settings[key], f"the name of {what}")
    if settings.get("pixels", PIXELS[0]) not in PIXELS:
        raise _wrong("pixels", settings["pixels"], f"one of {', '.join(PIXELS)}")
    if "pixels" in settings and "face" not in settings:
        raise ConfigError("recipe emotion: pixels is of the encoder of faces; name that with --set face=ENCODER")
    return settings


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


def _wrong(key: str, value: Any, expected: str) -> ConfigError:
    """Return what is wrong with a setting."""
    return ConfigError(f"recipe emotion: {key} is {value!r}, expected {expected}")
