"""Moments: ISO 8601 text, dates as Excel writes them in China and in most of Europe, or numbers as seconds."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from typing import Any

UNTOLD = "day or month first is not told from the digits; write 2025-12-11"
NO_DATE = "is not a date such as 2026-11-26 or 26.11.2026"
NO_DAY = "is a month without a day; write a day, the same for all (2026-11-01), or take modality category"
NO_NOON = "is midnight or noon, nobody can tell; write 00:05 or 12:05"
OTHER_DAY = "names another day of the week than that day is; mend one of the two"
WEEKDAYS = "一二三四五六日"
# 2026年11月26日, 2026/11/26, 2026.11.26, 2026-3-1, 26.11.2026; after it 星期四 or (周四); then 9:05,
# 9:05:30, 9时05分30秒, 9点05分, 下午3:05 or 3:05 PM
_WRITTEN = re.compile(
    r"(?:(?P<y1>\d{4})年(?P<m1>\d\d?)月(?P<d1>\d\d?)[日号]"
    r"|(?P<y2>\d{4})(?P<mark>[-/.])(?P<m2>\d\d?)(?P=mark)(?P<d2>\d\d?)"
    r"|(?P<d3>\d\d?)\.(?P<m3>\d\d?)\.(?P<y3>\d{4}))"
    rf"(?: *\(?(?:星期|礼拜|周)(?P<weekday>[{WEEKDAYS}天])\)?)?"
    r"(?:,?[ T]*(?P<half>[上下]午)? *"
    r"(?P<hour>\d\d?)(?:[:时点](?P<minute>\d\d?)(?:[:分](?:(?P<second>\d\d?)秒?)?)?)(?: *(?P<english>[AaPp][Mm]))?)?",
    re.ASCII,
)
_MONTH = re.compile(r"\d{4}(?:年\d\d?月|[-/.]\d\d?)", re.ASCII)


_UNTOLD = re.compile(r"\d\d?([-/])\d\d?\1(\d{4}|\d\d)(\D.*)?", re.ASCII)  # 11/12/2025, 11-12-25 10:05


def moment_of(text: str) -> dt.datetime:
    """Return the moment that a text says: ISO 8601, or year, month and day in this order, with or without a time.

    ``2026-11-26T10:00``, ``2026/11/26 10:00``, ``2026年11月26日星期四``, ``２０２６年１１月２６日 下午3:05``. With dots
    the day may stand first, as in most of Europe (``26.11.2026 10:05``); with other marks (``26/11/2026``) it is
    refused: nobody can tell it from a month.

    :raises ValueError: it is no such text; the message is the reason.
    """
    plain = text.strip()
    try:
        return dt.datetime.fromisoformat(plain)
    except ValueError:
        plain = unicodedata.normalize("NFKC", plain)
    if _UNTOLD.fullmatch(plain):
        raise ValueError(UNTOLD)
    if _MONTH.fullmatch(plain):
        raise ValueError(NO_DAY)
    found = _WRITTEN.fullmatch(plain)
    if found is None:
        raise ValueError(NO_DATE)
    year, month, day = (next(int(found[f"{part}{way}"]) for way in "123" if found[f"{part}{way}"]) for part in "ymd")
    minute, second = (int(found[part] or 0) for part in ("minute", "second"))
    try:
        moment = dt.datetime(year, month, day, _hour(found), minute, second)
    except ValueError as error:
        raise ValueError(NO_NOON if str(error) == NO_NOON else NO_DATE) from None
    weekday = found["weekday"]
    if weekday and moment.weekday() != WEEKDAYS.index("日" if weekday == "天" else weekday):
        raise ValueError(OTHER_DAY)
    return moment


def _hour(found: re.Match[str]) -> int:
    """Return the hour of 24.

    :raises ValueError: 上午12, which is written for noon and for midnight, or a later hour of a morning.
    """
    hour, half = int(found["hour"] or 0), (found["half"] or found["english"] or "").lower()
    if half == "上午" and hour == 12:
        raise ValueError(NO_NOON)
    if half in {"上午", "am"} and hour > 12:
        raise ValueError(NO_DATE)
    if half in {"am", "pm"} and hour == 12:
        return 0 if half == "am" else 12
    return hour + 12 * (half in {"下午", "pm"} and hour < 12)


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
