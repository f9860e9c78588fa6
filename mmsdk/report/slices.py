"""The slices of a task, weakest first; one that is worse than the rest beyond chance is red."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData

SHOWN = 30
NOT_JUDGED = "not judged: too few rows in it or beside it"


def slices_panel(data: ReportData, task: str) -> str:
    """Return a table of the slices, and a sentence about the weakest."""
    slices = data.metrics[task].get("slices", [])
    if not slices:
        return ""
    judged = [one for one in slices if one["judged"]]
    worse = [one for one in judged if one["worse"]]
    rows = "".join(_row(one) for one in slices[:SHOWN])
    more = f'<p class="soft">{len(slices) - SHOWN} more stand in metrics.json.</p>' if len(slices) > SHOWN else ""
    return (
        "<h3>Slices</h3>"
        f'<p class="soft">{escape(data.headline[task])} on parts of the same rows, weakest first, those not judged '
        "last. The gap is to all the other rows, above zero where the part does better. Red: below zero by more than "
        f"chance explains, all {len(judged)} judged slices taken together (Holm). Below 30 rows in it or beside it, "
        "and of one group alone, nothing is judged.</p>"
        f"{_verdict(judged, worse)}"
        '<div class="wide"><table><tr><th>column</th><th>value</th><th>rows</th><th>score</th><th>gap</th><th>p</th>'
        f"</tr>{rows}</table></div>{more}"
    )


def slice_rows(data: ReportData, task: str) -> list[dict[str, str]]:
    """Return the slices of a task for the card: ``sex = female`` and its score, weakest first."""
    slices = data.metrics[task].get("slices", [])
    return [
        {
            "name": f"{one['column']} = {one['value']}",
            "rows": str(one["n"]),
            "score": quoted(one["score"]),
            "verdict": "worse, beyond chance" if one["worse"] else "" if one["judged"] else NOT_JUDGED,
        }
        for one in slices[:SHOWN]
    ]


def _verdict(judged: list[Mapping[str, Any]], worse: list[Mapping[str, Any]]) -> str:
    """Return the sentence about the weakest slice."""
    if worse:
        names = "; ".join(f"{one['column']} = {one['value']}" for one in worse)
        return f'<p class="bad">Weak: {escape(names)}.</p>'
    if judged:
        one = judged[0]
        return f"<p>Weakest: {escape(one['column'])} = {escape(one['value'])}, within what chance explains.</p>"
    return "<p>No slice has enough rows, or groups, to be judged.</p>"


def _row(one: Mapping[str, Any]) -> str:
    """Return the row of one slice."""
    mark = ' class="bad"' if one["worse"] else ""
    gap = quoted(one["gap"], "+.3f")
    chance = f"{one['p']:.3f}" if one["judged"] else "not judged"
    cells = (one["column"], one["value"], str(one["n"]), quoted(one["score"]), gap, chance)
    return f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
