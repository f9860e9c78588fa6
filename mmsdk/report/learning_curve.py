"""The learning curve of a task, and what more rows would bring."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mmsdk.report import charts

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData


def learning_curve_panel(data: ReportData, task: str) -> str:
    """Return the curve over the number of training rows, and the sentence."""
    curve = data.metrics[task].get("learning_curve")
    if curve is None:
        return ""
    points = [(one["rows"], one["value"], one["low"], one["high"]) for one in curve["points"]]
    drawn = charts.bands({"training rows": {"this application": points}}, curve["metric"])
    return (
        "<h3>What more rows would bring</h3>"
        f"<p>{escape(curve['sentence'][:1].upper() + curve['sentence'][1:])}.</p>"
        '<p class="soft">The head learned three times from each of five nested shares of the training rows; a power '
        "law through the means is carried on. The band holds the scored rows and the repeats.</p>"
        f'<div class="wide">{drawn}</div>'
    )
