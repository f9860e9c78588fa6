"""What a column of a table is, decided on its training values, and its values read as that."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from mmsdk_table.modalities import Category, Date, Number, is_said

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS: dict[str, Any] = {"number": Number(), "date": Date(), "category": Category()}
SHARE = 0.95  # of the values that have to be numbers, or dates, for the column to be one: a few slips do not decide


def kind_of(values: Sequence[Any]) -> str:
    """Return ``number``, ``date`` or ``category``: the first that 95 % of the values that are there can be read as.

    Columns of ``true`` and ``false`` are categories. Without a value it is a category.
    """
    present = [value for value in values if value is not None]
    for kind in ("number", "date"):
        if present and sum(read(value, kind) is not None for value in present) >= SHARE * len(present):
            return kind
    return "category"


def read(value: Any, kind: str) -> Any:
    """Return a value as a ``float``, a ``datetime`` or a ``str``; ``None`` where it is empty or cannot be read so."""
    if value is None or (kind == "number" and is_said(value)):
        return None
    if kind == "category":
        return _name(value)
    if isinstance(value, dt.datetime) and kind == "number":
        return None
    try:
        return KINDS[kind].decode((value,))
    except ValueError:
        return None


def _name(value: Any) -> str | None:
    """Return a value as a category; ``true``, ``True`` and a boolean are one."""
    name: str | None = KINDS["category"].decode((value,))
    return name.lower() if name and name.lower() in {"true", "false"} else name
