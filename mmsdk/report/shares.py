"""How the answers divide among the inputs, as the page draws it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData


def shares_panel(data: ReportData, task: str) -> str:
    """Return a bar an input: the mean size of its Shapley values over the judged rows."""
    shares = data.metrics[task].get("shares", {})
    if not shares:
        return ""
    most = max(one["value"] for one in shares.values()) or 1.0
    ranked = sorted(shares.items(), key=lambda one: -one[1]["value"])
    rows = "".join(_row(name, one, one["value"] / most) for name, one in ranked)
    return (
        "<h3>What the answers rest on</h3>"
        '<p class="soft">How much each input moves the answer of a row, up or down: the mean size of its Shapley '
        "value, in the probability of the answered label or in the unit of the number. It says what the model uses, "
        "not what is right; <code>mmsdk explain RUN --id ID</code> shows a single row.</p>"
        f'<div class="wide"><table><tr><th>input</th><th>mean share</th><th></th></tr>{rows}</table></div>'
    )


def _row(name: str, share: Mapping[str, Any], size: float) -> str:
    """Return the row of one input."""
    bar = f'<div style="width: {9 * size:.2f}rem; height: .8rem; background: var(--accent)"></div>'
    return f"<tr><td>{escape(name)}</td><td>{quoted(share, '.3g')}</td><td>{bar}</td></tr>"
