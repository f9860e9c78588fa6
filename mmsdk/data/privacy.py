"""What happens to a table at the door: columns of names taken out, groups numbered, words and contacts covered."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mmsdk.data.numbers import column_numbers
from mmsdk.data.table import is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.config.privacy import PrivacyConfig
    from mmsdk.data.table import Table

MASK = "[MASK]"
IDEOGRAPH = r"\u3040-\u30ff\u3400-\u9fff"  # stand beside digits and addresses without a space
CONTACTS = re.compile(
    rf"(?:https?://|www\.)[^\s{IDEOGRAPH}，。；！？、）】》]+"
    rf"|(?:(?![{IDEOGRAPH}])[\w.+-])+@[\w-]+(?:\.(?:(?![{IDEOGRAPH}])[\w-])+)+"
    r"|(?<![A-Za-z\d])\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?![A-Za-z\d])"  # dates, written any way round
    r"|\d{2,4}年\d{1,2}月(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]"
    r"|(?<!\d)(?:\+\d|0\d)[\d ()/-]{5,}\d|(?<!\d)\(?\d{3}\)?[ -]\d{3}[ -]\d{4}(?!\d)"  # telephones
    r"|(?<!\d)1[3-9]\d[ -]\d{4}[ -]\d{4}(?!\d)"
    r"|\d{6,}[Xx]?"  # numbers of insurance and of records; no reading of a patient is so long
)


def at_the_door(table: Table, privacy: PrivacyConfig | None) -> Table:
    """Return the table without what ``privacy`` keeps out; columns that are not there are no mistake.

    Doing it twice does no more than once. What is covered in a text is covered in the texts of a list or a dict too.
    """
    if privacy is None:
        return table
    table = _without_own(table, privacy.own)
    table = replace(table, columns=table.columns.drop_columns([one for one in privacy.drop if one in table.names]))
    for column in privacy.number:
        table = _changed(table, column, _numbered)
    for column, highest in privacy.cap.items():
        table = _changed(table, column, partial(_all_capped, highest=highest))
    for column, words in privacy.mask.items():
        table = _covered(table, column, words_pattern(words))
    for column in privacy.contacts:
        table = _covered(table, column, CONTACTS)
    return table


def words_pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Return what finds whole words in any case; words without spaces between them (Chinese) anywhere."""
    longest = sorted(set(words), key=lambda word: (-len(word), word))
    bounded = [
        (rf"(?<![^\W_{IDEOGRAPH}])" if word[:1].isascii() else "")
        + re.escape(word)
        + (rf"(?![^\W_{IDEOGRAPH}])" if word[-1:].isascii() else "")
        for word in longest
    ]
    return re.compile("|".join(bounded), re.IGNORECASE)


def _changed(table: Table, column: str, change: Callable[[list[Any]], list[Any]]) -> Table:
    """Return the table with the cells of one column changed."""
    if column not in table.names:
        return table
    place = table.names.index(column)
    cells = change(table.columns.column(place).to_pylist())
    return replace(table, columns=table.columns.set_column(place, column, pa.array(cells)))


def _covered(table: Table, column: str, pattern: re.Pattern[str]) -> Table:
    """Return the table with what a pattern finds in one column covered."""

    def cover(cells: list[Any]) -> list[Any]:
        return [_in_texts(cell, partial(pattern.sub, MASK)) for cell in cells]

    return _changed(table, column, cover)


def _without_own(table: Table, own: Mapping[str, Sequence[str]]) -> Table:
    """Return the table with what other columns of a row hold, as they came, covered in the text of some."""
    beside = {column: tuple(one for one in others if one in table.names) for column, others in own.items()}
    words = {others: _own_words(table, others) for others in set(beside.values())}
    for column, others in beside.items():
        table = _changed(table, column, partial(_covered_own, words=words[others]))
    return table


def _covered_own(cells: list[Any], words: Sequence[Mapping[str, str]]) -> list[Any]:
    """Return cells with the words of their rows covered."""
    pairs = zip(cells, words, strict=True)
    return [_in_texts(cell, partial(_cover_own, words=own)) if own else cell for cell, own in pairs]


def _in_texts(cell: Any, cover: Callable[[str], str]) -> Any:
    """Return a cell with its text covered, or those of a list or a dict; what holds no text stays as it is."""
    if isinstance(cell, list):
        return [_in_texts(one, cover) for one in cell]
    if isinstance(cell, dict):
        return {key: _in_texts(one, cover) for key, one in cell.items()}
    return cover(cell) if isinstance(cell, str) else cell


def _cover_own(text: str, words: Mapping[str, str]) -> str:
    """Return a text with a person's own words covered, as they are written and with ``ss`` for a sharp s."""
    folded = text.casefold()
    found = [one for word, small in words.items() if small in folded for one in (word, small)]
    return words_pattern(found).sub(MASK, text) if found else text


def _own_words(table: Table, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return what some columns hold in each row, whole and word by word: word -> in small letters."""
    told = cache(_told)  # a value stands in many rows
    held = [table.columns.column(one).to_pylist() for one in columns]
    rows = zip(*held, strict=True) if held else repeat((), len(table))
    return [{word: small for value in row if not is_empty(value) for word, small in told(str(value))} for row in rows]


def _told(value: str) -> list[tuple[str, str]]:
    """Return a value and its words, of those that mean the person: initials and small numbers stand."""
    whole = value.strip()
    parts = (whole, *re.findall(r"[^\W_]+", whole))
    return [(part, part.casefold()) for part in parts if _telling(part)]


def _telling(word: str) -> bool:
    """Return whether a word may be taken for a person: three letters, two of Chinese, or four digits."""
    letters = sum(2 if mark > "\u3040" else 1 for mark in word if mark.isalpha())
    return letters >= 3 or sum(map(str.isdigit, word)) >= 4


def _numbered(cells: list[Any]) -> list[str | None]:
    """Return the number of each value, as text, in order of first appearance."""
    seen: dict[str, str] = {}
    return [None if is_empty(cell) else seen.setdefault(str(cell), str(len(seen) + 1)) for cell in cells]


def _all_capped(cells: list[Any], highest: float) -> list[Any]:
    """Return cells, no number above the highest one kept, ``94岁`` not either."""
    texts = {cell for cell in cells if isinstance(cell, str)}
    read = {text: next(iter(column_numbers([text])), None) for text in texts}
    return [_capped(cell, read.get(cell) if isinstance(cell, str) else cell, highest) for cell in cells]


def _capped(cell: Any, number: Any, highest: float) -> Any:
    """Return a cell, or the highest number kept where its number is above; text stays text."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not number > highest:
        return cell
    return f"{highest:.15g}" if isinstance(cell, str) else highest


def hidden_columns(privacy: PrivacyConfig | None) -> Mapping[str, str]:
    """Return column -> what happens to it, in words, for the report."""
    if privacy is None:
        return {}
    told = dict.fromkeys(privacy.drop, "taken out")
    told |= dict.fromkeys(privacy.number, "numbered")
    told |= {column: f"no higher than {highest:g}" for column, highest in privacy.cap.items()}
    for column in (*privacy.mask, *privacy.contacts, *privacy.own):
        words = [f"{len(privacy.mask[column])} words covered"] if column in privacy.mask else []
        words += ["addresses, dates and long numbers covered"] if column in privacy.contacts else []
        words += [f"{', '.join(privacy.own[column])} of its row covered"] if column in privacy.own else []
        told[column] = ", ".join(words)
    return told
