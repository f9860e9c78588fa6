"""What happens to a table at the door: columns of names taken out, groups numbered, words and contacts covered."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mmsdk.data.table import is_empty, plain_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.config.privacy import PrivacyConfig
    from mmsdk.data.table import Table

MASK = "[MASK]"
CONTACTS = re.compile(
    r"https?://\S+|www\.\S+"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b"  # dates, written any way round
    r"|(?<!\d)(?:\+\d|0\d)[\d ()/-]{5,}\d|(?<!\d)\(?\d{3}\)?[ -]\d{3}[ -]\d{4}(?!\d)"  # telephones
    r"|\d{6,}"  # numbers of insurance and of records; no reading of a patient is so long
)


def at_the_door(table: Table, privacy: PrivacyConfig | None) -> Table:
    """Return the table without what ``privacy`` keeps out; columns that are not there are no mistake.

    Doing it twice does no more than once. Cells that hold no text (lists, bytes) are left as they are by ``mask`` and
    ``contacts``.
    """
    if privacy is None:
        return table
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
        (r"(?<![^\W_])" if word[:1].isascii() else "")
        + re.escape(word)
        + (r"(?![^\W_])" if word[-1:].isascii() else "")
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
        return [pattern.sub(MASK, cell) if isinstance(cell, str) else cell for cell in cells]

    return _changed(table, column, cover)


def _numbered(cells: list[Any]) -> list[str | None]:
    """Return the number of each value, as text, in order of first appearance."""
    seen: dict[str, str] = {}
    return [None if is_empty(cell) else seen.setdefault(str(cell), str(len(seen) + 1)) for cell in cells]


def _all_capped(cells: list[Any], highest: float) -> list[Any]:
    """Return cells, no number above the highest one kept."""
    return [_capped(cell, highest) for cell in cells]


def _capped(cell: Any, highest: float) -> Any:
    """Return a cell, or the highest number kept; text stays text."""
    number = plain_number(cell) if isinstance(cell, str) else cell
    if isinstance(number, bool) or not isinstance(number, int | float) or not number > highest:
        return cell
    return f"{highest:g}" if isinstance(cell, str) else type(cell)(highest)


def hidden_columns(privacy: PrivacyConfig | None) -> Mapping[str, str]:
    """Return column -> what happens to it, in words, for the report."""
    if privacy is None:
        return {}
    told = dict.fromkeys(privacy.drop, "taken out")
    told |= dict.fromkeys(privacy.number, "numbered")
    told |= {column: f"no higher than {highest:g}" for column, highest in privacy.cap.items()}
    for column in (*privacy.mask, *privacy.contacts):
        words = [f"{len(privacy.mask[column])} words covered"] if column in privacy.mask else []
        words += ["addresses, dates and long numbers covered"] if column in privacy.contacts else []
        told[column] = ", ".join(words)
    return told
