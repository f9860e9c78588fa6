"""What a trainable is: the steps of a sequence and a mask of which are there, to one vector a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from torch import nn

from mmsdk.errors import ConfigError, did_you_mean

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

    def __init__(self, dim: int, width: int, **options: Any) -> None:
        super().__init__()
        self.dim = dim
        self.width = width
        if options:
            name = sorted(options)[0]
            known = sorted(self.option_names())
            raise ConfigError(
                f"trainable.options: {type(self).__name__} takes no option named {name!r}.{did_you_mean(name, known)} "
                f"Known: {', '.join(known) or 'none'}"
            )

    @classmethod
    def option_names(cls) -> set[str]:
        """Return the names of the options that it takes: its keyword-only parameters."""
        import inspect

        parameters = inspect.signature(cls.__init__).parameters.values()
        return {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}

    @abstractmethod
    def forward(self, values: Tensor, times: Tensor, present: Tensor) -> Tensor:
        """Answer.

        :param values: ``(b, t, dim)`` floating point, standardised; zeros where a step is not there.
        :param times: ``(b, t)`` seconds from the first step, ascending; what stands where no step is never matters.
        :param present: ``(b, t)`` bool, the steps that are there: the first ones of a row. A row may have none: its
            answer must be finite, and the same whatever else is in the batch.
        :returns: ``(b, width)``.
        """
