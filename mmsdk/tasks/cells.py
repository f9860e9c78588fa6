"""How the label of a cell is read, also as other programs write it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE = re.compile(r"(-?\d+)\.0+", re.ASCII)


def label_of(cell: Any) -> str:
    """Return the label as a string; ``3.0`` from a column with gaps is the same label as ``3``."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


class Places:
    """Where labels stand, also as other programs write them.

    ``1.0``, of a table with gaps, is the ``1`` of training, and ``TRUE``, of Excel, its ``true``. A label by which two
    classes may be meant (``1.00``, where ``1`` and ``1.0`` are both classes) is not known.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self._own = {label: place for place, label in enumerate(labels)}
        counts = Counter(map(_plainly, self._own))
        self._plain = {plain: at for label, at in self._own.items() if counts[plain := _plainly(label)] == 1}

    def of(self, label: str) -> int | None:
        """Return the place of a label, None of one that is not known."""
        return self._own.get(label, self._plain.get(_plainly(label)))


def _plainly(label: str) -> str:
    """Return a label as no program writes it otherwise."""
    said = label.lower()
    return said if said in {"true", "false"} else found[1] if (found := WHOLE.fullmatch(label)) else label
