"""What the names of columns say: their words, their patterns, and names for inputs and tasks."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

WORD = re.compile(r"[\u3400-\u9fff]+|[A-Z]?[^\W\d_A-Z\u3400-\u9fff]+|[A-Z]+(?![a-z])|\d+")
WIDE = 4  # so many columns of numbers with one pattern are a vector


def patterns(names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield patterns of column names that fit four or more: numbered ones first, then those with one beginning."""
    numbered: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if re.search(r"\d", name):
            numbered[re.sub(r"\d+", "*", name, count=1)].append(name)
    taken = {pattern: found for pattern, found in numbered.items() if len(found) >= WIDE}
    yield from taken.items()
    rest = [name for name in names if not any(name in found for found in taken.values())]
    headed: dict[str, list[str]] = defaultdict(list)
    for name in rest:
        if "_" in name.strip("_"):
            headed[name.rpartition("_")[0] + "_*"].append(name)
    yield from ((pattern, found) for pattern, found in headed.items() if len(found) >= WIDE)


def column_words(name: str) -> list[str]:
    """Return the words of a column's name, lower case: ``itemId``, ``item_id`` and ``Item ID`` are ``item``, ``id``.

    Digits are words of their own (``phone2`` is ``phone``, ``2``). Chinese parts no words: ``患者姓名`` is one, but
    ``患者id`` is ``患者``, ``id``.
    """
    return [word.lower() for word in WORD.findall(name)]


def column_says(name: str, words: Collection[str]) -> bool:
    """Return whether a column's name has one of the words; one that is not ASCII, such as ``姓名``, anywhere in it."""
    return bool(set(column_words(name)) & set(words)) or any(not word.isascii() and word in name for word in words)


def is_named(name: str, things: Collection[str]) -> bool:
    """Return whether a column names one of the things: ``patient_id`` by a word; ``患者``, ``患者编号`` as a whole."""
    bare = re.sub(r"[\W_]*(编号|编码|代码|号码?|id)$", "", name.strip(), flags=re.IGNORECASE)
    return bool(set(column_words(name)) & set(things)) or bare in things


def name_for(column: str, taken: Mapping[str, Any]) -> str:
    """Return a name for an input or a task that the application file takes."""
    bare = re.sub(r"[^\w\-]+", "_", column).strip("_-")[:56] or "input"
    name, number = bare, 2
    while name in taken:
        name, number = f"{bare}_{number}", number + 1
    return name
