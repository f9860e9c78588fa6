"""What kind of task a column of answers is: labels, several labels a cell, or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.data.naming import column_words

if TYPE_CHECKING:
    from mmsdk.data.profile import Profile

SEPARATORS = ("|", ";", ",", "、", "；", "，")
MOST_CLASSES = 1000


def task_kind(found: Profile) -> dict[str, Any] | None:
    """Return the type of a task, or None where the column cannot be learned."""
    texts = [cell for cell in found.sample if isinstance(cell, str)]
    for separator in SEPARATORS:
        several = sum(separator in text for text in texts)
        parts = {part.strip() for text in texts for part in text.split(separator)}
        if (
            several >= 0.2 * max(len(texts), 1)
            and several
            and max(map(len, parts)) < 40
            and len(parts) < len(set(texts))
        ):
            return {"type": "multilabel", **({"separator": separator} if separator != "|" else {})}
    if (
        found.numeric
        and "id" not in column_words(found.name)
        and (not found.whole or found.distinct > max(20, found.filled / 10))
    ):
        return {"type": "regression"}
    return {"type": "classification"} if found.distinct <= min(MOST_CLASSES, found.filled / 2) else None
