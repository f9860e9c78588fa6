"""Rows whose label is probably wrong, the surest first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData

SHOWN = 20


def label_noise_panel(data: ReportData, task: str) -> str:
    """Return a table of the suspected rows."""
    found = data.metrics[task].get("label_noise")
    if found is None:
        return ""
    head = f"<h3>Labels to look at again</h3><p>{found['found']:,} of {found['checked']:,} labels look wrong"
    if not found["rows"]:
        return f"{head}.</p>"
    rows = "".join(_row(one) for one in found["rows"][:SHOWN])
    return (
        f"{head}; the surest first. Each row was judged by models that had not seen it. Look before you change a "
        "label: a rare case looks the same.</p>"
        '<div class="wide"><table><tr><th>id</th><th>part</th><th>given</th><th>probability</th><th>suspected</th>'
        f"<th>probability</th></tr>{rows}</table></div>"
        f'<p class="soft">{_more(found)}</p>'
    )


def _row(one: Mapping[str, Any]) -> str:
    """Return the row of one suspected label."""
    cells = (
        one["id"],
        one["part"],
        one["given"],
        f"{one['probability_given']:.2f}",
        one["suspected"],
        f"{one['probability_suspected']:.2f}",
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _more(found: Mapping[str, Any]) -> str:
    """Return where the rest stands."""
    listed = len(found["rows"])
    if listed <= SHOWN:
        return ""
    return f"The first {SHOWN} of {listed} listed in metrics.json."
