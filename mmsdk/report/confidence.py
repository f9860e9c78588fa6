"""How sure answers may claim to be, on the test rows: calibration, coverage of the sets, risk against coverage."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from mmsdk.quoted import quoted
from mmsdk.report import charts
from mmsdk.report.promises import broken_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData


def confidence_panel(data: ReportData, task: str) -> str:
    """Return what the promises of a task came to."""
    found = data.metrics[task].get("confidence")
    if not found:
        return ""
    source = "held-out folds" if found["source"] == "folds" else "validation rows"
    lines = [
        "<h3>How sure</h3>",
        f"<p>Calibrated by {escape(found['method'])} on the {found['rows']} rows ({source}) that have every input.</p>",
        *(f"<p>{escape(one)}.</p>" for one in found["notes"]),
        *(f'<p class="bad">Broken: {escape(one)}.</p>' for one in broken_lines(data.metrics[task])),
        _calibration(found, data.metrics[task].get("test", {})),
        _curves(found, task),
        _sets(found),
        _declined(found),
    ]
    return "".join(lines)


def _calibration(found: Mapping[str, Any], test: Mapping[str, Any]) -> str:
    """Return the table of figures before and after calibration."""
    if not found.get("raw"):
        return ""
    names = list(found["raw"])
    rows = {"the model's own": found["raw"], "calibrated": test}
    return _table(["", *names], [[label, *(quoted(one.get(name)) for name in names)] for label, one in rows.items()])


def _sets(found: Mapping[str, Any]) -> str:
    """Return the table of coverage and size, overall, by inputs given, and by group."""
    if "sets" not in found:
        return ""
    named = {"all rows": found["sets"]}
    named |= {f"given {name}": one for name, one in found.get("subsets", {}).items()}
    named |= {f"group {name}": one for name, one in found.get("groups", {}).items()}
    rows = [
        [name, quoted(one.get("coverage")), quoted(one.get("size")), str(one["coverage"]["n"])]
        for name, one in named.items()
        if "coverage" in one
    ]
    return (
        f"<p>Sets (or intervals) that should hold the truth {found['target']:.0%} of the time, the answer always among "
        f"them:</p>{_table(['rows', 'held the truth', 'size', 'n'], rows)}"
    )


def _declined(found: Mapping[str, Any]) -> str:
    """Return how many rows were answered, and how well."""
    one = found.get("answered")
    if not one:
        return ""
    return f"<p>Answered {quoted(one.get('share'))} of the rows, with an error of {quoted(one.get('error'))}.</p>"


def _curves(found: Mapping[str, Any], task: str) -> str:
    """Draw the reliability diagram and the error against the share of rows answered."""
    if "reliability" not in found:
        return ""
    with mpl.rc_context(charts.STYLE):
        figure = Figure(figsize=(6.4, 2.9))
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.35})
        left.plot([0, 1], [0, 1], color=charts.MUTED, linewidth=1, linestyle=":")
        for name, colour in (("raw", charts.MUTED), ("calibrated", charts.ACCENT)):
            bins = found["reliability"][name]
            sure, value = [one["confidence"] for one in bins], [one["value"] for one in bins]
            reach = [[one["value"] - one["low"] for one in bins], [one["high"] - one["value"] for one in bins]]
            left.errorbar(sure, value, yerr=reach, color=colour, marker="o", markersize=4, linewidth=1.2, label=name)
        left.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))
        left.legend(frameon=False, fontsize=9)
        curve = found["risk"]["curve"]
        right.plot([one[0] for one in curve], [one[1] for one in curve], color=charts.ACCENT)
        right.set(xlabel="share of rows answered", ylabel="error", xlim=(0, 1), ylim=(0, None))
        drawn = charts.svg(figure, f"reliability, and risk against coverage, of {task}")
    area = quoted(found["risk"].get("aurc"))
    return f'<div class="wide">{drawn}</div><p>Area under risk against coverage (0 is best): {area}.</p>'


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Return an HTML table of escaped cells."""
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(one)}</td>' for one in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'
