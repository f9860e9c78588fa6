"""How the score of a task falls when an input gets worse or is missing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.report import charts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData

KINDS = {"noise": "noise (spreads)", "missing": "share of rows without it"}


def robustness_panel(data: ReportData, task: str) -> str:
    """Return the curves of every input, and the areas under them."""
    curves: Mapping[str, Any] = data.metrics[task].get("robustness", {})
    if not curves:
        return ""
    panels = {
        label: {name: _points(one[kind]) for name, one in curves.items() if kind in one}
        for kind, label in KINDS.items()
        if any(kind in one for one in curves.values())
    }
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(_cells(one.get(kind)) for kind in KINDS)}</tr>"
        for name, one in curves.items()
    )
    return (
        "<h3>When an input gets worse</h3>"
        f'<p class="soft">{escape(data.headline[task])} with one input damaged and the others whole: noise in its '
        "vectors, in units of their spread, and rows in which it is missing. Relative: the mean score under the curve. "
        "Effective: the mean change from the whole input.</p>"
        f'<div class="wide">{charts.bands(panels, data.headline[task], wide=8.4)}</div>'
        '<div class="wide"><table><tr><th>input</th><th>noise: relative</th><th>effective</th><th>missing: '
        f"relative</th><th>effective</th></tr>{rows}</table></div>"
    )


def _points(curve: Mapping[str, Any]) -> list[tuple[float, float, float, float]]:
    """Return the points of a curve as they are drawn."""
    return [(one["level"], one["value"], one["low"], one["high"]) for one in curve["points"]]


def _cells(curve: Mapping[str, Any] | None) -> str:
    """Return the two areas of a curve."""
    if curve is None:
        return "<td>–</td><td>–</td>"
    return f"<td>{curve['relative']:.3f}</td><td>{curve['effective']:+.3f}</td>"
