"""Moments as seconds: ISO 8601 text or numbers."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any


def seconds_of(value: Any) -> float:
    """Return a moment as seconds: a number as it is, ISO 8601 text since 1970 (without a zone: UTC).

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
        moment = dt.datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("is not a moment in time; write it as 2024-01-31T10:00 or as a number") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
