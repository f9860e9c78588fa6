"""What each input adds to the others, as the page draws it and the card lists it; what takes away is red."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.report.contents import ReportData

FEW = 4  # inputs, of which all 15 subsets are read at a glance; 255 of eight are not


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


def given_rows(metrics: Mapping[str, Any], headline: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return subset -> the metric that decides, of those that say most, the fullest last, and of the others.

    Up to four inputs all say most; of more, each input alone, each left out (``all but price``) and all of them.
    """
    scores = {name: one[headline] for name, one in metrics.get("subsets", {}).items() if headline in one}
    inputs = [name for name in scores if "+" not in name]
    if len(inputs) <= FEW:
        return scores, {}
    told = {name: _told(name.split("+"), inputs) for name in scores}
    shown = {told[name]: score for name, score in scores.items() if told[name]}
    return shown, {name: score for name, score in scores.items() if not told[name]}


def _told(given: Sequence[str], inputs: Sequence[str]) -> str:
    """Return what a subset of many inputs is called where it says much, else nothing."""
    missing = [name for name in inputs if name not in given]
    if len(given) == 1:
        return given[0]
    return "" if len(missing) > 1 else f"all but {missing[0]}" if missing else "all together"


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
    others = "all others" if least == fullest and fullest.count("+") + 1 >= FEW else least
    cells = (name, quoted(gains[fullest], "+.3f"), quoted(gains[least], "+.3f"), others)
    return f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
