"""Which device ``auto`` means."""

from __future__ import annotations

import re

import torch

from mmsdk.errors import ConfigError

DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def device_of(device: str) -> str:
    """Return the device that ``auto`` means here.

    :raises ConfigError: it is no device, or CUDA is asked for and torch sees none.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not DEVICE.fullmatch(device):
        raise ConfigError(f"--device {device}: no such device; expected auto, cpu, cuda or cuda:N")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch sees no CUDA device here; use --device cpu, or see `mmsdk doctor`")
    return device
