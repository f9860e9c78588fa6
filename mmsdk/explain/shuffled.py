"""Networks with the trained weights shuffled: an explanation that stays the same under them explains nothing."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from mmsdk.heads.boosting import BoostingHead

if TYPE_CHECKING:
    from torch import Tensor

    from mmsdk.model import JointNet


def shuffled_net(net: JointNet, seed: int) -> JointNet:
    """Return a copy whose every weight has its values in a random order, trees their leaves; statistics stay.

    Size and spread of the weights are those of training, what they learned is gone (Adebayo et al. 2018,
    arXiv:1810.03292, who draw them anew). torch's own generator is not touched.
    """
    random = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(net).eval()
    with torch.no_grad():
        for weights in (*other.parameters(), *_learned_buffers(other)):
            order = torch.randperm(weights.numel(), generator=random)
            weights.copy_(weights.flatten()[order.to(weights.device)].view(weights.shape))
        for head in other.beside:
            if isinstance(head, BoostingHead):
                head.shuffle_leaves(random)
    return other


def _learned_buffers(net: JointNet) -> list[Tensor]:
    """Return what heads beside the network have learned and keep as buffers."""
    beside: Any = getattr(net, "beside", None)
    return [one for one in beside.buffers() if one.is_floating_point()] if beside is not None else []
