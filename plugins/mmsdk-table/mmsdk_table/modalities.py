"""The modalities ``number``, ``category``, ``date`` and ``vector``: what a cell may hold, and why not."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_table.parts import Whole, columns_of, without_elements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmsdk import Part

CATEGORY_LIMIT = 1_000
MOST = 0.8  # of the cells of a column that is guessed to be numbers
SAID = {"true": 1.0, "false": 0.0}  # as texts say what a typed column holds as a boolean
_DATED = re.compile("[-/.年]")


class Number(Whole):
    """A cell to one finite ``float``."""

    def decode(self, cell: Any) -> float | None:
        """Return the number, or ``None`` for an empty cell.

        :raises ValueError: the cell is no plain finite number, or there are several columns.
        """
        value = _only(cell, "number")
        return None if value is None else _number(value)

    def guess(self, values: Sequence[Any]) -> float:
        """Return the share of cells that are numbers; less where few values repeat often (a code, not an amount).

        Nothing where more than a fifth are none: every one would have to be mended.
        """
        share = _share(lambda cell: None if is_said(cell[0]) else self.decode(cell), values)
        if share < MOST:
            return 0.0
        return 0.9 * share if _repeats(values) < 0.5 or len(values) < 10 else 0.6 * share


class Category(Whole):
    """A cell to one ``str``: ``3``, ``3.0`` and ``" 3 "`` are the same category."""

    def decode(self, cell: Any) -> str | None:
        """Return the category, or ``None`` for an empty cell.

        :raises ValueError: the cell holds several values, or more than 1,000 characters.
        """
        value = _only(cell, "category")
        if isinstance(value, (list, tuple, dict, np.ndarray)):
            raise ValueError("holds several values, where a category holds one")  # noqa: TRY004 - the cell is wrong
        if isinstance(value, float):
            value = None if math.isnan(value) else int(value) if value.is_integer() else value
        text = str(value).strip() if value is not None else ""
        if len(text) > CATEGORY_LIMIT:
            raise ValueError(f"holds {len(text):,} characters, where a category may hold {CATEGORY_LIMIT:,}")
        return text or None

    def guess(self, values: Sequence[Any]) -> float:
        """Return how much the values of a column repeat, where none is long or a list."""
        if any(isinstance(value, (list, tuple, dict)) or len(str(value)) > 60 for value in values):
            return 0.0
        return 0.85 * _repeats(values)


class Date(Whole):
    """A cell to a ``datetime`` without a zone: weekday and hour are those of the place where it was written."""

    def decode(self, cell: Any) -> dt.datetime | None:
        """Return the moment, or ``None`` for an empty cell.

        :raises ValueError: the cell is no date that begins with the year; ``31/01/2024`` and bare numbers are
            ambiguous and refused.
        """
        value = _only(cell, "date")
        if value is None or value != value:  # noqa: PLR0124 - pandas' NaT, which differs from itself
            return None
        if isinstance(value, str):
            from mmsdk import moment_of

            value = moment_of(value)
        if isinstance(value, dt.datetime):
            return dt.datetime(*value.timetuple()[:6], value.microsecond)
        if isinstance(value, dt.date):
            return dt.datetime(value.year, value.month, value.day)
        raise ValueError(f"is a {type(value).__name__}, not a date; write it as 2024-01-31 or 2024-01-31T10:00")

    def guess(self, values: Sequence[Any]) -> float:
        """Return the share of cells that are dates; digits alone are numbers."""
        return _share(lambda cell: self.decode(cell) if _DATED.search(str(cell[0])[1:]) else None, values)


class Vector:
    """A cell, or several columns of numbers, to float32 ``(d,)``."""

    def decode(self, cell: Any) -> np.ndarray | None:
        """Return the vector, or ``None`` when every column is empty.

        :raises ValueError: an element is missing or not a finite number, or the list is nested or empty.
        """
        values = cell if len(cell) > 1 else _elements(cell[0])
        missing = [place for place, value in enumerate(values, 1) if _missing(value)]
        if len(missing) == len(values) and (len(cell) > 1 or _missing(cell[0])):
            return None
        if missing:
            raise ValueError(f"element {missing[0]} of {len(values)} is empty")
        if len(values) == 0:
            raise ValueError("holds an empty list, where a vector holds numbers")
        return _finite(values)

    def guess(self, values: Sequence[Any]) -> float:
        """Return the share of cells that hold two numbers or more."""
        return _share(lambda cell: v if (v := self.decode(cell)) is not None and len(v) > 1 else None, values)

    def parts(self, sample: np.ndarray) -> list[Part]:
        """Return its elements; of a long vector, blocks of them."""
        return columns_of(len(sample), "element")

    def without(self, sample: np.ndarray, parts: Sequence[Part], others: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Return the vector with some elements as they are in the mean of other vectors."""
        return without_elements(sample, parts, others)


def is_said(value: Any) -> bool:
    """Return whether a value is true or false, as a boolean or as text: a number where one is asked for, no sooner."""
    return str(value).strip().lower() in SAID


def _only(cell: Any, modality: str) -> Any:
    """Return the one value of a cell, ``None`` where it is empty."""
    if len(cell) != 1:
        raise ValueError(f"a {modality} takes one column, got {len(cell)}; make an input of each")
    value = cell[0]
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _missing(value: Any) -> bool:
    """Return whether one element is missing."""
    return value is None or (isinstance(value, str) and not value.strip())


def _number(value: Any) -> float:
    """Return a finite float, or say why it is none."""
    if is_said(value):
        return SAID[str(value).strip().lower()]
    from mmsdk import number_of

    return number_of(value)


def _elements(value: Any) -> Sequence[Any] | np.ndarray:
    """Return the elements of one cell that holds a whole vector."""
    if _missing(value):
        return ()
    if isinstance(value, str):
        inner = value.strip()
        if inner.startswith("[") and inner.endswith("]"):
            inner = inner[1:-1].replace(",", " ")
        return inner.split()
    return value if isinstance(value, (list, tuple, np.ndarray)) else (value,)


def _finite(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return float32 ``(d,)``; the slow way only to name the first element that is wrong."""
    try:
        with np.errstate(over="ignore"):
            vector = np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        vector = None
    if vector is not None and vector.ndim == 1 and np.isfinite(vector).all():
        return vector
    numbers = []
    for place, value in enumerate(values, 1):
        try:
            numbers.append(number := _number(value))
        except ValueError as error:
            raise ValueError(f"element {place} of {len(values)} {error}") from None
        if abs(number) > float(np.finfo(np.float32).max):
            raise ValueError(f"element {place} of {len(values)} is too large for float32 ({number})")
    if numbers and np.ndim(values) == 1:
        return np.asarray(numbers, np.float32)
    raise ValueError("is not a flat list of numbers")


def _share(decode: Callable[[Any], Any], values: Sequence[Any]) -> float:
    """Return the share of cells that decode to something."""

    def fits(value: Any) -> bool:
        try:
            return decode((value,)) is not None
        except ValueError:
            return False

    return sum(map(fits, values)) / len(values) if len(values) else 0.0


def _repeats(values: Sequence[Any]) -> float:
    """Return how much a column repeats itself: 0 where every value is its own, near 1 for few values of many rows."""
    return 1 - len({str(value).strip() for value in values}) / len(values) if len(values) else 0.0
