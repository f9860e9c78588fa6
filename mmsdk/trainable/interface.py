"""What a trainable is: the steps of a sequence and a mask of which are there, to one vector a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from mmsdk.options import option_names, refuse_options

if TYPE_CHECKING:
    from torch import Tensor


class Trainable(nn.Module, ABC):
    """One vector from the steps of a sequence, trained with the head.

    A subclass names its options as keyword-only parameters with defaults, and hands what it does not know to
    ``super().__init__``, which refuses it.

    :param dim: length of the vector of a step.
    :param width: length of the answer.
    :raises ConfigError: an option that it does not take.
    """

    each_step: ClassVar[bool] = False
    """Whether it can answer each step, for a fusion that asks for steps; then it has ``forward_steps`` too."""

    def __init__(self, dim: int, width: int, **options: Any) -> None:
        super().__init__()
        self.dim = dim
        self.width = width
        refuse_options(type(self), options, "trainable.options")

    @classmethod
    def option_names(cls) -> set[str]:
        """Return the names of the options that it takes: its keyword-only parameters."""
        return option_names(cls)

    @abstractmethod
    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Answer.

        :param values: ``(b, t, dim)`` floating point, standardised; zeros where a step is not there.
        :param times: ``(b, t)`` seconds from the first step, ascending; what stands where no step is never matters.
        :param present: ``(b, t)`` bool, the steps that are there: the first ones of a row. A row may have none: its
            answer must be finite, and the same whatever else is in the batch.
        :returns: ``(b, width)``.
        """

    def forward_steps(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Answer each step, ``(b, t, width)``, from what ``forward`` is given; only where ``each_step`` is true."""
        raise NotImplementedError(f"{type(self).__name__} does not answer each step")
