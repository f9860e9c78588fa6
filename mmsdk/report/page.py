"""The page: ``ReportData`` drawn as one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from mmsdk.evaluate.differences import sided
from mmsdk.quoted import quoted
from mmsdk.report import charts
from mmsdk.report.efficiency import cost_sections
from mmsdk.report.inputs import given_rows, worse_lines
from mmsdk.report.intervals import intervals
from mmsdk.report.panels import PANELS
from mmsdk.report.promises import broken_lines
from mmsdk.report.use import column_sections, use_sections

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData

OURS = "this run"
NOT_PARTS: tuple[str, ...] = (
    "baselines",
    "subsets",
    "paired",
    "added",
    "choice",
    "worse",
    "rules",
    "shares",
    "slices",
    "by_history",
    "learning_curve",
    "robustness",
    "label_noise",
    "confidence",
)

RANKED: Mapping[str, str] = {
    "recommend": "Some items of each user are held out, and the others are the history.",
    "recommend_over_time": "Everything after one moment is hidden and nothing of it is learned: what a shop meets.",
    "recommend_next": "The last item of each user is hidden, and the history is all before it, in order.",
}


def render_report(data: ReportData) -> str:
    """Return the report as a complete HTML document."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            findings=sorted(data.findings, key=lambda one: one.severity != "warning"),
            warned=any(one.severity == "warning" for one in data.findings),
            tasks=[task_view(data, task) for task in data.metrics],
            curves=Markup(charts.curves(data.history)) if len(data.history) > 1 else "",
            scatter=Markup(charts.scatter(data.points)) if data.points is not None else "",
            sections=[(title, Markup(html)) for title, html in _sections(data)],
        )
    )


def _sections(data: ReportData) -> Iterator[tuple[str, str]]:
    """Yield the sections after the tasks: the recipe's own, then what the run says of itself."""
    yield from data.sections
    yield from use_sections(data.run)
    yield from column_sections(data.run)
    yield from cost_sections(data.run)


def environment() -> Environment:
    """Return the template environment: HTML is escaped, an undefined name is an error."""
    env = Environment(
        loader=PackageLoader("mmsdk.report", "."),
        autoescape=select_autoescape(("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["score"] = score
    env.filters["cell"] = cell
    env.filters["sided"] = sided
    return env


def task_view(data: ReportData, task: str, *, drawn: bool = True) -> dict[str, Any]:
    """Return what the page shows of one task: parts, a table beside the baselines, and two charts if ``drawn``."""
    metrics, headline = data.metrics[task], data.headline[task]
    part = scored_part(metrics)
    rows = {OURS: metrics[part], **metrics.get("baselines", {})} if part else {}
    columns = [name for name in metrics[part] if isinstance(metrics[part][name], Mapping)] if part else []
    columns.sort(key=lambda name: name != headline)
    given, folded = given_rows(metrics, headline)
    return {
        "name": task,
        "part": part,
        "headline": headline,
        "about": RANKED.get(task, "") if headline.startswith("recall@") else "",
        "columns": columns,
        "rows": rows,
        "others": {name: metrics[name] for name in metrics if name not in (*NOT_PARTS, part)},
        "paired": _ahead(metrics, headline),
        "chart": _chart(_of(rows, headline), f"{headline} on {part}", OURS) if drawn else "",
        "subsets": _chart(given, f"{headline} by inputs given", list(given)[-1]) if drawn and given else "",
        "given": given,
        "folded": len(folded),
        "other_subsets": _chart(folded, f"{headline} by inputs given", "") if drawn else "",
        "worse": worse_lines(metrics, headline),
        "broken": broken_lines(metrics),
        "panels": [Markup(html) for panel in PANELS if (html := panel(data, task))] if drawn else [],
    }


def _ahead(metrics: Mapping[str, Any], headline: str) -> dict[str, Any]:
    """Return the paired difference to the best baseline: the one that is hardest to be ahead of."""
    found = {name: one[headline] for name, one in metrics.get("paired", {}).items() if headline in one}
    hardest = min(found, key=lambda name: found[name]["value"], default=None)
    return {} if hardest is None else {hardest: found[hardest]}


def scored_part(metrics: Mapping[str, Any]) -> str:
    """Return the part that counts: ``test`` where there is one, else ``val``, else whatever there is."""
    parts = [name for name in metrics if name not in NOT_PARTS]
    return next((name for name in ("test", "val", *parts) if name in parts), "")


def score(value: Any) -> str:
    """Format ``{value, low, high}`` as ``0.770 [0.731, 0.806]``."""
    if not isinstance(value, Mapping) or value.get("value") is None:
        return "–"
    return quoted({"low": None, "high": None, **value})


def cell(value: Any) -> str:
    """Return text for Markdown: no tag, no table border, no code span and no line break of its own."""
    text = str(value).replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
    return " ".join(text.split())


def _of(rows: Mapping[str, Any], headline: str) -> dict[str, Any]:
    """Return the metric that decides of each row that has it."""
    return {name: row[headline] for name, row in rows.items() if headline in row}


def _chart(scores: Mapping[str, Any], label: str, chosen: str) -> Markup:
    """Return the interval chart of one metric over named rows, or nothing where fewer than two have it."""
    known = {name: one for name, one in scores.items() if isinstance(one, Mapping) and one.get("value") is not None}
    return Markup(intervals(known, label, chosen)) if len(known) > 1 else Markup("")
