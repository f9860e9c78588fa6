"""Results on stdout: one JSON document, strict, so that any reader takes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from mmsdk.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinities, which JSON lacks, as null."""
    click.echo(_text(document))


def write_json(path: Path, document: Any) -> None:
    """Write what :func:`print_json` prints, whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(_text(document) + "\n", encoding="utf-8")


def _text(document: Any) -> str:
    """Return a document as strict JSON."""
    return json.dumps(_strict(document), ensure_ascii=False, indent=2, allow_nan=False)


def _strict(value: Any) -> Any:
    """Return values as JSON has them: mappings, lists, texts, numbers, null."""
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return _strict(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
