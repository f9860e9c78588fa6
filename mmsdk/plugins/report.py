"""The registry as text for a narrow terminal and as JSON values: rows of plugins, and components of a kind."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmsdk.plugins.registry import label, shown_name
from mmsdk.plugins.targets import missing_modules
from mmsdk.specs import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mmsdk.plugins.registry import Entry, PluginRow

_PLURALS = {"modality": "modalities", "index": "index types", "fusion": "fusions"}


def rows_as_text(rows: Iterable[PluginRow], width: int = 60) -> str:
    """Return a paragraph a plugin: name, distribution, what it provides, and where it broke and why."""
    return "\n".join(line for row in rows for line in _row_lines(row, width))


def rows_as_json(rows: Iterable[PluginRow]) -> dict[str, Any]:
    """Return ``{"plugins": [{name, distribution, version, status, stage, reason, provides}]}``."""
    names = ("name", "distribution", "version", "status", "stage", "reason")
    return {
        "plugins": [{**{name: getattr(row, name) for name in names}, "provides": dict(row.provides)} for row in rows]
    }


def entries_as_text(entries: Iterable[Entry], width: int = 60) -> str:
    """Return a paragraph a component: its name, what it is, and its plugin; clashing names as ``plugin/name``."""
    listed = sorted(entries, key=lambda entry: (entry.spec.name, entry.plugin.name))
    return "\n".join(line for entry in listed for line in _entry_lines(entry, shown_name(entry, listed), width))


def entries_as_json(kind: str, entries: Iterable[Entry]) -> dict[str, Any]:
    """Return ``{"kind": kind, "components": [the spec's fields, "plugin", "distribution", "version"]}``."""
    return {"kind": kind, "components": [_entry_as_json(entry) for entry in entries]}


def _entry_as_json(entry: Entry) -> dict[str, Any]:
    """Return the spec's fields and where it comes from."""
    fields = {field.name: _plain(getattr(entry.spec, field.name)) for field in dataclasses.fields(entry.spec)}
    plugin = entry.plugin
    return {**fields, "plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version}


def _plain(value: Any) -> Any:
    """Return mappings, tuples and the settings of recipes as what JSON has."""
    if isinstance(value, Setting):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _row_lines(row: PluginRow, width: int) -> Iterator[str]:
    """Yield the lines of one plugin."""
    state = f"  BROKEN at {row.stage}" if row.status == "broken" else ""
    yield f"{row.name}{state}"
    yield from _indented(f"{row.distribution} {row.version}".strip(), width)
    provides = ", ".join(count(kind, n) for kind, n in row.provides.items())
    if provides:
        yield from _indented(provides, width)
    if row.reason:
        yield from _indented(row.reason, width)


def _entry_lines(entry: Entry, name: str, width: int) -> Iterator[str]:
    """Yield the lines of one component."""
    spec = entry.spec
    facts = []
    if modalities := getattr(spec, "modalities", ()):
        facts.append(", ".join(modalities))
    if getattr(spec, "dim", 0):
        facts.append(f"{getattr(spec, 'dim', 0)} numbers")
    if licence := getattr(spec, "licence", ""):
        facts.append(licence)
    yield name
    if facts:
        yield from _indented(" - ".join(facts), width)
    for modality, names in getattr(spec, "encoders", {}).items():
        yield from _indented(f"{modality}: {', '.join(names)}", width)
    summary = spec.summary or getattr(spec, "takes", "") or getattr(spec, "cells", "")
    if summary:
        yield from _indented(summary, width)
    if missing := missing_modules(spec):
        yield from _indented(f"cannot be used: {', '.join(missing)} is not installed", width)
    yield from _indented(f"from {entry.plugin.origin}", width)


def _indented(text: str, width: int) -> list[str]:
    """Return text wrapped at ``width``, two spaces in; nothing is broken inside a word."""
    return textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def count(kind: str, n: int) -> str:
    """Return ``2 modalities``."""
    return f"{n} {label(kind)}" if n == 1 else f"{n} {_PLURALS.get(kind, label(kind) + 's')}"
