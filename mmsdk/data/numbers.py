"""Cells as numbers: digits of any width, signs of currency, ``%``, ``℃``, ``岁``, and one unit all over a column.

What a unit means is the column's to say, so that it is read of whole columns alone, and as training had it in use.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from mmsdk.data.thousands import QUERY_ROWS, is_text, thousands_mark, without_thousands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CURRENCY = "[¥$€£]|CNY|RMB|USD|EUR|GBP|JPY"
SPELLINGS = {"CNY": "元", "RMB": "元", "人民币": "元", "块": "元", "圆": "元", "USD": "$", "美元": "$"}
SPELLINGS |= {"EUR": "€", "欧元": "€", "GBP": "£", "JPY": "円", "oC": "°C", "周岁": "岁", "歳": "岁"}
SIGNS = frozenset({"¥", "元", "円", "$", "€", "£", "%", "°C", "岁"})  # may stand beside numbers without one
YEN_OR_YUAN = ("元", "円")  # ¥ is either, and neither is the other
NUMBER = (
    r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+"
    r"|[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?|[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?"
)
PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
UNITED = re.compile(
    rf"(?P<minus>[+-]?)\s*(?P<before>{CURRENCY})?\s*(?P<sign>[+-]?)(?P<number>{NUMBER})\s*"
    r"(?P<after>[¥$€£%‰]|°[A-Za-z]?|[cdkm]?m[23]|(?=.{1,12}$)[^\W\d_²³]+(?:/[^\W\d_²³]+)*)?"
)
MULTIPLE = re.compile(r"[万萬亿億].*|[十百千kKwWMB]|[Mm]io|[Mm]rd|bn")  # 3.5万, beside which 35000 may stand
TWO = re.compile(r"[0-9]{1,3}(?:\.[0-9]+)?\s*[/~×*]\s*[0-9]+(?:\.[0-9]+)?")  # 120/80, 10*20; 2026/11 is a month
SEPARATED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?|[+-]?[0-9]+,[0-9]+")
LOOKED_AT = 100  # cells, spread evenly, that rule most columns out, so that long texts are not searched
MOST = 0.5  # of the filled cells of a column that holds numbers; the others are no units, but words


def number_of(value: Any) -> float:
    """Return the finite number that a cell plainly is: ``1234.5``, ``-3``, ``1e6``, ``１２．５``.

    A unit is not read here: what it means hangs on the other cells of the column, see :func:`column_numbers`.

    :raises ValueError: it is none; the message is the reason, and what to do.
    """
    text = narrowed(value) if isinstance(value, str) else ""
    if SEPARATED.fullmatch(text):
        raise ValueError(f"is not a plain number ({value!r}); write 1234.5, with a point and no separators")
    try:
        number = float(text.replace("_", "?") if isinstance(value, str) else value)  # Python would read 1_000
    except (TypeError, ValueError, OverflowError):
        advice = f"; {told}" if (told := advice_on(text)) else ""
        raise ValueError(f"is not a number ({str(value)[:60]!r}){advice}") from None
    if not math.isfinite(number):
        raise ValueError(f"is not a finite number ({value}); leave the cell empty where the number is missing")
    return number


def column_numbers(cells: Iterable[Any]) -> list[float]:
    """Return the numbers among the cells of a column as a run reads them: ``59岁`` and ``59`` are 59.

    None of a column of which it is not certain what they mean, as of ``300g`` beside ``1kg``.
    """
    texts = pa.chunked_array([pa.array([None if cell is None else str(cell) for cell in cells], pa.large_string())])
    units = units_of(texts)
    found = []
    for text in without_units(texts, units)[0].to_pylist() if units else ():
        try:
            found.append(number_of(text))
        except ValueError:
            continue
    return found


def units_of(column: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the units whose numbers are those of a column: its own first, ``""`` where they have none.

    None where fewer than half of the filled cells are numbers, or where they are not certainly alike: of two units, of
    ``5%`` beside ``0.05``, of ``300g`` beside ``300``.
    """
    if not is_text(column.type):
        kind = column.type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        held = pc.unique(column).to_pylist() if numeric else []
        return _beside([one for one in held if one is not None and one == one]) if numeric else ()  # noqa: PLR0124 - NaN
    filled = column.filter(pc.not_equal(pc.utf8_trim_whitespace(column), ""))
    if len(filled) and _all_plain(filled):
        return _beside([*map(float, pc.unique(filled).to_pylist())])
    step = max(1, len(filled) // LOOKED_AT)
    sample = filled.take(pa.array(range(0, len(filled), step), pa.int64()))
    if not _mostly(sample, _known(sample)) or not _mostly(filled, known := _known(filled)):
        return ()
    spelt = [one for one in known.values() if one is not None]
    units = {unit for _, unit in spelt}
    plain = [float(number) for number, unit in spelt if not unit and PLAIN.fullmatch(number)]
    own = _one(units - {""})
    if own is None or (own and "" in units and not _fits(own, plain)):
        return ()
    if own:
        return (own, "", *(other for other in YEN_OR_YUAN if own == "¥"), *(["¥"] if own in YEN_OR_YUAN else []))
    return _beside(plain)


def without_units(
    column: pa.ChunkedArray, units: Sequence[str]
) -> tuple[pa.ChunkedArray, dict[str, str], dict[str, str]]:
    """Return a column with its numbers written plainly, as training had them.

    :param units: those of training, see :func:`units_of`.
    :returns: the column; its cells that are numbers of something else, with the reason, which stay as they are; and
        those that have a unit which training did not see, with the number that they are taken for.
    """
    known = {} if units[0] != "%" and _all_plain(column) else _known(column)
    wrong = {text: why for text, one in known.items() if one is not None and (why := _misfit(*one, units))}
    taken = {
        text: one[0]
        for text, one in known.items()
        if one is not None and one[1] not in {"", units[0]} and not units[0] and text not in wrong
    }
    plain = {text: one[0] for text, one in known.items() if one is not None and text not in wrong and one[0] != text}
    return (_rewritten(column, plain) if plain and is_text(column.type) else column), wrong, taken


def without_groups(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Return a column whose units are gone, without what stands between its thousands, and what that was.

    Words (``面议``) are no numbers of another form: what had a unit is certainly an amount.
    """
    mark = thousands_mark(pc.replace_substring_regex(column, "^[^0-9]*$", ""))
    return (without_thousands(column, mark) if mark else column), mark


def unreadable(column: pa.ChunkedArray) -> dict[str, str]:
    """Return the texts of a column that say a number which is not certain, with the reason.

    Words, and what says that a number was not measured (``<0.1``), are none of them.
    """
    found = {}
    for text in () if _all_plain(column) else _known(column):
        if advice_on(text):
            try:
                number_of(text)
            except ValueError as error:
                found[text] = str(error)
    return found


def advice_on(text: str) -> str:
    """Return what to do about a text that holds a number and is not guessed at; nothing of any other."""
    plain = narrowed(text)
    if TWO.fullmatch(plain):
        return "it holds two numbers: make a column of each"
    found = UNITED.fullmatch(plain)
    if found is None:
        return ""
    if MULTIPLE.fullmatch(found["after"] or ""):
        return f"write it out in full, without {found['after']!r}"
    return (
        "strip the unit, the same in every row, or take modality category or text (a column that is all in one unit, "
        "and no 5% beside 0.05, is read as it stands)"
    )


def narrowed(text: str) -> str:
    """Return a text with digits, marks and units of usual width; ``10²`` and ``½`` are left alone."""
    bare = text.strip()
    if bare.isascii():
        return bare
    odd = any(unicodedata.category(mark) == "No" for mark in bare.rstrip("²³")) or re.search(r"\d[²³]$", bare)
    return bare if odd else unicodedata.normalize("NFKC", bare).replace("\u2212", "-").strip()


def _spelt(text: str) -> tuple[str, str] | None:
    """Return the number that a text says, and its unit, which may be none."""
    plain = narrowed(text)
    if PLAIN.fullmatch(plain):
        return plain, ""
    found = UNITED.fullmatch(plain)
    if found is None or (found["minus"] and found["sign"]) or MULTIPLE.fullmatch(found["after"] or ""):
        return None
    units = {SPELLINGS.get(unit, unit) for side in ("before", "after") if (unit := found[side])}
    unit = _one(units)
    return None if unit is None else ((found["minus"] or found["sign"]) + found["number"], unit)


def _one(units: set[str]) -> str | None:
    """Return the unit that all are, nothing where there is none, and None of several."""
    if len(units) == 2 and "¥" in units:
        units = units & set(YEN_OR_YUAN) or units
    return None if len(units) > 1 else next(iter(units), "")


def _fits(unit: str, plain: Iterable[float]) -> bool:
    """Return whether numbers without a unit, beside those with one, have certainly the same."""
    return unit in SIGNS and not (unit == "%" and any(map(_is_share, plain)))


def _is_share(number: float) -> bool:
    """Return whether a number may be a share, ``0.05``, where percents stand."""
    return 0 < abs(number) <= 1


def _beside(plain: Sequence[float]) -> tuple[str, ...]:
    """Return the units that numbers without one can have, by their size: those of currencies are anybody's guess."""
    low, high = min(plain, default=math.nan), max(plain, default=math.nan)
    possible = {
        "%": low >= 0 and high <= 100 and not any(map(_is_share, plain)),
        "°C": low >= -60 and high <= 60,
        "岁": low >= 0 and high <= 130,
    }
    return ("", *(unit for unit, can in possible.items() if can))


def _misfit(number: str, unit: str, units: Sequence[str]) -> str:
    """Return why a number of a unit is none of a column's, or nothing."""
    if unit == "" and units[0] == "%" and PLAIN.fullmatch(number) and _is_share(float(number)):
        return f"may be {number} % or {100 * float(number):g} %, where training had percents; write it with its sign"
    had = repr(units[0]) if units[0] else "numbers without a unit"
    return "" if unit in units else f"has the unit {unit!r}, where training had {had}; write it as training had it"


def _known(column: pa.ChunkedArray) -> dict[str, tuple[str, str] | None]:
    """Return how each different cell of a column that holds something is spelt."""
    return {text: _spelt(text) for text in map(str, pc.unique(column).to_pylist()) if text.strip()}


def _mostly(cells: pa.ChunkedArray, known: Mapping[str, tuple[str, str] | None]) -> bool:
    """Return whether at least half of some filled cells are numbers."""
    numbers = pa.array([text for text, one in known.items() if one is not None], cells.type)
    return len(cells) > 0 and (pc.sum(pc.is_in(cells, numbers)).as_py() or 0) >= MOST * len(cells)


def _all_plain(column: pa.ChunkedArray) -> bool:
    """Return whether no cell has to be written otherwise."""
    if not is_text(column.type):
        return True
    if len(column) <= QUERY_ROWS:
        return all(not cell or PLAIN.fullmatch(cell) for cell in column.to_pylist())
    return bool(pc.all(pc.match_substring_regex(column, rf"^(?:{PLAIN.pattern})?$")).as_py())


def _rewritten(column: pa.ChunkedArray, plain: Mapping[str, str]) -> pa.ChunkedArray:
    """Return a column with some texts written otherwise."""
    place = pc.index_in(column, pa.array([*plain], column.type))
    return pc.coalesce(pa.array([*plain.values()], column.type).take(place), column)
