"""Mixup: a batch whose rows are blends of two, inputs and targets alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Which row each row was blended with.

    :param partner: ``(b,)`` int64.
    :param share: ``(b,)``, how much of the row is its own; 1 where it was left alone.
    """

    partner: Tensor
    share: Tensor


def blend_rows(
    tokens: Tensor, present: Tensor, strength: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Blend]:
    """Return blended tokens, which inputs they have, and the blend.

    Mixup (Zhang et al. 2018, arXiv:1710.09412) of the tokens, as manifold mixup does it (Verma et al. 2019,
    arXiv:1806.05236), since inputs that are sequences cannot be added up before. Each row draws a share from
    Beta(strength, strength) and another row of the batch. A blend has the inputs that *both* rows have, for an input
    that only one of them has would stand for the whole label and hold a part of it; rows that share none stay as they
    are.

    :param tokens: ``(b, m, dim)``.
    :param present: ``(b, m)`` bool.
    """
    partner = torch.randperm(len(tokens), generator=generator, device=tokens.device)
    parameters = torch.full((len(tokens), 2), strength, device=tokens.device)
    share = torch._sample_dirichlet(parameters, generator=generator)[:, 0]
    both = present & present.index_select(0, partner)
    shared = both.any(dim=1)
    share = torch.where(shared, share, torch.ones_like(share))
    own = share[:, None, None].to(tokens.dtype)
    blended = own * tokens + (1 - own) * tokens.index_select(0, partner)
    return blended, torch.where(shared[:, None], both, present), Blend(partner=partner, share=share)
