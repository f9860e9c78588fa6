"""The recipe's sections of the report: what a newcomer sees, and whom items that nobody took would be shown to."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk import picture_data_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN = 8
USERS = 200
ANSWERS = 20
CAPTION = 60
RARELY = 2


def newcomer(app: Any) -> Iterator[tuple[str, str]]:
    """Yield what is recommended to somebody of whom nothing is known."""
    hits = app.recommend(k=SHOWN)
    cards = [_card(app, hit.id, hit.row) for hit in hits]
    if cards:
        yield "For a newcomer", "<p>Nothing is known of this user: the order is by what many took.</p>" + _row(cards)


def untouched(app: Any) -> Iterator[tuple[str, str]]:
    """Yield the items that nobody took (else those that hardly anybody took), by how many users would meet them."""
    histories = app.histories()
    taken = Counter(item for history in histories.values() for item in set(history))
    limit = 0 if len(taken) < len(app.index) else RARELY
    rare = {item for item in app.index.ids() if taken[item] <= limit}
    if not rare:
        return
    asked = list(histories.values())[-USERS:]
    met = Counter(hit.id for history in asked for hit in app.recommend(history, k=ANSWERS) if hit.id in rare)
    words = "by nobody" if limit == 0 else f"by {limit} users at most"
    text = (
        f"<p>{len(rare):,} items were taken {words}. {len(met):,} of them stand among the first {ANSWERS} "
        f"recommendations of somebody ({len(asked):,} users looked at), for what they look and read like.</p>"
    )
    best = met.most_common(SHOWN)
    rows = app.index.rows([item for item, _ in best])
    cards = [
        _card(app, item, row, f"shown to {count} of {len(asked)} users")
        for (item, count), row in zip(best, rows, strict=True)
    ]
    yield ("What nobody has taken yet" if limit == 0 else "What hardly anybody has taken"), text + _row(cards)


def _card(app: Any, item: str, row: Mapping[str, Any], note: str = "") -> str:
    """Return one item as HTML: its picture, its id, the first words of its texts."""
    columns = [
        column for entry in app.application.inputs.values() if entry.modality == "text" for column in entry.columns
    ]
    words = " · ".join(str(row[column]) for column in columns if row.get(column))
    words = words if len(words) <= CAPTION else words[: CAPTION - 1] + "…"
    picture = picture_data_uri(app, row)
    image = (
        f'<img src="{picture}" alt="{escape(item)}" loading="lazy">'
        if picture
        else '<div class="none">no picture</div>'
    )
    below = f'<br><span class="soft">{escape(note)}</span>' if note else ""
    return f"<figure>{image}<figcaption><strong>{escape(item)}</strong><br>{escape(words)}{below}</figcaption></figure>"


def _row(cards: list[str]) -> str:
    """Return cards beside each other."""
    return f'<div class="row">{"".join(cards)}</div>' if cards else ""
