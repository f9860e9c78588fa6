"""A guessed application, and how it is written down with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmsdk.config import write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(kw_only=True)
class Guessed:
    """A guessed application, with the reason of each choice.

    :param application: as of an application file.
    :param notes: ``inputs.photo`` -> a few words on why.
    :param left_out: column -> why it is no input.
    """

    application: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

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
    if found.left_out:
        yield "# Left out:"
    for name, why in found.left_out.items():
        yield _comment(f"{name}: {why}").strip()


def _flow(value: dict[str, Any]) -> str:
    """Return a mapping of one key on one line."""
    return write_yaml(value, flow=True).strip()[1:-1]


def _comment(text: str | None) -> str:
    """Return text as a comment at the end of a line, without what would end it or is no YAML."""
    bare = "".join(mark if mark.isprintable() else " " for mark in text or "")
    return f"  # {' '.join(bare.split())}" if bare else ""
