"""What the rules did on the judged rows: how often each fired, changed an answer, was broken, or not judged."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData


def rules_panel(data: ReportData, task: str) -> str:
    """Return the rules of a task and the figure that decides with and without them."""
    found, headline = data.metrics[task].get("rules"), data.headline[task]
    if not found:
        return ""
    rows = "".join(_row(name, found) for name in found["fired"])
    gain = found["gain"].get(headline)
    told = f" Gain: {quoted(gain)}." if gain else ""
    return (
        "<h3>Rules</h3>"
        f"<p>{escape(headline)} without rules {quoted(found['without'].get(headline))}, with them "
        f"{quoted(found['with'].get(headline))}.{told}</p>"
        '<div class="wide"><table><tr><th>rule</th><th>rows it held for</th><th>answers it changed</th>'
        f"<th>labels that break it</th><th>text in the place of a number</th></tr>{rows}</table></div>"
    )


def _row(name: str, found: Mapping[str, Any]) -> str:
    """Return the row of one rule, red where labels break it or it could not be judged."""
    broken, unjudged = found["broken"].get(name), found["unjudged"][name]
    cells = (name, found["fired"][name], found["changed"][name], "–" if broken is None else broken, unjudged)
    mark = ' class="bad"' if broken or unjudged else ""
    return f"<tr{mark}>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
