"""Whether one column says again what another says: the ids, an answer, the words of a text, the same in other words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.data.profile import determines
from mmsdk.data.table import as_id, is_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.data.profile import Profile
    from mmsdk.data.table import Table

LOOKED_AT = 100  # rows, evenly spread


def copies(one: Profile, other: Profile) -> bool:
    """Return whether two columns say the same in other words."""
    if one.distinct != other.distinct or one.filled != other.filled:
        return False
    return determines(one, other) and determines(other, one)


def names_the_rows(table: Table, name: str, identity: str) -> bool:
    """Return whether a column's cells are the ids, or hold them."""
    some = table.take(_spread(np.arange(len(table))))
    pairs = [(a, as_id(b)) for a, b in zip(some.cells(name), some.cells(identity), strict=True) if not is_empty(a)]
    held = [len(b) > 3 and b in str(a) and len(str(a)) < 3 * len(b) for a, b in pairs]
    equal = [as_id(a) == b for a, b in pairs]
    return bool(pairs) and (sum(held) >= 0.9 * len(pairs) or sum(equal) >= 0.9 * len(pairs))


def holds_cells(table: Table, text: Profile, part: Profile) -> bool:
    """Return whether the cells of a text hold those of another column, wherever that has any."""
    if part.length < 2 or part.filled < len(table) / 10 or part.numeric:
        return False
    rows = np.flatnonzero(part.present & text.present)
    some = table.take(_spread(rows))
    pairs = zip(some.cells(text.name), some.cells(part.name), strict=True)
    held = sum(str(b).lower() in str(a).lower() and str(a) != str(b) for a, b in pairs)
    return len(rows) > 0 and held >= 0.9 * len(some)


def own_share(table: Table, name: str, held: Sequence[str]) -> float:
    """Return the share of a text's letters that stand in none of the cells that it holds: a title says more."""
    some = table.take(_spread(np.flatnonzero(table.present(name))))
    whole = own = 0
    for text, *parts in zip(some.cells(name), *(some.cells(one) for one in held), strict=True):
        rest = str(text).lower()
        whole += _letters(rest)
        for part in sorted((str(one).lower() for one in parts if one is not None), key=len, reverse=True):
            rest = rest.replace(part, " ")
        own += _letters(rest)
    return own / max(whole, 1)


def _letters(text: str) -> int:
    """Return how many letters and digits a text has."""
    return sum(map(str.isalnum, text))


def _spread(rows: np.ndarray) -> np.ndarray:
    """Return a hundred of some rows, evenly spread; all where there are fewer."""
    places = np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).astype(np.int64)
    return rows[places] if len(rows) else rows
