"""Sizes as people read and write them, ``1.5 GB`` and ``10GB``; text as wide as a terminal shows it."""

from __future__ import annotations

import re
import unicodedata

from mmsdk.errors import ConfigError

_UNITS = ("B", "kB", "MB", "GB", "TB")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def shown_width(text: str) -> int:
    """Return how many columns of a terminal a text takes; a Chinese character takes two."""
    return sum(map(_columns, text))


def padded(text: str, width: int) -> str:
    """Return a text filled with spaces to so many columns of a terminal."""
    return text + " " * (width - shown_width(text))


def clipped(text: str, width: int) -> str:
    """Return the beginning of a text that takes no more than so many columns of a terminal."""
    taken = 0
    for place, mark in enumerate(text):
        taken += _columns(mark)
        if taken > width:
            return text[:place]
    return text


def shortened(text: str, width: int) -> str:
    """Return a text that takes no more than so many columns of a terminal: its beginning, ``…``, and more of its end.

    The end of a path or an address tells more than its beginning, which all of a table may share.
    """
    if shown_width(text) <= width:
        return text
    first = clipped(text, width // 3)
    return f"{first}…{clipped(text[::-1], width - 1 - shown_width(first))[::-1]}"


def _columns(mark: str) -> int:
    """Return how many columns a character takes."""
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1


def megabytes(size: float) -> str:
    """Return bytes as ``1.5 GB``, in powers of 1000."""
    for unit in _UNITS[:-1]:
        if abs(size) < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"


def parse_size(text: str) -> int:
    """Return ``10GB``, ``500 MB`` or ``4096`` as bytes, in powers of 1000.

    :raises ConfigError: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is not a size. Expected a number and a unit, such as 10GB or 500MB")
    number, prefix = found.groups()
    return int(float(number) * 1000 ** " kmgt".index(prefix.lower() or " "))
