"""A guessed application, and how it is written down with its reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


PLAIN = re.compile(r"[^\W\d][\w./*-]*( [\w./*-]+)*|/[\w./-]+")  # never a number, a date or an indicator


@dataclass(kw_only=True)
class Guessed:
    """A guessed application, with the reason of each choice.

    :param application: as of an application file.
    :param notes: ``inputs.photo`` -> a few words on why.
    :param left_out: column -> why it is no input.
    :param ids: the columns that may name the rows, surest first; the application's ``id`` is the first of them.
    :param group: the column of groups, such as who speaks, also where a split is made that cuts through them.
    """

    application: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    group: str | None = None

    def to_yaml(self) -> str:
        """Return the application file, with the reasons as comments."""
        return "\n".join(_lines(self)) + "\n"


def _lines(found: Guessed) -> Iterator[str]:
    """Yield the lines of the application file."""
    yield "# Guessed by mmsdk inspect: a start to edit. What is left out has its default."
    for key, value in found.application.items():
        if key in {"inputs", "tasks"}:
            yield f"{key}:" + _comment(found.notes.get(key))
            for name, block in value.items():
                yield f"  {_flow({name: block})}" + _comment(found.notes.get(f"{key}.{name}"))
        else:
            yield _flow({key: value}) + _comment(found.notes.get(key))
    if "inputs" not in found.application:
        yield "inputs: {}" + _comment(found.notes.get("inputs"))
    if "tasks" not in found.application and "tasks" in found.notes:
        yield _comment(f"tasks: {found.notes['tasks']}").strip()
    if found.left_out:
        yield "# Left out:"
    for name, why in found.left_out.items():
        yield _comment(f"{name}: {why}").strip()


def _flow(value: dict[str, Any]) -> str:
    """Return a mapping of one key on one line."""
    return _value(value)[1:-1]


def _value(value: Any) -> str:
    """Return a value as YAML on one line, with quotes only where a text needs them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)}: {_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null"}:
        return text
    return '"' + "".join(m if m.isprintable() and m not in '"\\' else f"\\U{ord(m):08x}" for m in text) + '"'


def _comment(text: str | None) -> str:
    """Return text as a comment at the end of a line, without what would end it or is no YAML."""
    bare = "".join(mark if mark.isprintable() else " " for mark in text or "")
    return f"  # {' '.join(bare.split())}" if bare else ""
