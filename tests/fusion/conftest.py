"""Training a fusion by itself: a linear head on it, Adam, all rows at each step."""

from __future__ import annotations

import pytest
import torch
from torch import nn


def answer(fusion, given):
    """Return what a fusion makes of tokens and a mask, or of a list of steps."""
    return fusion.fuse_steps(given) if isinstance(given, list) else fusion(*given)


@pytest.fixture(scope="session")
def learn():
    """Train on rows, and return a function from the same kind of rows to the share that is right."""

    def trained(fusion, given, labels, *, steps=150, rate=0.01):
        torch.manual_seed(0)
        head = nn.Linear(fusion.dim, 2)
        optimiser = torch.optim.Adam([*fusion.parameters(), *head.parameters()], rate)
        fusion.train()
        for _ in range(steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(answer(fusion, given)), labels).backward()
            optimiser.step()
        fusion.eval()

        def share_right(rows, truth):
            with torch.no_grad():
                return float((head(answer(fusion, rows)).argmax(1) == truth).float().mean())

        return share_right

    return trained
