"""What users get of whom little is known: the figures by how much of their history is told."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData

NAMES = {"0": "nothing (a newcomer)", "0, heard": "nothing but what they said", "1": "1 item", "all": "all of it"}


def history_panel(data: ReportData, task: str) -> str:
    """Return a table of the figures by how many items of each history are known."""
    from mmsdk.report.page import score

    found = data.metrics[task].get("by_history", {})
    if not found:
        return ""
    metrics = list(next(iter(found.values())))
    head = "".join(f"<th>{escape(name)}</th>" for name in metrics)
    rows = "".join(
        f"<tr><td>{escape(NAMES.get(name, f'{name} items'))}</td><td>{next(iter(one.values()))['n']:,}</td>"
        + "".join(f"<td>{escape(score(one.get(metric)))}</td>" for metric in metrics)
        + "</tr>"
        for name, one in found.items()
    )
    return (
        "<h3>How much of a history it needs</h3>"
        '<p class="soft">The same users and the same held-out items, with only the last items of each history known '
        "(any of them where there are no times).</p>"
        f'<div class="wide"><table><tr><th>known of a user</th><th>users</th>{head}</tr>{rows}</table></div>'
    )
