"""Why an item was recommended, in the words of the run: ids, inputs, what two items have in common."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.tasks.ranking import Contribution

BANDS = 5
LOOKED_AT = 2000  # items, to say what a band is
SHORT = 40  # characters of a text that two items may have in common
BLOCKS = {
    "content": "alike in {input}",
    "imputed": "items like it in {input} are taken with {item}",
    "behaviour": "taken together",
    "partial": "taken together more than others are",
    "sequel": "taken after it",
    "popularity": "many took it",
    "shortened": "what shorter vectors left out",
}
BORROWED = {  # where nobody took the item, or the one it is told by: what is like it speaks for it
    "imputed": "items like it in {input} are taken with what is like {item}",
    "behaviour": "what is like them is taken together",
    "partial": "what is like them is taken together more than others are",
    "sequel": "what is like it is taken after what is like this",
    "popularity": "many took what is like it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part of a score.

    :param block: ``content`` (alike in ``input``), ``imputed`` (what is like it in ``input`` is taken together with the
        item), ``behaviour`` (taken together), ``partial`` (likewise, beyond what all other items explain), ``sequel``
        (taken after the last item), ``popularity``, or ``shortened``: what is left of the score, since item vectors
        are shorter than all blocks side by side.
    :param source: ``history``, ``said``, ``shown``, ``like``, or empty where it is nobody's doing.
    :param item: the id of the item of the history, or of the one pointed at; ``None`` elsewhere.
    :param value: what it adds to the score; may be below 0.
    :param borrowed: nobody took the item, or the one it is told by: what is like it was taken.
    """

    block: str
    source: str
    input: str
    item: str | None
    value: float
    borrowed: bool = False

    def told(self) -> str:
        """Return the reason in a few words, without its item."""
        words = BORROWED[self.block] if self.borrowed else BLOCKS[self.block]
        return words.format(input=self.input, item=self.item or "what was asked for")

    def as_json(self) -> dict[str, Any]:
        """Return the reason as JSON values."""
        return {
            "block": self.block,
            "source": self.source,
            "input": self.input,
            "item": self.item,
            "value": self.value,
            "borrowed": self.borrowed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why an item has its score: the reasons sum to it.

    :param reasons: largest first.
    :param cold: nobody took the item when the run learned; what is like it speaks for it.
    :param shared: item of the history -> column -> what both have: the same word, or the same band of a number.
    """

    id: str
    score: float
    reasons: tuple[Reason, ...]
    cold: bool = False
    shared: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def by_item(self) -> dict[str, float]:
        """Return what each item of the history, or pointed at, adds in all; largest first."""
        total: dict[str, float] = defaultdict(float)
        for reason in self.reasons:
            if reason.item is not None:
                total[reason.item] += reason.value
        return dict(sorted(total.items(), key=lambda one: -one[1]))

    def told(self, count: int = 2) -> str:
        """Return the reasons in a sentence: the items that add most, how, and what they share with this one."""
        lines = [self._of_item(item) for item, value in list(self.by_item().items())[:count] if value > 0]
        others = [one for one in self.reasons if one.item is None and one.value > 0 and one.block != "shortened"]
        least = 0.2 * sum(abs(one.value) for one in self.reasons)
        lines += [self._other(one) for one in others[:1] if one.value >= least or not lines]
        return "; ".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "told": self.told(),
            "score": self.score,
            "cold": self.cold,
            "reasons": [one.as_json() for one in self.reasons],
            "shared": {item: dict(one) for item, one in self.shared.items()},
        }

    def _of_item(self, item: str) -> str:
        """Return how one item of the history adds to the score."""
        own = [one for one in self.reasons if one.item == item and one.value > 0]
        how = ", ".join(dict.fromkeys(one.told() for one in own[:2]))
        same = ", ".join(f"{column} {value} in both" for column, value in self.shared.get(item, {}).items())
        return f"with {item}: {how}" + (f"; {same}" if same else "")

    def _other(self, reason: Reason) -> str:
        """Return a reason that is no item's."""
        return reason.told() if reason.source == "" else f"what was asked for: {reason.told()}"


def reasons_of(
    parts: Iterable[Contribution],
    history: Sequence[str],
    like: str | None = None,
    *,
    cold: bool = False,
    untaken: Collection[str] = (),
) -> tuple[Reason, ...]:
    """Return contributions with ids in the place of positions.

    :param cold: nobody took the item whose score they are; ``untaken``: ids of the others that nobody took.
    """
    found = []
    for one in parts:
        item = like if one.source == "like" else None if one.item is None else history[one.item]
        by_others = item in untaken or (cold and one.block != "imputed")
        found.append(
            Reason(
                block=one.block,
                source=one.source,
                input=one.input,
                item=item,
                value=one.value,
                borrowed=one.block in BORROWED and by_others,
            )
        )
    return tuple(found)


class Shared:
    """What two rows of one application have in common, in columns that the model reads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._edges: dict[str, np.ndarray] | None = None

    def of(self, row: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
        """Return column -> what both rows have: the same short text, or a number of the same fifth of the catalogue."""
        found = {}
        for column, modality in self._columns():
            mine, theirs = row.get(column), other.get(column)
            if mine is None or theirs is None:
                continue
            if modality == "number":
                band = self._band(column, mine)
                if band and band == self._band(column, theirs):
                    found[column] = band
            elif str(mine).casefold() == str(theirs).casefold() and 0 < len(str(mine)) <= SHORT:
                found[column] = str(mine)
        return found

    def _columns(self) -> list[tuple[str, str]]:
        """Return the columns that may be told, and the modality of each."""
        inputs = self._app.application.inputs.values()
        told = {"text", "category", "tags", "number"}
        return [(column, entry.kind) for entry in inputs if entry.kind in told for column in entry.columns]

    def _band(self, column: str, value: Any) -> str:
        """Return the fifth of the catalogue that a number lies in; nothing where it is no number."""
        number, edges = _number(value), self._bands().get(column)
        if number is None or edges is None:
            return ""
        place = int(np.clip(np.searchsorted(edges, number, "right") - 1, 0, BANDS - 1))
        return f"{edges[place]:.4g} to {edges[place + 1]:.4g}"

    def _bands(self) -> dict[str, np.ndarray]:
        """Return the edges of the fifths of each column of numbers, of a sample; computed once."""
        if self._edges is None:
            ids = self._app.index.ids()
            rows = self._app.index.rows(ids[:: max(1, len(ids) // LOOKED_AT)])
            edges = {}
            for column, modality in self._columns():
                numbers = [one for row in rows if (one := _number(row.get(column))) is not None]
                if modality == "number" and len(set(numbers)) > BANDS:
                    edges[column] = np.quantile(numbers, np.linspace(0, 1, BANDS + 1))
            self._edges = edges
        return self._edges


def _number(value: Any) -> float | None:
    """Return a cell as a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None
