"""What ``predict`` gives for one row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsdk.errors import some
from mmsdk.explain.explanation import plain_values
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.errors import Problem
    from mmsdk.protocols import Output

NAMED = 6  # inputs that a line names


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answers for one row.

    :param outputs: task -> :class:`mmsdk.Output`.
    :param modalities_used: names of the inputs that were present; empty where the row held none, and the answers are
        what training says blindly.
    """

    outputs: Mapping[str, Output]
    modalities_used: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, for a service to answer with; an end of an interval that is open is null."""
        return {"outputs": plain_values(self.outputs), "modalities_used": list(self.modalities_used)}


def tell_passed_over(problems: Sequence[Problem], *, quiet: bool = False) -> None:
    """Say of how many cells, and of which columns, ``on_bad_row="skip"`` made missing ones."""
    if problems:
        rows = len({one.row for one in problems})
        columns = Counter(one.column or "?" for one in problems).most_common()
        counts = some([f"{name} {count}" for name, count in columns], NAMED)
        cells = f"{len(problems)} cell{'s' * (len(problems) > 1)} in {rows} row{'s' * (rows > 1)}"
        note(f"{cells} could not be used and were passed over: {counts}", quiet)


def told_blind(blind: int, rows: int, inputs: Sequence[str]) -> str:
    """Return a line about rows that hold no input; empty where there are none."""
    if not blind:
        return ""
    return f"{blind} of {rows} rows hold none of the inputs ({some(inputs, NAMED)}): an answer there is a blind guess"
