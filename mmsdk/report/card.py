"""The model card: the same figures as Markdown, for a repository or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.report.page import environment, task_view

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData


def render_card(data: ReportData) -> str:
    """Return ``card.md``."""
    return (
        environment()
        .get_template("card.md.j2")
        .render(data=data, tasks=[task_view(data, task, drawn=False) for task in data.metrics])
    )
