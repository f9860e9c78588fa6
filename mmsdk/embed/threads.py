"""How many threads encode and how many decode: as many as cores are idle, never more, and said."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS = 0.1
MOST_DECODERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """The choice: threads of a forward pass, threads that decode ahead of it, and why."""

    forward: int
    decode: int
    reason: str

    def __str__(self) -> str:
        """Return ``1 thread for encoders, 1 for decoding (2 cores, 1 idle)``."""
        return (
            f"{self.forward} thread{'s' * (self.forward > 1)} for encoders, {self.decode} for decoding ({self.reason})"
        )


def choose_threads(*, device: str = "cpu", media: bool = False, given: int | None = None) -> Threads:
    """Choose from what is idle now: a second thread on a busy core made MobileNetV2 thirteen times slower.

    :param media: inputs are files, whose decoding wants a core of its own.
    :param given: the user's own number of threads for encoders; otherwise ``OMP_NUM_THREADS``, otherwise measured.
    """
    cores = usable_cores()
    if given is None and (said := os.environ.get("OMP_NUM_THREADS", "")).isdigit() and int(said) > 0:
        given, source = int(said), "OMP_NUM_THREADS"
    else:
        source = "as asked"
    if given is not None:
        return Threads(forward=given, decode=_decoders(cores if device != "cpu" else given), reason=source)
    if device != "cpu":  # the forward pass needs one core, the rest may decode
        return Threads(forward=1, decode=_decoders(cores), reason=f"{device}, {cores} cores")
    idle = max(1, min(cores, int(idle_cores(cores) + 0.3)))
    reason = f"{cores} core{'s' * (cores > 1)}, {idle} idle"
    decode = _decoders(idle // 2)
    return Threads(forward=max(1, idle - decode) if media else idle, decode=decode, reason=reason)


def usable_cores() -> int:
    """Return how many cores this process may use: its affinity, and the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, max(1, int(quota) // int(period)))  # "max" is no int: no quota
    return cores


def idle_cores(cores: int) -> float:
    """Return how many cores were idle during a tenth of a second; from the load average where there is no /proc."""
    try:
        before = _idle_ticks()
        time.sleep(LOOK_SECONDS)
        idle, total = (now - then for now, then in zip(_idle_ticks(), before, strict=True))
        return idle / total * (os.cpu_count() or 1) if total else float(cores)
    except (OSError, ValueError):
        return cores - os.getloadavg()[0] if hasattr(os, "getloadavg") else float(cores)


@contextlib.contextmanager
def forward_threads(count: int) -> Iterator[None]:
    """Give torch ``count`` threads within the block, never more than it had; nothing where torch is not loaded."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_num_threads"):
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(count, before)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _decoders(cores: int) -> int:
    """Return a number of decoding threads: at least one, since reading a file waits more than it works."""
    return max(1, min(MOST_DECODERS, cores))


def _idle_ticks() -> tuple[int, int]:
    """Return idle and total ticks of all cores since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
