"""The lines of windows to answers: at once, or, where a run measures people within themselves, when all is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmsdk import Company
from mmsdk_recipe_emotion.reading import NOBODY, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A window that was seen and is to be answered.

    :param seen: what the run embedded of its lines.
    :param places: which of ``readings`` the rows of ``seen`` answer.
    """

    readings: tuple[Reading, ...]
    seen: Any
    places: tuple[int, ...]


class Answering:
    """Takes the lines of a window, gives them back with what a run says of each.

    :param app: the run; one with a ``within`` measures a person against that person's own windows.
    :param weight: what a window counts of a row: those that overlap share what they show.
    :param whole: wait for the end, and measure against all of a recording; of no use, and not done, without ``within``.
    :param faces: lines are faces; else what belongs to no face is one voice, or one picture, throughout.
    """

    def __init__(self, app: Any, *, weight: float, whole: bool, faces: bool) -> None:
        self._company = Company(app, weight=weight)
        self._nobody = None if faces else str(NOBODY)
        self._kept: list[Asked] | None = [] if whole and self._company.inputs else None

    def take(self, readings: Sequence[Reading], rows: Sequence[Mapping[str, Any]]) -> list[Reading]:
        """Take the lines of a window; return those that are answered now.

        :param rows: samples by input, one for each reading; empty where there is nothing to answer from.
        """
        places = tuple(place for place, row in enumerate(rows) if row)
        groups = [self._group(readings[place].person) for place in places]
        asked = Asked(tuple(readings), self._company.see([rows[place] for place in places], groups), places)
        if self._kept is None:
            return self._answered(asked)
        self._kept.append(asked)
        return []

    def finish(self) -> list[Reading]:
        """Return the lines that waited."""
        return [reading for asked in self._kept or () for reading in self._answered(asked)]

    def _answered(self, asked: Asked) -> list[Reading]:
        """Return lines with the run's answers."""
        found = list(asked.readings)
        for place, answer in zip(asked.places, self._company.answer(asked.seen), strict=True):
            if answer.modalities_used:
                own = self._company.rows(self._group(found[place].person))
                found[place] = _with_answer(found[place], answer, own)
        return found

    def _group(self, person: int) -> str | None:
        """Return whose windows a line is measured within; ``None`` where nobody knows."""
        return self._nobody if person == NOBODY else str(person)


def _with_answer(reading: Reading, answer: Any, own: Mapping[str, int]) -> Reading:
    """Return a reading with what the run says."""
    output = answer.outputs["emotion"]
    return replace(
        reading,
        probabilities=dict(output.probabilities),
        prediction_set=tuple(map(str, output.prediction_set)),
        abstained=bool(output.abstained),
        novelty=output.novelty,
        used=tuple(answer.modalities_used),
        own={name: count for name, count in own.items() if name in answer.modalities_used},
    )
