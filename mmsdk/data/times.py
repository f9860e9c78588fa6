"""Moments: ISO 8601 text, dates as Excel writes them in China and in most of Europe, or numbers as seconds."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from typing import Any

UNTOLD = "day or month first is not told from the digits; write 2025-12-11"
NO_DATE = "is not a date such as 2026-11-26 or 26.11.2026"
# 2026年11月26日, 2026/11/26, 2026.11.26, 2026-3-1, 26.11.2026; after it 9:05, 9:05:30, 9时05分30秒 or 9点05分
_WRITTEN = re.compile(
    r"(?:(?P<y1>\d{4})年(?P<m1>\d\d?)月(?P<d1>\d\d?)[日号]"
    r"|(?P<y2>\d{4})(?P<mark>[-/.])(?P<m2>\d\d?)(?P=mark)(?P<d2>\d\d?)"
    r"|(?P<d3>\d\d?)\.(?P<m3>\d\d?)\.(?P<y3>\d{4}))"
    r"(?:,?[ T]*(?P<hour>\d\d?)(?:[:时点](?P<minute>\d\d?)(?:[:分](?:(?P<second>\d\d?)秒?)?)?))?",
    re.ASCII,
)


_UNTOLD = re.compile(r"\d\d?([-/])\d\d?\1(\d{4}|\d\d)(\D.*)?", re.ASCII)  # 11/12/2025, 11-12-25 10:05


def moment_of(text: str) -> dt.datetime:
    """Return the moment that a text says: ISO 8601, or year, month and day in this order, with or without a time.

    ``2026-11-26T10:00``, ``2026/11/26 10:00``, ``2026年11月26日``, ``２０２６年１１月２６日 10时05分``. With dots the
    day may stand first, as in most of Europe (``26.11.2026 10:05``); with other marks (``26/11/2026``) it is refused:
    nobody can tell it from a month.

    :raises ValueError: it is no such text; the message is the reason.
    """
    plain = text.strip()
    try:
        return dt.datetime.fromisoformat(plain)
    except ValueError:
        plain = unicodedata.normalize("NFKC", plain)
    if _UNTOLD.fullmatch(plain):
        raise ValueError(UNTOLD)
    found = _WRITTEN.fullmatch(plain)
    if found is None:
        raise ValueError(NO_DATE)
    year, month, day = (next(int(found[f"{part}{way}"]) for way in "123" if found[f"{part}{way}"]) for part in "ymd")
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    try:
        return dt.datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise ValueError(NO_DATE) from None


def seconds_of(value: Any) -> float:
    """Return a moment as seconds: a number as it is, text as :func:`moment_of` since 1970 (no zone: UTC).

    :raises ValueError: it is neither; the message is the reason.
    """
    if value is None:
        raise ValueError("is empty, but every row needs a moment in time")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    else:
        if math.isfinite(number) and not isinstance(value, bool):
            return number
        raise ValueError("is not a moment in time")
    try:
        moment = moment_of(str(value))
    except ValueError as error:
        reason = "is not a moment in time; write it as 2024-01-31T10:00 or as a number"
        raise ValueError(UNTOLD if str(error) == UNTOLD else reason) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
