"""The one number of an answer that is explained: the probability of a label, its log-odds, or the number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.explain.explanation import Unit
    from mmsdk.protocols import Output

Rows = Mapping[str, np.ndarray]
Score = Callable[[Rows, Rows], np.ndarray]
"""Vectors ``(n, d)`` by input and presence ``(n,)`` by input to ``(n,)`` float64."""
Answers = Callable[[Rows, Rows], "Sequence[Output]"]
"""The same to calibrated answers of one task, no rule applied."""

SCALES = ("probability", "log-odds")
FLOOR = 1e-9  # probabilities nearer to 0 or 1 have the log-odds of this


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is explained of a row.

    :param label: ``None`` of a number.
    :param score: of that label, or the number.
    """

    label: str | None
    unit: Unit
    score: Score

    def under(self, answers: Answers) -> Score:
        """Return the same score of other answers, such as those of another network."""
        return _score(answers, self.label, self.unit)


def explained_answer(answers: Answers, output: Output, *, label: str | None = None, scale: str = SCALES[0]) -> Answered:
    """Return what is to be explained of an answer.

    :param output: the answer of the row; an abstained one, or one of several labels, is explained for its likeliest.
    :param label: another label to explain.
    :param scale: ``probability`` or ``log-odds``.
    :raises ConfigError: no such label or scale, a label of a number, or a task that answers neither.
    """
    if scale not in SCALES:
        raise ConfigError(unknown("scale", scale, SCALES))
    if output.probabilities:
        chosen = label if label is not None else _answered(output)
        if chosen not in output.probabilities:
            raise ConfigError(unknown("label", chosen, output.probabilities))
        unit: Unit = "probability" if scale == "probability" else "log-odds"
        return Answered(label=chosen, unit=unit, score=_score(answers, chosen, unit))
    if label is not None:
        raise ConfigError(f"label {label!r}: the answer is a number and has no labels; leave the label out")
    if isinstance(output.value, bool) or not isinstance(output.value, int | float):
        raise ConfigError(
            f"the answer is a {type(output.value).__name__} without probabilities, and an explanation needs "
            "probabilities or a number"
        )
    return Answered(label=None, unit="number", score=_score(answers, None, "number"))


def _score(answers: Answers, label: str | None, unit: Unit) -> Score:
    """Return the score: the number, the probability of a label, or its log-odds."""

    def score(values: Rows, present: Rows) -> np.ndarray:
        outputs = answers(values, present)
        found = [one.value if label is None else one.probabilities[label] for one in outputs]
        numbers = np.array(found, dtype=np.float64)
        return _odds(numbers) if unit == "log-odds" else numbers

    return score


def score_of(output: Output, answer: Output) -> float:
    """Return what an output gives to the label that another one answered; the number where there are no labels."""
    return output.probabilities[_answered(answer)] if answer.probabilities else float(output.value)


def _answered(output: Output) -> str:
    """Return the answered label; the likeliest one where there is none, or several."""
    value: Any = output.value
    if isinstance(value, str) and value in output.probabilities:
        return value
    return max(output.probabilities, key=lambda name: output.probabilities[name])


def _odds(chances: np.ndarray) -> np.ndarray:
    """Return log-odds, kept finite."""
    kept = np.clip(chances, FLOOR, 1 - FLOOR)
    odds: np.ndarray = np.log(kept) - np.log1p(-kept)
    return odds
