"""What training has beside the network: heads on one input, the balance of the terms, the optimiser over all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.train.balance import PACE, make_balance
from mmsdk.train.unimodal import UnimodalHeads

if TYPE_CHECKING:
    from mmsdk.model import JointNet
    from mmsdk.train.objective import Objective


class Own(nn.Module):
    """What training has beside the network, and nobody needs afterwards: heads on one input, and the balance."""

    def __init__(self, net: JointNet, objective: Objective, config: Any) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            heads = UnimodalHeads(net, objective.targets, objective.unimodal)
        self.alone = heads if heads.weights and objective.targets else None
        self.balance = make_balance(config.balance, net, objective.weights(net))
        self.head_parameters = list(heads.parameters())


def make_optimiser(net: JointNet, own: Own, config: Any) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101); vectors such as biases and norms do not decay.

    What the members of an ensemble head have each for themselves is stacked, and decays as matrices do.
    """
    every = [*net.parameters(), *own.head_parameters]
    groups = [
        {"params": [one for one in every if one.ndim > 1], "weight_decay": config.weight_decay, "pace": 1.0},
        {"params": [one for one in every if one.ndim <= 1], "weight_decay": 0.0, "pace": 1.0},
        {"params": list(own.balance.parameters()), "weight_decay": 0.0, "pace": PACE},
    ]
    return torch.optim.AdamW([one for one in groups if one["params"]], lr=config.learning_rate, fused=True)
