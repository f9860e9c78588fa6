"""The words of a text, and the text without some of them: what ``mmsdk explain`` takes away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmsdk import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 64  # parts: a longer text falls into runs of words
_ALONE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Chinese and Japanese write no spaces: a character at a time
_WORD = re.compile(rf"[{_ALONE}]|(?:(?![{_ALONE}])[^\W_])+(?:['’\-.](?:(?![{_ALONE}])[^\W_])+)*")
_GAP = re.compile(r"[ \t]{2,}")


def words_of(text: str) -> list[Part]:
    """Return the words of a text; of one with more than 64, as many runs of words that follow each other."""
    found = [match.span() for match in _WORD.finditer(text)]
    size = -(-len(found) // MOST) or 1
    runs = [(found[start][0], found[min(start + size, len(found)) - 1][1]) for start in range(0, len(found), size)]
    return [Part(name=text[start:end], kind="words", place=(start, end)) for start, end in runs]


def without_words(text: str, parts: Sequence[Part]) -> str | None:
    """Return the text without these words; ``None`` where no word is left."""
    kept, last = [], 0
    for start, end in sorted((int(part.place[0]), int(part.place[1])) for part in parts):
        kept.append(text[last:start])
        last = end
    left = _GAP.sub(" ", "".join([*kept, text[last:]])) if parts else text
    return left.strip() if _WORD.search(left) else None
