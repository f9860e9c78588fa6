"""What a fusion is: tokens of the inputs and a mask of which are present, to one vector a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from mmsdk.options import option_names, refuse_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor


class Fusion(nn.Module, ABC):
    """One fused vector from the tokens of several inputs, any of which may be absent.

    A subclass names its options as keyword-only parameters with defaults, and hands what it does not know to
    ``super().__init__``, which refuses it::

        class MeanFusion(Fusion):
            def forward(self, tokens, present):
                shares = present.float() / present.sum(1, keepdim=True).clamp_min(1)
                return (tokens * shares[:, :, None]).sum(1)

    :param inputs: names of the application's inputs, in the order of the tokens.
    :param dim: length of every token and of the fused vector.
    :raises ConfigError: an option that the fusion does not take.
    """

    steps: ClassVar[bool] = False
    """Whether the fusion asks for the steps of sequences; then it is a :class:`mmsdk.StepFusion`."""

    one_space: ClassVar[bool] = True
    """Whether rows that are alike lie near each other whatever inputs they have; ``training.match`` needs it."""

    def __init__(self, inputs: Sequence[str], dim: int, **options: Any) -> None:
        super().__init__()
        self.inputs = tuple(inputs)
        self.dim = dim
        refuse_options(type(self), options, "fusion.options")

    @classmethod
    def option_names(cls) -> set[str]:
        """Return the names of the options that this fusion takes: its keyword-only parameters."""
        return option_names(cls)

    @classmethod
    def members(cls, inputs: Sequence[str], width: int, count: int, **options: Any) -> list[Fusion]:
        """Return the fusions of the ``count`` members of a network, each of ``width``: all of this class."""
        return [cls(inputs, width, **options) for _ in range(count)]

    def extra_repr(self) -> str:
        """Show the options that are kept under their names; what is shown here tells one training from another."""
        kept = ((name, getattr(self, name, None)) for name in sorted(self.option_names()))
        return ", ".join(f"{name}={one}" for name, one in kept if isinstance(one, int | float | str))

    @abstractmethod
    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse.

        :param tokens: ``(b, m, dim)`` floating point; the token of an absent input holds zeros, never its values.
        :param present: ``(b, m)`` bool. A row may have no input at all: its answer must be finite, and the same
            whatever else is in the batch.
        :returns: ``(b, dim)``.
        """

    def head(self, make: Callable[[int], nn.Module]) -> nn.Module:
        """Return the head of a task on this fusion's vectors: the task's own, ``make(dim)``, unless it has another.

        A head answers ``(b, width)``, and in training it may answer ``(k, b, width)``, each judged by itself.
        """
        return make(self.dim)

    def attention(self, tokens: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Return where the fusion looks in a row, by the word for it: weights ``(b, m)``, 0 where an input is absent.

        An input that cannot be looked at has NaN. ``mmsdk explain`` shows them under that name, never as evidence.
        Nothing by default.

        :param tokens: ``(b, m, dim)``, and ``present`` ``(b, m)``, as ``forward`` takes them.
        """
        return {}

    def readings(self) -> dict[str, float]:
        """Return what the fusion lets one read of itself, such as a strength it has learned; nothing by default.

        The mean over the members is written to ``run.json`` and stands in the report.
        """
        return {}


def mean_attention(looked: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return word -> weights ``(b, m)``, the mean over the fusions that have the word."""
    names = dict.fromkeys(name for one in looked for name in one)
    return {name: torch.stack([one[name] for one in looked if name in one]).mean(0) for name in names}


def blank_absent(tokens: Tensor, present: Tensor) -> Tensor:
    """Return tokens with zeros wherever ``present`` (their shape but the last axis) is false; NaN may lie there."""
    return torch.where(present[..., None], tokens, torch.zeros((), dtype=tokens.dtype, device=tokens.device))
