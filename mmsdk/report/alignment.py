"""What aligning two inputs brought, as the page draws it: each figure before and after, and what it means."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData

MEANING = {
    "recall@1": "a row's partner is the nearest of all, both ways",
    "recall@5": "it is among the five nearest",
    "recall@10": "it is among the ten nearest",
    "cka": "1: distances between rows are the same in both; 0: unrelated (linear CKA, without bias)",
    "canonical_correlation": "the ten directions that agree most, learned on training rows, judged on these",
    "modality_gap": "distance between the two clouds of unit vectors; 0: they lie over each other",
}


def alignment_panel(data: ReportData, task: str) -> str:
    """Return a table of what alignment changed, for the entry of a pair of aligned inputs."""
    told = data.run.get("align")
    if not told or task not in told["pairs"]:
        return ""
    metrics = data.metrics[task]
    after: Mapping[str, Any] = next((metrics[part] for part in ("test", "val") if part in metrics), {})
    before = metrics.get("baselines", {}).get("before", {})
    rows = "".join(_row(name, before.get(name), after[name]) for name in MEANING if name in after)
    names = task.removeprefix("align ").replace("+", " and ")
    chosen = "".join(f", {name} {value}" for name, value in told["chosen"].items())
    return (
        f"<h3>Before and after {escape(str(told['type']))}</h3>"
        f'<p class="soft">How {escape(names)} of one row find each other among the rows that are judged. Maps were '
        f"learned on training rows alone{escape(chosen)}. A dash: vectors of two lengths have no cosine. An invertible "
        "map leaves canonical correlations as they are: what they say was there before.</p>"
        '<div class="wide"><table><tr><th>figure</th><th>before</th><th>after</th><th>says</th></tr>'
        f"{rows}</table></div>"
    )


def _row(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Return one figure's row."""
    cells = (name, quoted(before), quoted(after), MEANING[name])
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
