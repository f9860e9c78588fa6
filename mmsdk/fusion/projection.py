"""From the vector of each input to its token: training statistics, one linear layer each, dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.fusion.steps import Steps, mean_step, pack_steps, unpack_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

LIMIT = 6.0  # standard deviations: a value beyond says "far out", not how far
WIDE = 512  # features: a narrower input has less to spare, so less of it is left out in training


class Dropout(nn.Module):
    """Dropout whose mask costs a byte of randomness a value: a tenth of the time of torch's on a CPU.

    The rate is rounded to 1/256, and never up to 1. On CUDA torch's own is used.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.threshold = min(round(rate * 256), 255)

    def forward(self, values: Tensor) -> Tensor:
        """Return ``values`` with a share of them zero and the rest scaled up; in evaluation, ``values``."""
        if not self.training or self.threshold == 0:
            return values
        if values.is_cuda:
            return nn.functional.dropout(values, self.rate)
        words = torch.empty((values.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: values.numel()].view(values.shape).to(values.dtype)
        return values * drawn.ge_(self.threshold).mul_(256 / (256 - self.threshold))  # all in float: bool is slow here

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"rate={self.rate}"


class Projector(nn.Module):
    """Standardises the vector of each input by training statistics and projects it to a token of ``dim``.

    The statistics are buffers, so they are saved with the weights. Values of absent inputs are replaced before any
    arithmetic: not even NaN among them can reach the output or a gradient.

    :param dims: input name -> length of its vectors, in the order of the tokens.
    :param dim: length of a token.
    :param dropout: share of the token's values dropped in training.
    :param input_dropout: share of the features of each input that a training batch does without: all its rows lack the
        same ones, so that the products are smaller too. Per-value dropout was not better, and took twice the time.
        An input narrower than 512 loses in proportion less: 35 facial action units without half of them say too little.
    :param members: into how many equal parts a token falls, each normalised by itself: one for each member of the head.
    :param stems: input name -> what takes the place of its linear layer: a module on packed sequences that knows their
        ``statistics``, how to ``standardise`` them and what stands where a row is ``absent``.
    :param steps: the fusion asks for steps: where a stem answers each step (it has ``each_step``), tokens are packed
        steps, and ``lengths`` says how many each input has. It is None where every input has one token.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        dim: int,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        members: int = 1,
        stems: Mapping[str, Any] | None = None,
        *,
        steps: bool = False,
    ) -> None:
        super().__init__()
        self.inputs = tuple(dims)
        self.dims = dict(dims)
        stems = dict(stems or {})
        for position, (name, size) in enumerate(dims.items()):
            width = stems[name].dim if name in stems else size
            self.register_buffer(f"mean_{position}", torch.zeros(width))
            self.register_buffer(f"scale_{position}", torch.ones(width))
        self.stems = tuple(name in stems for name in dims)
        counts = tuple(stems[name].steps if name in stems and stems[name].each_step else 0 for name in dims)
        self.lengths = tuple(count or 1 for count in counts) if steps and any(counts) else None
        self.linears = nn.ModuleList(
            stems[name] if name in stems else nn.Linear(size, dim) for name, size in dims.items()
        )
        self.norms = nn.ModuleList(nn.GroupNorm(members, dim) for _ in dims)
        self.input_dropout = input_dropout
        self.dropout = Dropout(dropout)

    def extra_repr(self) -> str:
        """Show the share of left-out features, and the steps of each input where it hands on steps."""
        return f"input_dropout={self.input_dropout}" + (f", lengths={self.lengths}" if self.lengths else "")

    def fit(self, vectors: Mapping[str, Tensor], present: Tensor) -> None:
        """Learn the statistics of the present rows: vectors ``(n, d_i)`` each, ``present`` ``(n, m)`` bool."""
        for position, name in enumerate(self.inputs):
            rows = vectors[name][present[:, position]]
            if len(rows) == 0:
                continue
            stem: Any = self.linears[position]
            mean, spread = stem.statistics(rows) if self.stems[position] else (rows.mean(0), rows.std(0, correction=0))
            flat = spread <= 1e-6 * spread.max().clamp_min(1e-30)  # constant in training: leave its unit alone
            self.get_buffer(f"mean_{position}").copy_(mean)
            self.get_buffer(f"scale_{position}").copy_(torch.where(flat, torch.ones_like(spread), spread))

    def standardise(self, vectors: Mapping[str, Tensor], present: Tensor) -> list[Tensor]:
        """Return ``(n, d_i)`` standardised values of each input, zeros where it is absent."""
        standard = []
        for position, name in enumerate(self.inputs):
            given = vectors[name]
            stem: Any = self.linears[position]
            if self.stems[position]:
                mean, scale = self.get_buffer(f"mean_{position}"), self.get_buffer(f"scale_{position}")
                given = given.to(mean.dtype)
                values, absent = stem.standardise(given, mean, scale), stem.absent(given)
            else:
                values = self.scaled(position, given)
                absent = torch.zeros_like(values)
            standard.append(torch.where(present[:, position, None], values, absent))
        return standard

    def scaled(self, position: int, vectors: Tensor) -> Tensor:
        """Return vectors of one input ``(n, d_i)`` less their mean, by their spread, no further than six of it."""
        mean, scale = self.get_buffer(f"mean_{position}"), self.get_buffer(f"scale_{position}")
        return ((vectors.to(mean.dtype) - mean) / scale).clamp(-LIMIT, LIMIT)

    def usual(self, name: str, vectors: Tensor) -> Tensor:
        """Return the training mean in the place of vectors of one input ``(n, d)``; of a sequence, at each step."""
        position = self.inputs.index(name)
        mean = self.get_buffer(f"mean_{position}").to(vectors.dtype)
        stem: Any = self.linears[position]
        return stem.usual(vectors, mean) if self.stems[position] else mean.expand_as(vectors)

    def forward(self, standard: Sequence[Tensor]) -> Tensor:
        """Project standardised values, ``(b, d_i)`` each, to tokens ``(b, m, dim)``, or to packed steps."""
        if self.lengths is not None:
            return self._steps(standard)
        tokens = [
            norm(linear(values) if stem else self._project(values, linear))
            for values, linear, norm, stem in zip(standard, self.linears, self.norms, self.stems, strict=True)
        ]
        whole: Tensor = self.dropout(nn.functional.gelu(torch.stack(tokens, dim=1)))
        return whole

    def _steps(self, standard: Sequence[Tensor]) -> Tensor:
        """Project to packed steps ``(b, t, dim + 2)``: each step of a stem that answers them, else the one token."""
        found = []
        for position, (values, norm) in enumerate(zip(standard, self.norms, strict=True)):
            linear: Any = self.linears[position]
            if self.stems[position] and linear.each_step:
                steps, times, present = linear.steps_of(values)
            else:
                steps = (linear(values) if self.stems[position] else self._project(values, linear))[:, None]
                times, present = values.new_zeros(len(values), 1), values.new_ones(len(values), 1) > 0
            normed = nn.functional.gelu(norm(steps.flatten(0, 1)).view(steps.shape))
            kept = self.dropout(torch.ones_like(normed[:, :1]))  # all steps of a row lack the same: changes stay seen
            found.append(Steps(values=normed * kept, times=times, present=present))
        return pack_steps(found)

    def token_of(self, tokens: Tensor, name: str) -> Tensor:
        """Return the token of one input ``(b, dim)`` out of what ``forward`` answered; of steps their mean."""
        position = self.inputs.index(name)
        if self.lengths is None:
            return tokens[:, position]
        one = unpack_steps(tokens, self.lengths)[position]
        return mean_step(one.values, one.present)

    def _project(self, values: Tensor, linear: nn.Module) -> Tensor:
        """Apply the linear layer of one input, in training to a random part of its features."""
        size = values.shape[1]
        count = max(1, round(size * (1 - self.input_dropout * min(1.0, size / WIDE))))
        if not self.training or count == size:
            projected: Tensor = linear(values)
            return projected
        kept = torch.randperm(size, device=values.device)[:count]
        weight = linear.get_parameter("weight").index_select(1, kept) * (size / count)
        return nn.functional.linear(values.index_select(1, kept), weight, linear.get_parameter("bias"))
