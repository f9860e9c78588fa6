"""The block ``privacy`` of a table of cases: who somebody is goes, and is covered in every column that stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk import DataError, guess_modality
from mmsdk_recipe_triage.columns import leaking_words
from mmsdk_recipe_triage.identifiers import PLAIN_CELLS
from mmsdk_recipe_triage.vitals import AGE, YEARS, column_of
from mmsdk_recipe_triage.words import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk_recipe_triage.columns import Columns

OLDEST = 90  # HIPAA, 45 CFR 164.514(b)(2)(i)(C): ages above 89 are one
WORDED = re.compile(r"[^\W\d_]")
CONTACT = re.compile(
    r"@|www\.|://|[\s\u3400-\u9fff:]\+?\d[\d ()/-]{4,}\d"
)  # a long number after a word: no code H100001
# What of a person is covered in cells that are no text: a hospital in the patient's town and a date that a record's
# number begins with stand.
COVERED = {
    "category": frozenset({"a name", "a telephone", "an e-mail address", NUMBER}),
    "number": frozenset({"a name"}),
    "date": frozenset({"a name"}),
}


def privacy_of(table: Any, found: Columns, labels: list[str], rules: list[Any]) -> dict[str, Any]:
    """Return the block ``privacy``: names out, the group numbered, great ages one, no answer in notes.

    Codes that nothing reads go as well: a number of a person under a name that nobody knew would stand in every row.
    """
    age = column_of(table, AGE, YEARS)
    notes = [one for block in found.inputs.values() if block["modality"] in ("text", "tags") for one in _columns(block)]
    masks = {one: leaking_words(labels, found.task["column"], table.cells(one)) for one in notes}
    conditions = " ".join(str(rule.get("when")) for rule in rules if isinstance(rule, dict))
    codes = [one for one in found.codes if one not in {found.group, found.id} and one not in conditions]
    drop = [*[one for one in found.names if one != found.group], *codes]
    kinds = _kinds(table, {*drop, found.group, found.id, found.task["column"]})
    return {
        "drop": drop,
        "number": [found.group] if found.group else [],
        "cap": {age: OLDEST} if age else {},
        "mask": {one: words for one, words in masks.items() if words},
        "contacts": [one for one, kind in kinds.items() if _says_contacts(table, one, kind)],
        "own": {one: own for one, kind in kinds.items() if (own := _own(found, kind))},
    }


def _columns(block: Mapping[str, Any]) -> list[str]:
    """Return the columns of an input."""
    return [block["column"]] if isinstance(block["column"], str) else list(block["column"])


def _kinds(table: Any, gone: set[str | None]) -> dict[str, str]:
    """Return column -> modality of all that stay and hold words, read or not: the index keeps the whole row."""
    kinds = {name: _kind(table, name) for name in table.names if name not in gone}
    return {name: kind for name, kind in kinds.items() if kind in PLAIN_CELLS and _some(table, name, WORDED)}


def _kind(table: Any, name: str) -> str:
    """Return the modality that fits a column; what fits none is text."""
    try:
        return guess_modality(table, name)
    except DataError:
        return "text"


def _some(table: Any, name: str, pattern: re.Pattern[str]) -> bool:
    """Return whether a pattern is in some cell of a column."""
    return any(pattern.search(str(cell)) for cell in table.cells(name) if cell is not None)


def _says_contacts(table: Any, name: str, kind: str) -> bool:
    """Return whether the cells of a column may hold an address or a telephone among their words."""
    return kind in ("text", "tags") or (kind == "category" and _some(table, name, CONTACT))


def _own(found: Columns, kind: str) -> list[str]:
    """Return the columns whose values are covered in one of a kind: what is taken out, and the patient's number."""
    of_person = {**found.names, **({found.group: NUMBER} if found.group else {})}
    return [name for name, what in of_person.items() if kind not in COVERED or what in COVERED[kind]]
