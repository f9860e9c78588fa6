"""The trainable ``transformer``: attention over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.trainable.interface import Trainable

if TYPE_CHECKING:
    from torch import Tensor


class Transformer(Trainable):
    """Placeholder until its author writes it."""

    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Answer."""
        raise NotImplementedError
