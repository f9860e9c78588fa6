"""What ``predict`` gives for one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
