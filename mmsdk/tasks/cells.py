"""How the cell of a target column is read: labels as strings, numbers as floats, nothing as None."""

from __future__ import annotations

import math
from typing import Any


def is_empty(cell: Any) -> bool:
    """Return whether the cell holds nothing: None, the empty or blank string, NaN."""
    return (
        cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and math.isnan(cell))
    )


def label_of(cell: Any) -> str:
    """Return the label as a string; ``3.0`` from a column with gaps is the same label as ``3``."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
