"""What a fit cost: seconds by stage, memory, energy where the machine lets one read it, and the time of an answer."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mmsdk.app.draft import Draft
    from mmsdk.model import JointNet

POWERCAP = Path("/sys/class/powercap")
HOTTEST = 500.0  # watts: no processor package draws more for long
BATCH = 256  # rows answered at once, to see what one of many costs
TIMES = 5


class Meter:
    """Counts seconds by stage, and energy from its making on.

    :param device: ``cuda`` reads the energy and the memory of the GPU too.
    :param powercap: where Linux shows the energy counters of the processor.
    """

    def __init__(self, device: str = "cpu", powercap: Path = POWERCAP) -> None:
        self.seconds: dict[str, float] = {}
        self._cuda = device.startswith("cuda")
        self._packages = PackageEnergy(powercap)
        self._first = _gpu_joules(self._cuda)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time within the block under a name."""
        self._packages.read()
        start = time.perf_counter()
        try:
            yield
        finally:
            self._packages.read()
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def document(self, draft: Draft) -> dict[str, Any]:
        """Return what ``run.json`` holds as ``efficiency``.

        ``seconds`` by stage; ``encode_ms`` an input and row, where rows were encoded and not found in the cache;
        ``answer_ms`` of one row alone and of one among 256, from vectors to answers; ``peak_memory_mb`` of the process,
        ``gpu_memory_mb``; ``joules`` of processor and GPU. What cannot be read is null.
        """
        self._packages.read()
        net = draft.pipeline.net
        assert net is not None
        return {
            "seconds": {name: round(one, 4) for name, one in self.seconds.items()},
            "encode_ms": {
                name: 1000 * one.seconds / one.encoded
                for name, one in draft.embeddings.stats.inputs.items()
                if one.encoded
            },
            "answer_ms": {"alone": answer_ms(net, draft.embeddings, 1), "among_many": answer_ms(net, draft.embeddings)},
            "peak_memory_mb": peak_memory_mb(),
            "gpu_memory_mb": _gpu_memory_mb(self._cuda),
            "joules": {
                "cpu": self._packages.joules,
                "gpu": _spent(self._first, _gpu_joules(self._cuda)),
            },
        }


def answer_ms(net: JointNet, embeddings: Any, rows: int = BATCH) -> float | None:
    """Return the milliseconds a row from vectors to answers, the median of a few passes; None without a row."""
    from mmsdk.model import infer  # a plan needs a draft's shape, and no torch

    count = min(rows, len(next(iter(embeddings.values.values()))))
    if count == 0:
        return None
    chosen = np.arange(count)
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        infer(net, embeddings.values, embeddings.present, rows=chosen)
        found.append(time.perf_counter() - start)
    return 1000 * statistics.median(found) / count


def peak_memory_mb() -> float | None:
    """Return the most memory the process has held, in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak / (1 << 20) if sys.platform == "darwin" else peak / 1024)


class PackageEnergy:
    """What the processor packages have drawn since it was made, summed from reading to reading.

    A counter (RAPL) begins anew after some hundred kilojoules, in minutes under load: one round between two readings is
    seen and made good. Between readings so far apart that there may have been more, nothing is known from then on.
    """

    def __init__(self, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic) -> None:
        self._folders = [one for one in sorted(powercap.glob("intel-rapl:*")) if _package(one)]
        self._clock = clock
        self._last, self._when = self._counters(), clock()
        self.joules: float | None = None if self._last is None else 0.0

    def read(self) -> None:
        """Add what the counters have moved by."""
        last, since = self._last, self._when
        self._last, self._when = self._counters(), self._clock()
        if self.joules is None or last is None or self._last is None:
            self.joules = None
            return
        for folder, before, now in zip(self._folders, last, self._last, strict=True):
            whole = _number(folder / "max_energy_range_uj")
            lost = whole is None and now < before
            if lost or (whole is not None and (self._when - since) * HOTTEST * 1e6 > whole):
                self.joules = None
                return
            self.joules += (now - before + (whole or 0.0) * (now < before)) / 1e6

    def _counters(self) -> list[float] | None:
        """Return the counters in microjoules, None where there are none or one may not be read."""
        found = [_number(folder / "energy_uj") for folder in self._folders]
        known = [one for one in found if one is not None]
        return known if known and len(known) == len(found) else None


def _package(folder: Path) -> bool:
    """Return whether a counter is of a whole package, and not of a part of one (``intel-rapl:0:1``)."""
    return folder.name.count(":") == 1


def _number(path: Path) -> float | None:
    """Return the number in a file, None where it may not be read."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _spent(first: float | None, last: float | None) -> float | None:
    """Return what a counter moved by; None where it cannot be read or began anew."""
    return None if first is None or last is None or last < first else last - first


def _gpu_joules(cuda: bool) -> float | None:
    """Return the energy counter of the current GPU by NVML, None where it or the package ``pynvml`` is missing."""
    if not cuda:
        return None
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except Exception:
        return None


def _gpu_memory_mb(cuda: bool) -> float | None:
    """Return the most memory that torch has held on the GPU, in MB."""
    if not cuda:
        return None
    import torch

    return float(torch.cuda.max_memory_allocated() / (1 << 20))
