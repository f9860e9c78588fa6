"""What ``auto`` compared, as the page draws it: every candidate on the rows that judged, and the one taken."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted
from mmsdk.report.intervals import intervals

if TYPE_CHECKING:
    from mmsdk.report.contents import ReportData

ROWS = {"validation": "the validation rows", "folds": "folds of the training and validation rows"}


def choice_panel(data: ReportData, task: str) -> str:
    """Return the candidates with their scores and what each took to learn."""
    compared, choice = data.metrics[task].get("choice", {}), data.run.get("choice")
    if not compared or choice is None:
        return ""
    headline = data.headline[task]
    scores = {name: one[headline] for name, one in compared.items() if headline in one}
    chart = intervals(scores, f"{headline} by candidate", choice["chosen"]) if len(scores) > 1 else ""
    rows = "".join(_row(name, one, choice) for name, one in scores.items())
    rest = ", ".join(choice["left_out"])
    missed = f"<p>Not tried, since the budget was spent: {escape(rest)}.</p>" if rest else ""
    return (
        "<h3>What auto compared</h3>"
        f'<p class="soft">Fusion and head, learned alike and judged on {ROWS[choice["judged_by"]]}, never on the rows '
        f"scored above. Of those no worse than the best by more than its noise the first was taken: "
        f"<strong>{escape(choice['chosen'])}</strong>. The figures of a choice flatter what was chosen.</p>"
        f'{chart}<div class="wide"><table><tr><th></th><th>{escape(headline)}</th>'
        f"<th>seconds</th></tr>{rows}</table></div>{missed}"
    )


def _row(name: str, one: dict[str, Any], choice: dict[str, Any]) -> str:
    """Return a candidate's row."""
    mark = ' class="ours"' if name == choice["chosen"] else ""
    return f"<tr{mark}><td>{escape(name)}</td><td>{quoted(one)}</td><td>{choice['seconds'][name]:.1f}</td></tr>"
