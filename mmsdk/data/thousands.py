"""Numbers with thousands separators, ``1,119.60`` or ``1.119,60``, in columns of which that can mean nothing else."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

MARKS = {",": ".", ".": ","}  # thousands separator -> decimal mark
NOTHING = r"^(?i:#?n/?a|[nk]\.\s?a\.|<na>|-?nan|null|none|nil|-+|[–—?]|无|暂无)$"  # says that there is no number
GROUP = re.compile(r"\d[,.]\d{3}")  # what has thousands has such
QUERY_ROWS = 64  # up to which Python is faster than Arrow, which makes its patterns anew each time
LOOKED_AT = 100  # cells that rule most columns out, so that long texts are not searched


def thousands_mark(column: pa.ChunkedArray) -> str:
    """Return what stands between the thousands of a column of numbers, or nothing where that is not certain.

    It is where every filled cell is such a number, or says that there is none (``n/a``), and one has both marks, or
    some have two groups of three digits and others fewer: ``1,119`` alone may have three decimals, ``101,102`` may be
    tags, ``12.345.678`` a code.
    """
    few = column.to_pylist() if is_text(column.type) and len(column) <= QUERY_ROWS else None
    if not is_text(column.type) or (few is not None and not any(GROUP.search(cell) for cell in few if cell)):
        return ""
    cells = pc.utf8_trim_whitespace(column)
    likely = (mark for mark in MARKS if _all(cells[:LOOKED_AT], mark) and _all(cells, mark))
    return next((mark for mark in likely if _sure(pc.replace_substring_regex(cells, NOTHING, ""), mark)), "")


def without_thousands(column: pa.ChunkedArray, mark: str) -> pa.ChunkedArray:
    """Return a column with its numbers as ``1119.60``; cells that are no such number stay as they are."""
    if not is_text(column.type):
        return column
    cells = pc.utf8_trim_whitespace(column)
    plain = pc.replace_substring(pc.replace_substring(cells, mark, ""), MARKS[mark], ".")
    return pc.if_else(pc.match_substring_regex(cells, _number(mark)), plain, column)


def is_text(kind: pa.DataType) -> bool:
    """Return whether cells of a kind are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _all(cells: pa.ChunkedArray, mark: str) -> bool:
    """Return whether every cell is empty, says that it is, or is a number with this mark between its thousands."""
    return bool(pc.all(pc.match_substring_regex(cells, rf"^$|{NOTHING}|{_number(mark)}")).as_py())


def _sure(cells: pa.ChunkedArray, mark: str) -> bool:
    """Return whether such cells can be nothing else."""
    if _any(cells, rf"\{mark}.*\{MARKS[mark]}"):
        return True
    return _any(cells, rf"^[+-]?\d\d?\{mark}\d+\{mark}") and _any(cells, rf"^[^\{mark}]+(?:\{mark}[^\{mark}]+)?$")


def _any(cells: pa.ChunkedArray, pattern: str) -> bool:
    """Return whether a pattern is in some cell; to compare with a Python value would make Arrow load pandas."""
    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def _number(mark: str) -> str:
    """Return the pattern of a number with or without thousands."""
    return rf"^[+-]?(?:[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+|\d+)(?:\{MARKS[mark]}\d+)?$"
