"""How long an act takes on a device."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def timed(act: Callable[[], object], place: torch.device) -> float:
    """Return the seconds an act takes; on CUDA, where calls return before the work is done, until it is done."""
    _wait(place)
    started = time.perf_counter()
    act()
    _wait(place)
    return time.perf_counter() - started


def _wait(place: torch.device) -> None:
    """Wait for what was asked of a CUDA device before."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
