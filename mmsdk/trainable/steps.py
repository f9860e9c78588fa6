"""What every trainable does with its steps: blanks out what is not there, pools the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


def present_steps(values: Tensor, times: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three with zeros where a step is not there (NaN may lie there), and with one step at the least."""
    if values.shape[1] == 0:
        pad = nn.functional.pad
        return pad(values, (0, 0, 0, 1)), pad(times, (0, 1)), pad(present, (0, 1))
    seen = torch.where(present[:, :, None], values, torch.zeros_like(values))
    return seen, torch.where(present, times, torch.zeros_like(times)), present


def pool_steps(hidden: Tensor, present: Tensor) -> Tensor:
    """Return mean and maximum of the present steps, ``(b, 2 * channels)``; zeros where a row has none."""
    mask = present[:, :, None]
    mean = torch.where(mask, hidden, torch.zeros_like(hidden)).sum(1) / mask.sum(1).clamp_min(1)
    highest = hidden.masked_fill(~mask, torch.finfo(hidden.dtype).min).amax(1)
    return torch.cat([mean, torch.where(mask.any(1), highest, torch.zeros_like(highest))], dim=1)
