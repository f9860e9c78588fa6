"""Results on stdout: one JSON document, strict, so that any reader takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mmsdk.files import atomic_write, json_text

if TYPE_CHECKING:
    from pathlib import Path


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinities, which JSON lacks, as null."""
    click.echo(json_text(document))


def write_json(path: Path, document: Any) -> None:
    """Write what :func:`print_json` prints, whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(json_text(document) + "\n", encoding="utf-8")
