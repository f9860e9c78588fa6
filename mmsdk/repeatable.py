"""The same seed, data and machine give the same weights: what is drawn and computed while learning, also on CUDA."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def repeatable(place: torch.device) -> Iterator[None]:
    """Leave torch's generators as they were; on CUDA, add up in the same order each time.

    By itself CUDA does not: the gradients of convolutions, of gathered steps and of attention are summed by whichever
    thread comes first. Here they take the ways that are always the same (torch.use_deterministic_algorithms); where
    torch has none it warns. A CPU needs nothing of this.

    :param place: the device that is learned on.
    """
    if place.type != "cuda":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # torch asks for it, and reads it at the first product
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filling = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    memory.fill_uninitialized_memory = False  # it is for finding faults, and costs time
    try:
        with torch.random.fork_rng(devices=[place]), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = filling
