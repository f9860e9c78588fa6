"""Late fusion: each input answers by itself, and the calibrated answers are stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.fusion.interface import Fusion, blank_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


class LateFusion(Fusion):
    """The tokens of the inputs side by side, each shortened to its share of the vector; zeros where one is absent.

    What makes it late is its :class:`LateHead`. Since each input has a part of the vector to itself, a photo and a text
    do not lie near each other there: ``training.match`` has nothing to tie together and is left out.

    :raises ConfigError: the width of a member is less than the number of inputs.
    """

    one_space: ClassVar[bool] = False

    def __init__(self, inputs: Sequence[str], dim: int, **options: Any) -> None:
        super().__init__(inputs, dim, **options)
        count = len(self.inputs)
        if dim < count:
            raise ConfigError(
                f"fusion.dim: late gives each of {count} inputs its part of the {dim} values a member has; raise "
                "fusion.dim, or lower fusion.members"
            )
        self.size = dim // count
        self.shorten = nn.Parameter(torch.randn(count, dim, self.size) / dim**0.5)
        self.start = nn.Parameter(0.02 * torch.randn(count, 1, self.size))

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse ``(b, m, dim)`` and ``(b, m)`` to ``(b, dim)``."""
        given = blank_absent(tokens, present).transpose(0, 1)
        short = torch.baddbmm(self.start, given, self.shorten).transpose(0, 1)
        side_by_side = blank_absent(short, present).flatten(1)
        return nn.functional.pad(side_by_side, (0, self.dim - side_by_side.shape[1]))

    def head(self, make: Callable[[int], nn.Module]) -> nn.Module:
        """Return heads of one input each, and their stack."""
        return LateHead([make(self.size) for _ in self.inputs], self.size)


class LateHead(nn.Module):
    """One head an input, each trained by its own loss, and the stack of their answers in use.

    With ``z_i`` the logits of input ``i``, ``k`` the number of inputs that are present, all sums over these, and ``a``
    the softmax of ``weights``, the answer is ``k ** trust * sum(a_i z_i / temperature_i)``: at ``trust`` 0 the mean of
    the calibrated logits, a geometric mean of posteriors, which is right where the inputs say the same; at 1 their sum,
    which is right where they err independently (Hinton 2002, Neural Computation 14(8), products of experts). The
    inputs' own losses do not teach these numbers, nor the stack the heads: they are settled on the validation rows when
    the heads have learned, see :func:`mmsdk.train.settling.settle_heads`. Without validation rows they stay 1, equal
    and 0. A row without any input gets the mean of what the heads answer to nothing.

    :param heads: one for each input.
    :param size: length of each input's part of the fused vector; an input whose part is all zeros is absent.
    """

    log_temperature: Tensor
    weights: Tensor
    trust: Tensor

    def __init__(self, heads: Sequence[nn.Module], size: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.size = size
        self.register_buffer("log_temperature", torch.zeros(len(self.heads)))
        self.register_buffer("weights", torch.zeros(len(self.heads)))
        self.register_buffer("trust", torch.zeros(1))

    def own(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Return each input's logits ``(b, m, width)`` to fused vectors ``(b, dim)``, and which are present."""
        count = len(self.heads)
        parts = vector[:, : count * self.size].view(len(vector), count, self.size)
        answers = [head(part) for head, part in zip(self.heads, parts.unbind(1), strict=True)]
        return torch.stack(answers, dim=1), (parts != 0).any(2)

    def forward(self, vector: Tensor) -> Tensor:
        """Return the stacked logits ``(b, width)``; in training ``(m, b, width)``, each input's own.

        There the stack, without a gradient, stands in for an input that is absent.
        """
        own, here = self.own(vector)
        stacked = stack_answers(own, here, self.log_temperature, self.weights, self.trust)
        if not self.training:
            return stacked
        return torch.where(here[:, :, None], own, stacked.detach()[:, None]).transpose(0, 1)

    def readings(self, inputs: Sequence[str]) -> dict[str, float]:
        """Return the weight and the temperature of each input, and how far the sum is trusted."""
        shares, heat = self.weights.softmax(0).tolist(), self.log_temperature.exp().tolist()
        found = {f"weight of {name}": one for name, one in zip(inputs, shares, strict=True)}
        found |= {f"temperature of {name}": one for name, one in zip(inputs, heat, strict=True)}
        return found | {"trust": float(self.trust)}


def stack_answers(own: Tensor, here: Tensor, log_temperature: Tensor, weights: Tensor, trust: Tensor) -> Tensor:
    """Return the stack ``(b, width)`` of logits ``(b, m, width)`` of the inputs that are ``here`` ``(b, m)``."""
    counted = here | ~here.any(1, keepdim=True)
    shares = weights.expand(len(here), -1).masked_fill(~counted, -torch.inf).softmax(1)
    level = counted.sum(1, keepdim=True).to(own.dtype) ** trust
    cooled = own * (-log_temperature).exp()[:, None]
    return level * (shares[:, :, None] * cooled).sum(1)
