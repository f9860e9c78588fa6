"""What each input adds to the others, as the page draws it and the card lists it; what takes away is red."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.report.contents import ReportData


def inputs_panel(data: ReportData, task: str) -> str:
    """Return a row an input: what it adds to all the others, and the subset to which it adds least."""
    metrics, headline = data.metrics[task], data.headline[task]
    added = metrics.get("added", {})
    if not added:
        return ""
    worse = metrics.get("worse", {})
    rows = "".join(_row(name, subsets, headline, name in worse) for name, subsets in added.items())
    lines = "".join(f'<p class="bad">{escape(line)}</p>' for line in worse_lines(metrics, headline))
    return (
        "<h3>What one more input adds</h3>"
        f'<p class="soft">The gain in {escape(headline)} on the same rows: above zero the input helps. Red: below zero '
        f"by more than chance explains, all {sum(map(len, added.values()))} comparisons taken together.</p>"
        '<div class="wide"><table><tr><th>input</th><th>added to all others</th><th>added where it helps least</th>'
        f"<th>to</th></tr>{rows}</table></div>{lines}"
    )


def given_rows(metrics: Mapping[str, Any], headline: str) -> dict[str, Any]:
    """Return subset -> the metric that decides, in the order they were scored."""
    return {name: one[headline] for name, one in metrics.get("subsets", {}).items() if headline in one}


def worse_lines(metrics: Mapping[str, Any], headline: str) -> list[str]:
    """Return a sentence for each addition that made the model worse beyond noise."""
    return list(_worse(metrics, headline))


def _worse(metrics: Mapping[str, Any], headline: str) -> Iterator[str]:
    for name, subsets in metrics.get("worse", {}).items():
        for subset in subsets:
            gain = metrics["added"][name][subset][headline]
            yield f"{name} added to {subset}: {headline} {quoted(gain, '+.3f')}; leave it out, or look at its cells"


def _row(name: str, subsets: Mapping[str, Any], headline: str, bad: bool) -> str:
    """Return the row of one input."""
    gains = {subset: one[headline] for subset, one in subsets.items() if headline in one}
    fullest = max(gains, key=lambda subset: subset.count("+"))
    least = min(gains, key=lambda subset: float(gains[subset]["value"]))
    mark = ' class="bad"' if bad else ""
    cells = (name, quoted(gains[fullest], "+.3f"), quoted(gains[least], "+.3f"), least)
    return f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
