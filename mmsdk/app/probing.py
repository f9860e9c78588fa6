"""What embedding costs, measured on a few rows in a process of its own, which fetches nothing and leaves nothing."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import MmsdkError
from mmsdk.files import models_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.config import Application
    from mmsdk.data import Policy, Table
    from mmsdk.embed import OpenEncoder

ROWS = 64
FIRST = 8  # rows timed before the rest is worth it
SECONDS = 3.0  # which the rest of the rows may take an input: somebody waits for the bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one input cost.

    :param present: rows of the table that have the input.
    :param timed: how many of them were encoded for this.
    :param seconds: for all rows that have the input, the reading of weights included; ``None`` where nothing was timed.
    :param dim: length of its vectors, ``None`` where it was not opened.
    :param cached: its vectors are kept in the cache.
    :param memory: bytes that this process grew by.
    :param reason: why nothing was timed.
    :param refused: it cannot be opened, and a fit would end so; what failed on a few rows may well do on all of them.
    :param encoder: the one that a fit would take, where it was opened.
    """

    present: int
    timed: int = 0
    seconds: float | None = None
    dim: int | None = None
    cached: bool = True
    memory: int = 0
    reason: str = ""
    refused: bool = False
    encoder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What all inputs cost; ``memory`` is the most the process took, 0 where the system does not say."""

    rows: int
    device: str
    memory: int
    inputs: Mapping[str, Probe]


def probe_apart(application: Application, here: Sequence[str], *, device: str, policy: Policy) -> Probed:
    """Probe the application's table in a new process, its cache empty and thrown away, the hub's network switched off.

    :param here: the inputs whose encoder can be opened without fetching; of the others rows are counted.
    :raises MmsdkError: the table or an encoder is refused, as it would be by a fit.
    """
    with tempfile.TemporaryDirectory(prefix="mmsdk-probe-") as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            1, mp_context=context, initializer=_isolate, initargs=(folder, str(models_home()))
        ) as pool:
            return pool.submit(probe, application, here, device=device, policy=policy).result()


def _isolate(folder: str, models: str) -> None:
    """Point this process's caches to a folder, and every hub library away from the network."""
    os.environ.update(MMSDK_CACHE_DIR=folder, MMSDK_MODELS_DIR=models, HF_MODULES_CACHE=folder, HF_HUB_OFFLINE="1")


def probe(application: Application, here: Sequence[str], *, device: str, policy: Policy) -> Probed:
    """Read the tables, and embed a few rows of every input that is ``here``; encoders stay open, as in a fit."""
    from mmsdk.app.device import device_of
    from mmsdk.data import read_interactions, read_samples, read_table

    device = device_of(device)
    table = read_table(application.data)
    samples, _ = read_samples(table, application, policy)
    if application.interactions is not None:
        read_interactions(application.interactions, samples.ids, policy=policy)
    inputs: dict[str, Probe] = {}
    held: list[OpenEncoder] = []
    for name in application.inputs:
        present = np.flatnonzero(samples.inputs[name].present)
        inputs[name] = Probe(present=len(present))
        if name in here and len(present):
            rows = samples.rows[present[np.unique(np.linspace(0, len(present) - 1, ROWS).astype(np.int64))]] - 1
            inputs[name] = _timed(_Few(name, application, table.take(rows), policy), len(present), device, held)
    return Probed(rows=len(samples), device=device, memory=_memory("VmHWM"), inputs=inputs)


def time_input(
    name: str,
    application: Application,
    table: Table,
    present: np.ndarray,
    opened: OpenEncoder,
    device: str,
    policy: Policy,
) -> tuple[int, float]:
    """Return how many rows of an input were embedded anew by an open encoder, past the cache, and the seconds it took.

    :param present: positions of the rows that have the input; up to 64 of them, spread evenly, are taken.
    """
    chosen = present[np.unique(np.linspace(0, len(present) - 1, ROWS).astype(np.int64))]
    few = _Few(name, application, table.take(chosen), policy)
    if not opened.fitted:
        few.embed(opened, 0, 1, device)  # the first call may load, compile or choose
    return _encoded(few, opened, device)


class _Few:
    """Some rows of one input."""

    def __init__(self, name: str, application: Application, table: Table, policy: Policy) -> None:
        self.name = name
        self.table = table
        self.application = application.model_copy(update={"inputs": {name: application.inputs[name]}})
        self._policy = replace(policy, on_bad_row="skip", allow_remote=False)  # files elsewhere are not fetched

    def suited(self, opened: OpenEncoder, device: str) -> OpenEncoder:
        """Return the encoder that a fit would take in the end, by what the rows hold."""
        from mmsdk.app.suiting import suited
        from mmsdk.data import read_samples

        samples, _ = read_samples(self.table, self.application, self._policy, partial=True)
        return suited(self.application, self.name, samples.inputs[self.name], opened, device)[0]

    def embed(self, opened: OpenEncoder, start: int, end: int, device: str) -> tuple[int, float]:
        """Return how many of the rows were encoded and what that took; nothing is kept."""
        from mmsdk.data import read_samples
        from mmsdk.embed import Embedder

        rows = np.arange(start, min(end, len(self.table)))
        samples, _ = read_samples(self.table.take(rows), self.application, self._policy, partial=True)
        embedder = Embedder(None, device=device, precision=self.application.precision, quiet=True)
        stats = embedder.embed(samples, {self.name: opened}, self._policy).stats.inputs[self.name]
        return stats.encoded + stats.duplicates, stats.seconds


def _timed(few: _Few, present: int, device: str, held: list[OpenEncoder]) -> Probe:
    """Open an encoder and time it on some rows; that it cannot be opened or fails on them is a reason, not an end."""
    from mmsdk.app.encoders import open_encoders

    before, started = _memory("VmRSS"), time.perf_counter()
    try:
        opened = few.suited(open_encoders(few.application, device)[few.name], device)
    except MmsdkError as error:
        return Probe(present=present, reason=str(error), refused=True)
    held.append(opened)
    try:
        if not opened.fitted:  # a fitted one reads no weights, and one row is not enough to learn from
            few.embed(opened, 0, 1, device)
        start = time.perf_counter() - started
        encoded, seconds = _encoded(few, opened, device)
    except MmsdkError as error:
        return Probe(present=present, reason=str(error))
    if not encoded:
        return Probe(present=present, reason="none of the rows tried could be encoded")
    return Probe(
        present=present,
        timed=encoded,
        seconds=start + seconds / encoded * present,
        dim=opened.dim,
        cached=not opened.fitted,
        memory=max(0, _memory("VmRSS") - before),
        encoder=opened.name,
    )


def _encoded(few: _Few, opened: OpenEncoder, device: str) -> tuple[int, float]:
    """Return how many rows were encoded and what that took: all, or the first few of an encoder that is slow."""
    count = len(few.table)
    edge = count if opened.fitted else min(FIRST, count)
    encoded, seconds = few.embed(opened, 0, edge, device)
    if edge < count and encoded and seconds / encoded * (count - edge) < SECONDS:
        more, longer = few.embed(opened, edge, count, device)
        encoded, seconds = encoded + more, seconds + longer
    return encoded, seconds


def _memory(field: str) -> int:
    """Return bytes of this process: ``VmRSS`` now, ``VmHWM`` at most so far; 0 where the system does not say."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _peak_elsewhere() if field == "VmHWM" else 0
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(lines.get(field, "0 kB").split()[0]) * 1024


def _peak_elsewhere() -> int:
    """Return the most this process took, where there is no /proc: macOS counts bytes, Windows has no such call."""
    try:
        import resource
    except ImportError:
        return 0
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
