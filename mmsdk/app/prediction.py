"""What ``predict`` gives for one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmsdk.protocols import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answers for one row.

    :param outputs: task -> :class:`mmsdk.Output`.
    :param modalities_used: names of the inputs that were present.
    """

    outputs: Mapping[str, Output]
    modalities_used: tuple[str, ...]
