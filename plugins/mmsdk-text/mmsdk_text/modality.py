"""The modality ``text``: the cells of one or more columns to one clean string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk_text.parts import without_words, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Part

LIMIT = 1_000_000
WHOLE = 2**53  # above it a float is no longer sure of its last digit
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_EDGES = "\ufeff\u200b\u200c\u200d\u2060 \t\n\xa0\u3000"  # what shows nothing: byte order mark, zero width, spaces
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LETTERS = re.compile(r"[^\W\d_]")


class Text:
    """Cells to ``str``: columns joined by a blank line, control characters and lone surrogates dropped."""

    def decode(self, cell: Any) -> str | None:
        """Return the text, or ``None`` when no column holds any.

        :param cell: one raw value a column; numbers are written as Python writes them, ``7.0`` as ``7``; a list
            as ``a, b``.
        :raises ValueError: there are more than 1,000,000 characters, or bytes, or a dict.
        """
        parts = [_clean(value) for value in cell]
        text = "\n\n".join(part for part in parts if part)
        if len(text) > LIMIT:
            raise ValueError(f"holds {len(text):,} characters, where a text may hold {LIMIT:,}")
        return text or None

    def guess(self, values: Sequence[Any]) -> float:
        """Return how well a column fits: the share of cells that are several words, or a word that hardly repeats."""
        texts = [value for value in values if isinstance(value, str) and _LETTERS.search(value)]
        if not texts:
            return 0.0
        several = sum(len(text.split()) > 2 or len(text) > 40 or _is_phrase(text) for text in texts) / len(values)
        return max(several, 0.5 * len(set(texts)) / len(values))

    def parts(self, sample: str) -> list[Part]:
        """Return its words."""
        return words_of(sample)

    def without(self, sample: str, parts: Sequence[Part], others: Sequence[str] = ()) -> str | None:
        """Return the text without some of its words."""
        return without_words(sample, parts)


def _is_phrase(text: str) -> bool:
    """Return whether Chinese or Japanese, which part no words, is written text: a sentence, or clauses, and no tags."""
    lengths = [len(_IDEOGRAPH.findall(part)) for part in re.split(r"[\W_]+", text)]
    clauses = [length for length in lengths if length]
    return max(lengths) >= 7 or (sum(clauses) >= 10 and sum(clauses) >= 4 * len(clauses))


def _clean(value: Any) -> str:
    """Return one column's value as clean text; nothing for a missing one."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(part for part in map(_clean, value) if part)
    if isinstance(value, bytes):
        raise ValueError(f"holds {len(value):,} bytes, where a text is expected; decode it first")  # noqa: TRY004 - a cell
    if isinstance(value, dict):
        raise ValueError("holds a dict, where a text is expected; give the text in it")  # noqa: TRY004 - a cell
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        value = int(value)  # a column with gaps, or with one fraction in it, holds 7 as 7.0
    return _CONTROL.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n")).strip().strip(_EDGES)
