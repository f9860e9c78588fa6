"""The trainable ``steps``: each step projected by itself, for a fusion that reads sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from mmsdk.trainable.interface import Trainable
from mmsdk.trainable.steps import present_steps

if TYPE_CHECKING:
    from torch import Tensor


class EachStep(Trainable):
    """One linear layer on every step, and nothing between them: what they are together is left to the fusion.

    A fusion that asks for steps (``bottleneck``, ``convolution``, ``cross-attention``, ``transformer``) gets them with
    their times; any other gets their mean.
    """

    each_step: ClassVar[bool] = True

    def __init__(self, dim: int, width: int, **options: Any) -> None:
        super().__init__(dim, width, **options)
        self.project = nn.Linear(dim, width)

    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Turn ``(b, t, dim)`` into the projection of the mean step, ``(b, width)``; ``times`` are not read."""
        values, _, present = present_steps(values, times, present)
        answer: Tensor = self.project(values.sum(1) / present.sum(1, keepdim=True).clamp_min(1))
        return answer

    def forward_steps(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Turn ``(b, t, dim)`` into ``(b, t, width)``."""
        answer: Tensor = self.project(present_steps(values, times, present)[0])
        return answer
