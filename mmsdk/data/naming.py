"""What the names of columns say: their words, their patterns, and names for inputs and tasks."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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


def words_of(name: str) -> list[str]:
    """Return the words of a column name: ``itemId`` and ``item_id`` are both ``item``, ``id``."""
    return [word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+", name)]


def says(name: str, words: Collection[str]) -> bool:
    """Return whether a column name has one of the words; those of Chinese, which parts no words, anywhere in it."""
    return bool(set(words_of(name)) & set(words)) or any(not word.isascii() and word in name for word in words)


def is_named(name: str, things: Collection[str]) -> bool:
    """Return whether a column names one of the things: ``patient_id`` by a word; ``患者``, ``患者编号`` as a whole."""
    bare = re.sub(r"[\W_]*(编号|编码|代码|号码?|id)$", "", name.strip(), flags=re.IGNORECASE)
    return bool(set(words_of(name)) & set(things)) or bare in things


def name_for(column: str, taken: Mapping[str, Any]) -> str:
    """Return a name for an input or a task that the application file takes."""
    bare = re.sub(r"[^\w\-]+", "_", column).strip("_-")[:56] or "input"
    name, number = bare, 2
    while name in taken:
        name, number = f"{bare}_{number}", number + 1
    return name
