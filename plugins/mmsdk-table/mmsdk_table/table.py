"""The modality ``table``: several columns of numbers, categories, dates and booleans as one input."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_table.modalities import CATEGORY_LIMIT
from mmsdk_table.parts import columns_of, positions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmsdk import Part

Raw = str | float | bool | dt.datetime | None


class Rows:
    """Cells of several columns to a ``tuple`` of raw values, one a column, ``None`` where one is empty."""

    def decode(self, cell: Any) -> tuple[Raw, ...] | None:
        """Return the values in the order of the input's columns, or ``None`` when every column is empty.

        Texts are stripped, numbers are ``float``, a date is a ``datetime`` without a zone, NaN is empty.

        :raises ValueError: a value is a list, or a text of more than 1,000 characters.
        """
        found = tuple(_raw(value, f"value {place} of {len(cell)}") for place, value in enumerate(cell, 1))
        return None if all(value is None for value in found) else found

    def parts(self, sample: tuple[Raw, ...]) -> list[Part]:
        """Return the columns that hold something; of many, blocks."""
        found = columns_of(len(sample))
        return [part for part in found if any(sample[place] is not None for place in positions_of([part]))]

    def without(
        self, sample: tuple[Raw, ...], parts: Sequence[Part], others: Sequence[tuple[Raw, ...]] = ()
    ) -> tuple[Raw, ...] | None:
        """Return the row with some columns empty; ``None`` where all are."""
        gone = set(positions_of(parts))
        left = tuple(None if place in gone else value for place, value in enumerate(sample))
        return None if all(value is None for value in left) else left

    def examples(self) -> list[tuple[Any, ...]]:
        """Return rows of three columns, with gaps."""
        return list(_examples())


def _raw(value: Any, where: str) -> Raw:
    """Return one value in one of few types."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value != value:  # noqa: PLR0124 - NaN and pandas' NaT, which differ from themselves
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _double(value, where)
    if isinstance(value, dt.datetime):
        return dt.datetime(*value.timetuple()[:6], value.microsecond)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise ValueError(f"{where} is a {type(value).__name__}; make an input of its own of it")  # noqa: TRY004
    text = value.strip()
    if len(text) > CATEGORY_LIMIT:
        raise ValueError(f"{where} holds {len(text):,} characters; make an input of its own of it, modality text")
    return text or None


def _double(value: float, where: str) -> float:
    """Return a float; a whole number may be too large for one."""
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{where} is too large a number") from None


def _examples() -> Iterator[tuple[Any, ...]]:
    """Yield rows of a number, a word and a date."""
    for number in range(6):
        word = ("red", "green", None)[number % 3]
        yield (None if number == 4 else 1.5 * number, word, f"2024-0{number + 1}-17" if number != 2 else "")
