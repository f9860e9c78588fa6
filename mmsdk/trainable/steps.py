"""What every trainable does with its steps: blanks out what is not there, pools the rest, checks its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def count_option(name: str, value: Any, low: int, high: int) -> int:
    """Return an option that counts.

    :raises ConfigError: not a whole number from ``low`` to ``high``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"trainable.options.{name}: {value!r} is not a whole number from {low} to {high}")
    return value


def share_option(name: str, value: Any) -> float:
    """Return an option that is a share.

    :raises ConfigError: not a number from 0 to below 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigError(f"trainable.options.{name}: {value!r} is not a number from 0 to below 1")
    return float(value)


def choice_option(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """Return an option that is one of several.

    :raises ConfigError: it is none of them.
    """
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        known = ", ".join(str(choice).lower() for choice in choices)
        raise ConfigError(f"trainable.options.{name}: {value!r} is not one of {known}")
    return value
