"""A figure as text, its interval beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def quoted(figure: Mapping[str, Any] | None, form: str = ".3f") -> str:
    """Return ``0.770 [0.731, 0.806]``, or a dash where there is no figure; the value alone where it has no interval.

    :param figure: has ``value``, ``low`` and ``high``, None or NaN where there is no interval.
    :param form: how each of the three is written; ``+.3f`` for a difference.
    """
    if not figure:
        return "–"
    if figure["low"] is None or math.isnan(figure["low"]):
        return f"{figure['value']:{form}}"
    return f"{figure['value']:{form}} [{figure['low']:{form}}, {figure['high']:{form}}]"
