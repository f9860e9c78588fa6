"""Whose vectors are kept where: one space per encoder and precision, and what a vector in it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

Precision = Literal["fp16", "fp32"]
DTYPES: Mapping[str, np.dtype[Any]] = {"fp16": np.dtype("<f2"), "fp32": np.dtype("<f4")}
ENTRY_BYTES = 100  # what one entry costs in the SQLite index, measured at 200,000
NOWHERE = 0  # the segment of an input whose decoded sample is nothing: known, and without a vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where the vectors of one encoder are kept apart from all others.

    :param fingerprint: of the encoder and of what decodes its inputs.
    :param dim: length of a vector.
    :param precision: ``"fp16"`` or ``"fp32"``; vectors of both may be kept side by side.
    :param name: of the encoder, for people.
    """

    fingerprint: str
    dim: int
    precision: Precision = "fp16"
    name: str = ""

    @property
    def size(self) -> int:
        """Bytes of one vector."""
        return self.dim * DTYPES[self.precision].itemsize
