"""What ``predict`` gives for one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsdk.explain.explanation import plain_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.protocols import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answers for one row.

    :param outputs: task -> :class:`mmsdk.Output`.
    :param modalities_used: names of the inputs that were present.
    """

    outputs: Mapping[str, Output]
    modalities_used: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, for a service to answer with; an end of an interval that is open is null."""
        return {"outputs": plain_values(self.outputs), "modalities_used": list(self.modalities_used)}
