"""``--set KEY=VALUE`` from the command line, laid over what the application file says."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from mmsdk.config.shape import section_at
from mmsdk.config.text import read_yaml
from mmsdk.errors import ConfigError, unknown

ENCODERS = "encoders."
IGNORE = "ignore"
BARE = re.compile(r"[,;|/:&+#%@!>*?-]+")  # YAML would take most of these for the start of something


def parse_set(items: Iterable[str]) -> dict[str, Any]:
    """Return ``{"a.b": value}`` for ``["a.b=value"]``, keys as typed, a later one winning.

    Values are YAML 1.2 scalars or lists of them: ``0.1``, ``true``, ``[A, B]``; ``no`` stays a word, and so does a
    date. An empty value is None. Keys: dotted keys of the application (``fusion.dim``), ``inputs.NAME`` (a column or a
    list of columns), ``encoders.MODALITY``, ``ignore``, and whatever a recipe adds (its own are flat words).

    :raises ConfigError: no ``=``, an empty key, not YAML, or a mapping.
    """
    found: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        key = key.strip()
        if not equals or not key or any(not part.strip() for part in key.split(".")):
            raise ConfigError(f"--set {item}: expected KEY=VALUE, as in --set fusion.dim=128")
        found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    """Read one value; what YAML cannot read, the user is told to quote. Bare punctuation is itself: ``separator=|``."""
    if BARE.fullmatch(text.strip()):
        return text.strip()
    try:
        value = read_yaml(text, f"--set {key}")
    except ConfigError as error:
        raise ConfigError(f"{error}; put the value in quotes: --set '{key}=\"...\"'") from None
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(part, dict | list) for part in parts):
        raise ConfigError(
            f"--set {key}: expected a YAML scalar or a list of them, not {text.strip()!r}; "
            "set the keys below it one by one"
        )
    return value


def overlay(raw: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with ``settings`` laid over it; neither is changed.

    A block of the file that is one word (``align: cca``) says the key it is known by, as with ``--set``.

    ``--set BLOCK=VALUE`` sets the key the block is known by (``inputs.photo=image`` its column, ``fusion=concat`` its
    type, ``split=part`` its column). ``encoders.MODALITY`` sets the encoder of every input of that modality, except
    where ``inputs.NAME.encoder`` is set too. ``ignore`` takes inputs away, by name or by column.
    """
    merged = {key: _block(key, copy.deepcopy(value)) for key, value in raw.items()}
    for key, value in settings.items():
        if key != IGNORE and not key.startswith(ENCODERS):
            _put(merged, key, copy.deepcopy(value))
    for key, value in settings.items():
        if key.startswith(ENCODERS):
            _encoder(merged, key, value, settings)
    if settings.get(IGNORE) is not None:
        _ignore(merged, settings[IGNORE])
    return merged


def _block(key: str, value: Any) -> Any:
    """Return the block that one word stands for; anything else as it is."""
    section = section_at((key,))
    named = section is not None and section.shorthand is not None and isinstance(value, str)
    return {section.shorthand: value} if named and section is not None else value


def _put(merged: MutableMapping[str, Any], key: str, value: Any) -> None:
    """Set one dotted key, making the blocks on the way."""
    *parents, last = key.split(".")
    place: Any = merged
    for depth, part in enumerate(parents):
        if place.get(part) is None:
            place[part] = {}
        place = place[part]
        if not isinstance(place, MutableMapping):
            raise ConfigError(f"--set {key}: {'.'.join(parents[: depth + 1])!r} is a value and has no keys below it")
    section = section_at((*parents, last))
    if section is None or section.shorthand is None or value is None or isinstance(value, Mapping):
        place[last] = value
        return
    block = place[last] if isinstance(place.get(last), Mapping) else {}
    place[last] = {**block, section.shorthand: value}


def _inputs(merged: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs that are mappings; anything else is refused later, with its place."""
    inputs = merged.get("inputs")
    return {k: v for k, v in inputs.items() if isinstance(v, dict)} if isinstance(inputs, Mapping) else {}


def _encoder(merged: Mapping[str, Any], key: str, value: Any, settings: Mapping[str, Any]) -> None:
    """Set the encoder of every input of a modality."""
    modality = key.removeprefix(ENCODERS)
    inputs = _inputs(merged)
    fitting = [name for name, block in inputs.items() if block.get("modality") == modality]
    if not fitting:
        known = {str(block.get("modality")) for block in inputs.values()}
        raise ConfigError(
            unknown("input of modality", modality, known, where=f"--set {key}", listed="The inputs are of")
        )
    for name in fitting:
        if f"inputs.{name}.encoder" not in settings:
            inputs[name]["encoder"] = value


def _ignore(merged: MutableMapping[str, Any], names: Any) -> None:
    """Take inputs away: a whole input by its name, a column out of every input that reads it."""
    wanted = [names] if isinstance(names, str) else names
    if not isinstance(wanted, list | tuple) or not all(isinstance(name, str) for name in wanted):
        raise ConfigError(
            f"--set ignore: expected names of inputs or columns, as in --set ignore=[A, B], not {names!r}"
        )
    inputs = _inputs(merged)
    known = {*inputs, *(column for block in inputs.values() for column in _columns(block))}
    for name in wanted:
        if name not in known:
            raise ConfigError(unknown("input or column", name, known, where="--set ignore", listed="Known"))
    merged["inputs"] = {key: kept for key, block in inputs.items() if (kept := _without(key, block, set(wanted)))}


def _columns(block: Mapping[str, Any]) -> list[str]:
    """Return the columns of one raw input."""
    column = block.get("column")
    return [c for c in (column if isinstance(column, list) else [column]) if isinstance(c, str)]


def _without(key: str, block: dict[str, Any], ignored: set[str]) -> dict[str, Any] | None:
    """Return the input without the ignored columns, or None where nothing is left of it."""
    if key in ignored:
        return None
    left = [column for column in _columns(block) if column not in ignored]
    if len(left) == len(_columns(block)):
        return block
    return {**block, "column": left if len(left) > 1 else left[0]} if left else None
