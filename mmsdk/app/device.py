"""Which device ``auto`` means, for the encoders and for the head that is trained on their vectors."""

from __future__ import annotations

import re

import torch

from mmsdk.errors import ConfigError

DEVICE = re.compile(r"cpu|cuda(:\d+)?")
SMALL_STEP = 250_000  # numbers; between 221,000 and 442,000 the H200 overtook four threads beside it, see docs/gpu.md


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


def head_device(device: str, numbers: int) -> str:
    """Return where the head learns and answers when ``auto`` has put the encoders on a device.

    A GPU takes the same time for a small step as for a larger one, that of starting its operations: beside one, a
    thread of the CPU trains the head of a small table several times faster.

    :param numbers: in the vectors of a training batch, rows times the length of all inputs together.
    """
    return "cpu" if numbers < SMALL_STEP else device
