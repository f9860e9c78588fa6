"""What ``predict`` gives for one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsdk.errors import some
from mmsdk.explain.explanation import plain_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def told_blind(blind: int, rows: int, inputs: Sequence[str]) -> str:
    """Return a line about rows that hold no input; empty where there are none."""
    if not blind:
        return ""
    return f"{blind} of {rows} rows hold none of the inputs ({some(inputs, NAMED)}): an answer there is a blind guess"
