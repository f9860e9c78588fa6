"""From the columns of a table to the inputs of the application: what shows or says something, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, guess_application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk import Table

UNIT = re.compile(  # OpenFace writes AU01_r, AU01_c; of two extractions one table has AU01_r_x, static_AU01_r ...
    r"(?:(?P<before>.+)[_ .:-])?AU_?\d\d?(?:_[rc])?(?:[_ .:-](?P<after>.+))?", re.IGNORECASE
)
UNITS = "units"
ROLES = ("target", "group", "id", "split")  # settings that name a column which is no input
FRAMES, SIDE = 64, 240
LONG = 100  # numbers from which a vector is a course in time, not a list of measures
OWN = ("video", "image", "audio", "vector")  # what a person's own ways move: not words
SHOWN = ("video", "image", "audio", "text", "vector", "gesture", "gesture-file")


def chosen_inputs(table: Table, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs.

    :raises ConfigError: no column shows or says anything.
    """
    found: dict[str, dict[str, Any]] = {}
    units = _units(table, settings)
    for name, columns in units.items():
        found[name] = {"column": columns, "modality": "vector", "encoder": "quantiles"}
    read = {column for columns in units.values() for column in columns}
    guessed = guess_application(table, tasks=False)["inputs"]
    for name, entry in guessed.items():
        if _is_input(entry, read, settings):
            found |= _of_column(name, entry, table, settings)
    if not found:
        raise ConfigError(
            f"recipe emotion: no column of {table.name} holds videos, pictures, sounds, words, vectors or "
            "action units; name one with --set inputs.NAME=COLUMN"
        )
    return _within(found, settings)


def left_out(table: Table, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that are no inputs although ``mmsdk inspect`` would read them, and why."""
    read = {column for entry in chosen_inputs(table, settings).values() for column in _columns(entry["column"])}
    read |= {settings.get(key) for key in ROLES}
    guessed = guess_application(table, tasks=False)["inputs"].values()
    kinds = {column: entry["modality"] for entry in guessed for column in _columns(entry["column"])}
    return {name: f"{kind}: shows and says nothing of a person" for name, kind in kinds.items() if name not in read}


def _is_input(entry: Mapping[str, Any], units: set[str], settings: Mapping[str, Any]) -> bool:
    """Return whether a guessed input shows something, and is neither the label nor a name."""
    taken = {settings.get(key) for key in ROLES} | units
    return entry["modality"] in SHOWN and not taken & set(_columns(entry["column"]))


def _of_column(
    name: str, entry: Mapping[str, Any], table: Table, settings: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the inputs of one column: of a video its faces and its voice are two."""
    modality = entry["modality"]
    voice, scene = settings["voice"], settings["scene"]
    if modality == "video":
        base = {**entry, "decode": {"sampling": "fps", "fps": settings["fps"], "frames": FRAMES, "size": SIDE}}
        parts = {
            f"{name}_face": {**base, **_face(settings), "pool": "mean-std"},
            f"{name}_voice": {**base, "encoder": f"sound:{voice}"},
        }
        return parts | ({f"{name}_scene": {**base, "encoder": "frames:colour-shape"}} if scene else {})
    if modality == "image":
        parts = {f"{name}_face": {**entry, **_face(settings)}}
        return parts | ({f"{name}_scene": {**entry, "encoder": "colour-shape"}} if scene else {})
    if modality == "audio":
        return {name: {**entry, "encoder": voice}}
    if modality == "vector":
        return {name: {**entry, **_vector(entry, table)}}
    return {name: dict(entry)}


def _face(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encoder of faces and its options."""
    detector, encoder = settings.get("detector"), settings.get("face")
    if detector is None and encoder is None:
        return {"encoder": "face-shape"}
    reference = "+".join(str(part) for part in (detector or "cascade", encoder) if part is not None)
    options = {"options": {"pixels": settings["pixels"]}} if "pixels" in settings else {}
    return {"encoder": f"faces:{reference}", **options}


def _within(inputs: dict[str, dict[str, Any]], settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs, those of a face, a voice and action units relative to the same person's where asked for.

    :raises ConfigError: there is no ``group``.
    """
    if not settings["within"]:
        return inputs
    if settings.get("group") is None:
        raise ConfigError("recipe emotion: within is about one person's clips; name who is who with --set group=COLUMN")
    own = {name for name, entry in inputs.items() if entry["modality"] in OWN and not name.endswith("_scene")}
    return {name: {**entry, "within": settings["group"]} if name in own else entry for name, entry in inputs.items()}


def _vector(entry: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Return how a vector is read: a long one is a course in time."""
    column = _columns(entry["column"])[0]
    cell = next((one for one in table.cells(column) if one is not None), ())
    length = len(cell) if isinstance(cell, list | tuple) else len(re.findall(r"[^\s,\[\]]+", str(cell)))
    return {"encoder": "series", "options": {"padding": 0}} if length >= LONG else {"encoder": "quantiles"}


def _units(table: Table, settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the columns of action units by input: those of two extractions have other words around their names."""
    taken = {settings.get(key) for key in ROLES}
    found: dict[str, list[str]] = {}
    for name in table.names:
        if name not in taken and (unit := UNIT.fullmatch(name)):
            around = [re.sub(r"\W+", "_", part) for part in unit.groups() if part]
            found.setdefault("_".join([UNITS, *around]), []).append(name)
    return found


def _columns(column: str | list[str]) -> list[str]:
    """Return the columns of an input."""
    return [column] if isinstance(column, str) else list(column)
