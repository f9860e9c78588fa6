"""Heads that answer each task from one input alone: they teach in training and are left out in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from mmsdk.model import JointNet, Target


class UnimodalHeads(nn.Module):
    """For each weighed input and each task a head on the input's token, one for each member of the net.

    Joint training tends to stop learning from the weaker input as soon as the stronger one explains the labels (Wang
    et al. 2020, arXiv:1905.12681); a loss of its own keeps each input's projection useful by itself.

    :param weights: input name -> how much the loss of its heads counts.
    """

    def __init__(self, net: JointNet, targets: Mapping[str, Target], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.tasks = tuple(targets)
        self.token_of = net.projector.token_of
        self.places = {name: net.inputs.index(name) for name in weights}
        width = int(cast("Any", net.fusions[0]).dim)
        self.heads = nn.ModuleList(
            nn.ModuleList(target.task.head(width) for _ in net.fusions) for _ in weights for target in targets.values()
        )

    def answers(self, tokens: Tensor) -> Iterator[tuple[str, str, Tensor]]:
        """Yield input, task and logits ``(members, b, width)`` from what the projector answered."""
        heads = iter(self.heads)
        for name in self.places:
            for task in self.tasks:
                members = cast("nn.ModuleList", next(heads))
                parts = self.token_of(tokens, name).chunk(len(members), dim=1)
                yield name, task, torch.stack([head(part) for head, part in zip(members, parts, strict=True)])
