"""Scores with their intervals as a chart of plain HTML: names of any length and script, and no scrolling at 400 px."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Mapping

MARGIN, TICKS = 0.04, 4


def intervals(scores: Mapping[str, Mapping[str, Any]], label: str, chosen: str) -> str:
    """Draw one dot with its 95 % interval a name; ``chosen`` stands out.

    A drawing as wide as a desk would scroll on a telephone, and the run itself, which is often the best, would stand
    out of sight. Here the page lays out the names, and above their bars where it is narrow.

    :param scores: name -> ``{value, low, high}``; drawn from the top in the given order.
    """
    drawn = {name: _bounds(score) for name, score in scores.items()}
    least, most = min(low for low, _, _ in drawn.values()), max(high for _, _, high in drawn.values())
    margin = MARGIN * (most - least) or 0.01
    scale = least - margin, most + margin
    ticks = [tick for tick in MaxNLocator(TICKS).tick_values(*scale) if scale[0] <= tick <= scale[1]]
    lines = "".join(f'<s style="left:{_at(tick, scale)}"></s>' for tick in ticks)
    rows = "".join(_row(name, found, scale, lines, ours=name == chosen) for name, found in drawn.items())
    named = "".join(f'<b style="left:{_at(tick, scale)}">{_written(tick)}</b>' for tick in ticks)
    said = escape(f"{label} of {', '.join(scores)}")
    axis = f'<div class="axis"><span>{escape(label)}</span><i>{named}</i></div>'
    return f'<div class="intervals" role="img" aria-label="{said}">{rows}{axis}</div>'


def _bounds(score: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return low, value and high; the value alone where it has no interval."""
    value = score["value"]
    low, high = score.get("low"), score.get("high")
    return (value if low is None else low, value, value if high is None else high)


def _row(name: str, found: tuple[float, float, float], scale: tuple[float, float], lines: str, *, ours: bool) -> str:
    """Return one name with its bar and dot."""
    low, value, high = (_at(one, scale) for one in found)
    mark = ' class="ours"' if ours else ""
    bar = f'<u style="left:{low};right:calc(100% - {high})"></u><em style="left:{value}"></em>'
    return f"<div{mark}><span>{escape(name)}</span><i>{lines}{bar}</i></div>"


def _at(value: float, scale: tuple[float, float]) -> str:
    """Return where a value lies, as CSS."""
    return f"{100 * (value - scale[0]) / (scale[1] - scale[0]):.2f}%"


def _written(tick: float) -> str:
    """Return a tick as short as it is exact."""
    return str(np.format_float_positional(round(float(tick), 10), trim="-"))
