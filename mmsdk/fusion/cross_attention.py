"""Cross-modal attention: one input asks, the others answer, and a number says how much that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.attention import attention_weights
from mmsdk.fusion.interface import blank_absent
from mmsdk.fusion.steps import StepFusion, StepReader, Steps, fit_heads_to, mean_step, sum_by_input
from mmsdk.options import choice_option, count_option, number_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class CrossAttentionFusion(StepFusion):
    """Cross-modal attention (Tsai et al. 2019, arXiv:1906.00295, equation 3) with a strength one can set and read.

    Every step of the asking input attends to the steps of all others that are present, and what it finds is added to
    it, ``strength`` times. At 0 the answer is that of the asking input alone. A learned key without content stands
    among the others, so that a step may find nothing worth adding; a learned step stands in for an asking input that
    is absent. The mean over the asking steps goes through one layer.

    :param query: the input that asks; the first one where left out.
    :param strength: how much the attended values count, from 0 to 100.
    :param learn: train the strength too, from that value on; otherwise it stays as set.
    :param heads: how many attention heads, lowered to a number that divides the width of a member.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        dim: int,
        *,
        query: str | None = None,
        strength: float = 1.0,
        learn: bool = False,
        heads: int = 4,
        **options: Any,
    ) -> None:
        super().__init__(inputs, dim, **options)
        self.query = choice_option("fusion.options.query", self.inputs[0] if query is None else query, self.inputs)
        self.position = self.inputs.index(self.query)
        self.heads = fit_heads_to(dim, count_option("fusion.options.heads", heads, 1, 64))
        first = torch.tensor([number_option("fusion.options.strength", strength, 0.0, 100.0)])
        self.strength: Tensor
        self.learn = choice_option("fusion.options.learn", learn, (True, False))
        if learn:
            self.strength = nn.Parameter(first)
        else:
            self.register_buffer("strength", first)
        self.read = StepReader(len(self.inputs), dim)
        self.stand_in = nn.Parameter(0.02 * torch.randn(dim))
        self.nothing = nn.Parameter(0.02 * torch.randn(dim))
        self.asking_norm, self.told_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.ask = nn.Linear(dim, dim)
        self.tell = nn.Linear(dim, 2 * dim)
        self.told = nn.Linear(dim, dim, bias=False)  # nothing found adds nothing
        self.mix = nn.Linear(dim, dim)

    def readings(self) -> dict[str, float]:
        """Return the strength, as set or as learned."""
        return {"strength": float(self.strength.detach())}

    def fuse_steps(self, inputs: Sequence[Steps]) -> Tensor:
        """Fuse the steps of each input to ``(b, dim)``."""
        asking = self._asking(inputs[self.position])
        query, key, value, seen = self._asked(asking, inputs)
        found = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None, :])
        told = self.told(found.transpose(1, 2).flatten(2))
        fused: Tensor = self.mix(mean_step(asking.values + self.strength * told, asking.present))
        return nn.functional.gelu(fused)

    def attend_steps(self, inputs: Sequence[Steps]) -> dict[str, Tensor]:
        """Return how much the asking steps attend to each other input, on average; the rest is to the empty key."""
        others = [one for n, one in enumerate(inputs) if n != self.position]
        if not others:
            return {}
        asking = self._asking(inputs[self.position])
        query, key, _, seen = self._asked(asking, inputs)
        looked = mean_step(attention_weights(query, key, seen), asking.present)[:, 1:]
        before, after = sum_by_input(looked, others).tensor_split([self.position], dim=1)
        own = torch.full_like(looked[:, :1], torch.nan)
        return {f"attention of {self.query}": torch.cat([before, own, after], dim=1)}

    def _asking(self, given: Steps) -> Steps:
        """Return the steps that ask: of a row without any, the stand-in."""
        clean = given.blanked()
        empty = ~given.present.any(1)
        first = torch.zeros_like(given.present)
        first[:, 0] = empty
        values = torch.where(first[:, :, None], self.stand_in.to(clean.values.dtype), clean.values)
        return Steps(values=values, times=clean.times, present=given.present | first)

    def _asked(self, asking: Steps, inputs: Sequence[Steps]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return queries of the asking steps, keys and values by head, the empty one first, and which are there."""
        marked, _ = self.read([asking], self.position)
        keys = [self.nothing.to(marked.dtype).expand(len(marked), 1, -1)]
        masks = [torch.ones(len(marked), 1, dtype=torch.bool, device=marked.device)]
        for n, one in enumerate(inputs):
            if n != self.position:
                tokens, mask = self.read([one], n)
                keys.append(tokens)
                masks.append(mask)
        seen = torch.cat(masks, dim=1)
        content = seen.clone()
        content[:, 0] = False  # of the key that says nothing
        key, value = self.tell(self.told_norm(torch.cat(keys, dim=1))).chunk(2, dim=2)
        asked = self.ask(self.asking_norm(marked))
        return self._by_head(asked), self._by_head(key), self._by_head(blank_absent(value, content)), seen

    def _by_head(self, steps: Tensor) -> Tensor:
        """Return ``(b, heads, t, dim / heads)`` from ``(b, t, dim)``."""
        return steps.view(*steps.shape[:2], self.heads, -1).transpose(1, 2)
