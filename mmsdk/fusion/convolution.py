"""Convolution over sequences that share a clock: what happens at the same time is read together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.interface import blank_absent
from mmsdk.fusion.steps import StepFusion, Steps, mean_step
from mmsdk.options import choice_option, count_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class ConvolutionFusion(StepFusion):
    """1-D convolutions over the sequences of all inputs, laid on one grid of times (Bai et al. 2018, arXiv:1803.01271).

    The grid runs from the first step of a row to the last of its longest sequence. On it each sequence is read by
    linear interpolation between its steps; beyond its last step it is absent, and a mask beside its values says so. An
    input of one step, such as a vector, stands at every time. The convolutions read all inputs at once; mean and
    maximum over the grid are the answer. Sequences count from their own first step: they align where they began
    together.

    :param grid: how many times the grid has.
    :param kernel: neighbouring times that one convolution reads; odd.
    :param layers: how many convolutions; each looks twice as far as the one before, and but for the first adds to what
        came in.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        dim: int,
        *,
        grid: int = 32,
        kernel: int = 3,
        layers: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(inputs, dim, **options)
        self.grid = count_option("fusion.options.grid", grid, 2, 1024)
        self.kernel = choice_option("fusion.options.kernel", kernel, range(1, 32, 2))
        width = len(self.inputs) * (dim + 1)
        count_option("fusion.options.layers", layers, 1, 12)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(
                width if n == 0 else dim,
                dim,
                kernel,
                dilation=2**n,
            )
            for n in range(layers)
        )
        self.mix = nn.Linear(2 * dim, dim)

    def fuse_steps(self, inputs: Sequence[Steps]) -> Tensor:
        """Fuse the steps of each input to ``(b, dim)``."""
        laid, there = self._lay(inputs)
        hidden = laid.transpose(1, 2)
        for n, convolve in enumerate(self.convolutions):
            found = nn.functional.gelu(convolve(longer(hidden, 2**n * (self.kernel // 2))))
            hidden = found if n == 0 else hidden + found
        steps = hidden.transpose(1, 2)
        highest = steps.amax(1)
        highest = torch.where(there.any(1)[:, None], highest, torch.zeros_like(highest))
        fused: Tensor = self.mix(torch.cat([mean_step(steps, there), highest], dim=1))
        return fused

    def _lay(self, inputs: Sequence[Steps]) -> tuple[Tensor, Tensor]:
        """Return all inputs on the grid ``(b, g, m * (dim + 1))``, and where any is there ``(b, g)``."""
        clean = [one.blanked() for one in inputs]
        still = all(one.values.shape[1] == 1 for one in clean)  # vectors only: every time is like any other
        end = torch.stack([one.times.amax(1) for one in clean]).amax(0)
        when = torch.linspace(0, 1, 1 if still else self.grid, device=end.device) * end[:, None]
        parts, masks = [], []
        for one in clean:
            values, there = lay_on(one, when)
            parts += [values, there[:, :, None].to(values.dtype)]
            masks.append(there)
        return torch.cat(parts, dim=2), torch.stack(masks).any(0)


def lay_on(steps: Steps, when: Tensor) -> tuple[Tensor, Tensor]:
    """Return blanked steps read at the times ``when`` ``(b, g)``: values ``(b, g, dim)``, and where they are there."""
    count = steps.present.sum(1, keepdim=True)
    if steps.values.shape[1] == 1:
        there = steps.present.expand_as(when)
        return steps.values.expand(-1, when.shape[1], -1), there
    last = steps.times.amax(1, keepdim=True)
    clock = torch.where(steps.present, steps.times, torch.inf).contiguous()
    after = torch.searchsorted(clock, when.contiguous(), right=True)
    before = (after - 1).clamp_min(0)
    after = torch.minimum(after, (count - 1).clamp_min(0))
    start, stop = steps.times.gather(1, before), steps.times.gather(1, after)
    share = ((when - start) / (stop - start).clamp_min(1e-6)).clamp(0, 1)[:, :, None].to(steps.values.dtype)
    first, second = _at(steps.values, before), _at(steps.values, after)
    there = (when <= last) & (count > 0)
    return blank_absent(first + share * (second - first), there), there


def longer(steps: Tensor, count: int) -> Tensor:
    """Return steps ``(b, dim, g)`` with the first and the last ``count`` times more.

    torch's own padding does the same, but on CUDA adds its gradient up in another order each time.
    """
    places = torch.arange(-count, steps.shape[2] + count, device=steps.device).clamp(0, steps.shape[2] - 1)
    return steps.index_select(2, places)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Return ``(b, g, dim)``: the steps at ``places`` ``(b, g)``."""
    return values.gather(1, places[:, :, None].expand(-1, -1, values.shape[2]))
