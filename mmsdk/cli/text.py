"""Sizes as people read and write them: ``1.5 GB`` and ``10GB``."""

from __future__ import annotations

import re

from mmsdk.errors import ConfigError

_UNITS = ("B", "kB", "MB", "GB", "TB")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


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


def duration(seconds: float) -> str:
    """Return seconds as ``0.3 s``, ``45 s``, ``12 min`` or ``3 h 20 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
