"""The modality ``tags``: several values in one cell."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from mmsdk import Part
from mmsdk_table.modalities import Category
from mmsdk_table.parts import positions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 1_000
_USUAL = re.compile("[|,;\uff5c\uff0c\uff1b\u3001]")  # the last four are those of Chinese and Japanese
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile("[\u3002\uff01\uff1f]")  # what ends a sentence in Chinese and Japanese, and no tag
SENTENCES = 0.1  # of the cells, beyond which a column is written text


class Tags:
    """A cell, or several, to a ``tuple`` of different ``str``, in the order of the cell.

    :param separator: what stands between two values of a text; left out, any of ``|``, ``,`` and ``;`` (full width
        too) and the Chinese ``\u3001``.
    """

    def __init__(self, separator: str | None = None) -> None:
        if separator is not None and (not isinstance(separator, str) or not separator):
            raise ValueError(f"separator is {separator!r}, expected a text such as '|'")
        self._between = _USUAL if separator is None else re.compile(re.escape(separator))
        self._one = Category()

    def decode(self, cell: Any) -> tuple[str, ...] | None:
        """Return the values, or ``None`` where there are none; a JSON list and a list are taken as they are.

        :raises ValueError: a value has more than 1,000 characters or is a list itself, or there are more than 1,000.
        """
        values = [value for column in cell for value in self._values(column)]
        found = tuple(dict.fromkeys(tag for value in values if (tag := self._one.decode((value,))) is not None))
        if len(found) > MOST:
            raise ValueError(f"holds {len(found):,} values, where tags may be {MOST:,}")
        return found or None

    def guess(self, values: Sequence[Any]) -> float:
        """Return how well a column fits: many cells hold several words, and the words are those of other cells.

        Sentences are none, whatever commas part them.
        """
        if sum(bool(_SENTENCE.search(str(value))) for value in values) > SENTENCES * len(values):
            return 0.0
        try:
            rows = [self.decode((value,)) or () for value in values]
        except ValueError:
            return 0.0
        counts = Counter(tag for row in rows for tag in row)
        if not counts or max(map(len, counts)) > 60 or not all(map(_LETTER.search, counts)):
            return 0.0
        several = sum(len(row) > 1 for row in rows) / len(rows)
        return min(1.0, 2 * several) * 0.95 * (1 - len(counts) / counts.total())

    def parts(self, sample: tuple[str, ...]) -> list[Part]:
        """Return its values."""
        return [Part(name=tag, kind="tag", place=(place, place + 1)) for place, tag in enumerate(sample)]

    def without(
        self, sample: tuple[str, ...], parts: Sequence[Part], others: Sequence[tuple[str, ...]] = ()
    ) -> tuple[str, ...] | None:
        """Return the values that are left, ``None`` where none is."""
        gone = set(positions_of(parts))
        return tuple(tag for place, tag in enumerate(sample) if place not in gone) or None

    def examples(self) -> list[tuple[Any, ...]]:
        """Return cells of several shapes."""
        return [("red|round",), (["round", "oak"],), ('["oak", "red"]',), ("red, oak; round",), ("never seen",)]

    def _values(self, value: Any) -> Sequence[Any]:
        """Return the raw values of one column."""
        if isinstance(value, list | tuple | set):
            return list(value)
        if not isinstance(value, str):
            return (value,)
        text = value.strip()
        if text.startswith("[") and text.endswith("]"):
            try:
                return list(json.loads(text))
            except (ValueError, RecursionError):
                pass  # a text in brackets
        return self._between.split(text)
