"""Lists of numbers, however nested, as an array; what is not there becomes NaN, what is no number is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

MAX_TEXT = 64 * 2**20  # characters of one cell
MAX_NUMBERS = 16_000_000  # in one cell: an hour of a whole body at 30 steps a second is 11 million
FARTHEST = 1e9  # no unit of length makes a screen, a room or a street so large


def parse(text: str) -> Any:
    """Return what a JSON text holds.

    :raises ValueError: it is none, or too long.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"has {len(text):,} characters, where {MAX_TEXT:,} are read")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError:
        raise ValueError(f"is no JSON list of numbers: {text[:40]!r}") from None


def array(value: Any) -> np.ndarray:
    """Return nested lists as float64, ``(n,)``, ``(t, w)`` or ``(t, k, d)``; ``null`` anywhere is NaN.

    A point may be an object with x, y and z, as MediaPipe writes it.

    :raises ValueError: ragged, deeper than three levels, not numbers, infinite, or too many.
    """
    shape = _shape(value)
    if math.prod(shape) > MAX_NUMBERS:
        raise ValueError(f"holds {math.prod(shape):,} numbers, where {MAX_NUMBERS:,} are read")
    numbers = np.full(shape, np.nan)
    _fill(numbers, value, "")
    return checked(numbers)


def checked(numbers: np.ndarray) -> np.ndarray:
    """Return numbers of which none is infinite or beyond all reason.

    :raises ValueError: one is.
    """
    if np.isinf(numbers).any():
        raise ValueError("holds an infinite number")
    if (np.abs(numbers) > FARTHEST).any():
        raise ValueError(f"holds a number beyond {FARTHEST:g}")
    return numbers


def number(value: Any) -> float:
    """Return a number, or NaN for nothing.

    :raises ValueError: it is neither.
    """
    if value is None or value == "":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
        raise ValueError(f"holds {type(value).__name__} where a number is expected")  # noqa: TRY004 - of a cell
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"holds {str(value)[:40]!r} where a number is expected") from None


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, read off the first of each level that is there."""
    shape: tuple[int, ...] = ()
    level = [value]
    while isinstance(first := next((one for one in level if one is not None), None), list | tuple | dict):
        if len(shape) == 3:
            raise ValueError("is nested deeper than [step][point][coordinate]")
        shape += (len(_items(first)),)
        level = [item for one in level if isinstance(one, list | tuple | dict) for item in _items(one)]
    if not shape:
        raise ValueError(f"holds {type(value).__name__}, expected a list of steps")
    return shape


def _fill(numbers: np.ndarray, value: Any, place: str) -> None:
    """Copy nested lists into an array of their shape."""
    if value is None:
        return
    if not isinstance(value, list | tuple | dict):
        raise ValueError(  # noqa: TRY004 - of a cell
            f"is ragged: {place or 'the cell'} holds one value, where others hold {len(numbers)}"
        )
    items = _items(value)
    if len(items) != len(numbers):
        raise ValueError(
            f"is ragged: {place or 'the cell'} holds {len(items)} values, where others hold {len(numbers)}"
        )
    if numbers.ndim == 1:
        numbers[:] = [number(item) for item in items]
        return
    for position, item in enumerate(items):
        _fill(numbers[position], item, f"{place}[{position}]")


def _items(value: Any) -> Any:
    """Return the items of a list, or the coordinates of a point that is an object."""
    if not isinstance(value, dict):
        return value
    if "x" not in value or "y" not in value:
        raise ValueError("holds an object without x and y")
    return [value[axis] for axis in ("x", "y", "z") if axis in value]
