"""Acts timed in turn, so that what slows the machine slows all of them, their medians, and made-up rows to train on."""

from __future__ import annotations

import resource
import statistics
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

DIMS = {"text": 384, "image": 1280, "table": 64}
CLASSES = 13


def problem(rows: int, held: int):
    """Return embeddings, labels and the split of random vectors, a tenth absent; the first rows are held out."""
    random = np.random.default_rng(0)
    kind = random.integers(0, CLASSES, rows)
    values = {
        name: (random.normal(size=(CLASSES, size))[kind] * 0.1 + random.normal(size=(rows, size))).astype(np.float32)
        for name, size in DIMS.items()
    }
    present = {name: random.random(rows) > 0.1 for name in DIMS}
    split = np.array(["train"] * rows, dtype=object)
    split[:held] = "val"
    return SimpleNamespace(values=values, present=present), [f"k{one}" for one in kind], split


def cpu() -> float:
    """Return the CPU seconds of this process so far, its threads included."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(act: Callable[[], object], *, device: str = "cpu", wall: bool = False, times: int = 1) -> float:
    """Return the seconds of an act, the mean of so many times.

    Of the CPU, which other processes do not slow; or by the clock, as ever on CUDA.
    """
    clock = time.perf_counter if wall or device == "cuda" else time.process_time
    start = clock()
    for _ in range(times):
        act()
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
    return (clock() - start) / times


def in_turn(acts: dict[str, Callable[[], float]], runs: int, *, warm: int = 0) -> dict[str, list[float]]:
    """Return the seconds that acts answer, all in turn, so many times; the first ``warm`` do not count."""
    found: dict[str, list[float]] = {name: [] for name in acts}
    for run in range(warm + runs):
        for name, act in acts.items():
            took = act()
            if run >= warm:
                found[name].append(took)
    return found


def show(seconds: dict[str, list[float]], *, base: str | None = None, digits: int = 2) -> None:
    """Print the median, the fastest and the slowest of each, and the ratio to ``base``, where there is one."""
    width = max(map(len, seconds)) + 3
    for name, found in seconds.items():
        middle = statistics.median(found)
        ratio = "" if base is None else f"  ratio {middle / statistics.median(seconds[base]):.{digits}f}"
        print(f"{name:{width}s} {middle:6.2f}  ({min(found):.2f}..{max(found):.2f}){ratio}", flush=True)
