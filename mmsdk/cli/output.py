"""Results on stdout: one JSON document, strict, so that any reader takes it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from mmsdk.files import atomic_write, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_stdout: TextIO | None = None  # where documents go while whatever else is printed goes to stderr


@contextlib.contextmanager
def nothing_else() -> Iterator[None]:
    """Keep stdout for JSON documents: what a plugin prints meanwhile goes to stderr."""
    global _stdout  # noqa: PLW0603 - the process has one stdout
    before, _stdout = _stdout, _stdout or sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _stdout = before


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinities, which JSON lacks, as null."""
    click.echo(json_text(document), file=_stdout)


def write_json(path: Path, document: Any) -> None:
    """Write what :func:`print_json` prints, whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(json_text(document) + "\n", encoding="utf-8")
