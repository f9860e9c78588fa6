"""The recipe's part of the report: what is answered, what goes to a person, and what the door kept."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def sections(app: Any) -> Iterator[tuple[str, str]]:
    """Yield who decides what, by the held-out rows, and what became of columns that name people."""
    metrics = json.loads((app.folder / "metrics.json").read_text(encoding="utf-8"))
    for task, found in metrics.items():
        lines = list(_decided(app, found))
        if lines:
            yield f"{task}: who decides", "".join(f"<p>{line}</p>" for line in lines)
    yield "At the door", _door(app)


def _decided(app: Any, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences for somebody who decides on the use of it."""
    confidence = found.get("confidence", {})
    answered = confidence.get("answered", {})
    abstain = app.application.confidence.abstain
    if abstain is not None and abstain.error is not None:
        yield (
            f"Chosen risk: of the answers given, no more than {abstain.error:.0%} may be wrong (with 90 % certainty, "
            "for cases like those it was made with). A case beyond it goes to a person, without an answer."
        )
    if "share" in answered:
        share = answered["share"]
        yield f"Of {share['n']} held-out cases {_interval(share)} were answered; the rest goes to a person."
    if answered.get("error", {}).get("n"):
        yield f"Of the {answered['error']['n']} answered, {_interval(answered['error'])} were wrong."
    sets = confidence.get("sets")
    if sets:
        yield (
            f"The set of possible labels held the truth in {_interval(sets['coverage'])} of the cases "
            f"({confidence['target']:.0%} asked), with {sets['size']['value']:.1f} labels on average."
        )
    for note in confidence.get("notes", ()):
        yield f'<span class="bad">{escape(note)}</span>'
    rules = found.get("rules")
    if rules:
        hits = ", ".join(f"{escape(name)} ({count})" for name, count in rules["fired"].items() if count)
        yield f"Floors that fired on held-out cases: {hits or 'none'}. Where one fires, no answer is below it."


def _interval(one: Mapping[str, Any]) -> str:
    """Return ``12 % [8 %, 17 %]``; the share alone where one case has no interval."""
    if one["low"] is None:
        return f"{one['value']:.0%}"
    return f"{one['value']:.0%} [{one['low']:.0%}, {one['high']:.0%}]"


def _door(app: Any) -> str:
    """Return what happened to columns that say who somebody is, as HTML."""
    privacy = app.application.privacy
    if privacy is None:
        return "<p>Nothing was taken out.</p>"
    told = [(column, "taken out: in no input, index, answer, page or log") for column in privacy.drop]
    told += [(column, "numbered: it only holds the cases of one patient together") for column in privacy.number]
    told += [(column, f"numbers above {highest:g} are {highest:g}") for column, highest in privacy.cap.items()]
    told += [(column, f"covered in the text: {', '.join(words)}") for column, words in privacy.mask.items()]
    told += [(column, "addresses, dates and long numbers covered") for column in privacy.contacts]
    told += [(column, f"what {', '.join(others)} of its row hold, covered") for column, others in privacy.own.items()]
    columns: dict[str, list[str]] = {}
    for column, what in told:
        columns.setdefault(what, []).append(column)
    rows = "".join(f"<tr><td>{escape(', '.join(of))}</td><td>{escape(what)}</td></tr>" for what, of in columns.items())
    words = (
        "<p>Columns that look as if they say who somebody is, by their names or cells, and codes that nothing reads. "
        "The patient's own name and numbers, as those columns hold them, are covered in all that stays too. What was "
        "not recognised, other people's names, names in file names, and text burnt into pictures were not looked "
        "for.</p>"
    )
    return f'{words}<div class="wide"><table><tr><th>columns</th><th></th></tr>{rows}</table></div>'
