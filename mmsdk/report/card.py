"""The model card: the same figures as Markdown, for a repository or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.report.efficiency import cost_rows
from mmsdk.report.page import environment, task_view
from mmsdk.report.slices import slice_rows
from mmsdk.report.use import use_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.report.contents import ReportData


def render_card(data: ReportData) -> str:
    """Return ``card.md``."""
    return (
        environment()
        .get_template("card.md.j2")
        .render(
            data=data,
            tasks=[{**task_view(data, task, drawn=False), "slices": slice_rows(data, task)} for task in data.metrics],
            use=use_lines(data.run),
            columns=data.run.get("data", {}).get("understood", ()),
            cost=dict(cost_rows(data.run)),
            versions=_versions(data.run),
        )
    )


def _versions(run: Mapping[str, Any]) -> dict[str, str]:
    """Return what made the run: the core, its plugins and that of the recipe, and the libraries."""
    recipe = run.get("recipe")
    own = {} if not recipe else {recipe["plugin"]: recipe["version"]}
    own |= run.get("plugins", {})
    core = {"mmsdk": run["mmsdk"]} if "mmsdk" in run else {}
    return {**core, **own, **run.get("versions", {})}
