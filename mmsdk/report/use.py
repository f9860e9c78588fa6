"""What a run may be used for, and what not: the words of the recipe's card, else those that hold for any run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TITLES = {"intended": "Intended use", "not_for": "Not for", "data": "Data it was made for", "limits": "Limits"}
ANY_RUN: Mapping[str, Sequence[str]] = {
    "intended": ("Ranking, sorting and searching rows like the training rows, with a person who can overrule it.",),
    "not_for": ("Decisions about people that the law reserves to people.",),
    "limits": (
        "The figures hold for rows drawn like the scored ones. Rows of another time, shop, camera or language need a "
        "new evaluation (mmsdk evaluate).",
        "The encoders are frozen and carry whatever their authors' data taught them.",
    ),
}


def use_lines(run: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return heading -> sentences: the recipe's, what any run says where it is silent, limits of both."""
    card: Mapping[str, Sequence[str]] = run.get("card") or {}
    found: dict[str, Sequence[str]] = {}
    for key, title in TITLES.items():
        own, general = tuple(card.get(key, ())), tuple(ANY_RUN.get(key, ()))
        sentences = (*own, *general) if key == "limits" else own or general
        if sentences:
            found[title] = sentences
    return found


def use_sections(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the section about use and limits."""
    parts = [
        f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>"
        for title, sentences in use_lines(run).items()
    ]
    yield "Use and limits", "".join(parts)


def column_sections(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the section that says what became of each column of the table."""
    columns = run.get("data", {}).get("understood", ())
    if columns:
        rows = "".join(
            f"<tr><td>{escape(one['column'])}</td><td>{escape(one['role'])}</td><td>{escape(one['why'])}</td></tr>"
            for one in columns
        )
        head = "<tr><th>column</th><th>read as</th><th>why</th></tr>"
        yield "How the columns were read", f'<table class="words">{head}{rows}</table>'
