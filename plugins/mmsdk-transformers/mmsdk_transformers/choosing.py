"""Torch or ONNX: both measured on this machine, the faster one remembered."""

from __future__ import annotations

import contextlib
import json
import logging
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from mmsdk import atomic_write
from mmsdk_transformers.exporting import VERSION, ExportRefusedError, exported, locked, onnx_home
from mmsdk_transformers.network import moved
from mmsdk_transformers.running import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmsdk_transformers.exporting import Forward

ROUNDS = (3, 7)  # at least, at most
SECONDS = 3.0  # after which no further round starts
WORTH_IT = 1.1  # below that much faster, torch stays: the difference may be chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was found.

    :param backend: ``torch`` or ``onnx``.
    :param torch_ms: milliseconds a row; ``onnx_ms`` likewise; 0 where nothing was measured.
    :param reason: why nothing was measured, else empty.
    """

    backend: str
    torch_ms: float = 0.0
    onnx_ms: float = 0.0
    reason: str = ""

    @property
    def speedup(self) -> float:
        """How many times faster ONNX is; 1 where that is not known."""
        return self.torch_ms / self.onnx_ms if self.onnx_ms else 1.0

    def __str__(self) -> str:
        """Return ``onnx (12.0 ms a row; torch 45.8)``."""
        if self.reason:
            return f"{self.backend} ({self.reason})"
        times = {"torch": self.torch_ms, "onnx": self.onnx_ms}
        (other,) = times.keys() - {self.backend}
        return f"{self.backend} ({times[self.backend]:.3g} ms a row; {other} {times[other]:.3g})"


def choose(forward: Forward, device: str) -> Choice:
    """Return the choice for this machine, device and number of threads: the remembered one, else measured now.

    A remembered choice reads no weights. The first call exports the model and runs it for a few seconds.
    """
    name = f"{forward.key}-{device.replace(':', '')}-{torch.get_num_threads()}"
    file = onnx_home() / f"{name}.json"
    if (known := _read(file)) is not None:
        return known
    with locked(name):  # two processes that measure at once would disturb each other
        if (known := _read(file)) is None:
            known = _measure(forward, device)
            _remember(file, known)
            logging.getLogger("mmsdk").info("%s: backend %s", forward.name, known)
        return known


def _measure(forward: Forward, device: str) -> Choice:
    """Run both in turn on the example of most rows; the median of each."""
    try:
        file = exported(forward)
    except ExportRefusedError as error:
        return Choice(backend="torch", reason=str(error))
    batch = max(forward.examples(), key=_rows)
    rows = _rows(batch)
    session, network = Session(file, device, forward.name), forward.read(device)
    there = moved(batch, device, network.model.dtype)

    def by_torch() -> Any:
        with torch.inference_mode():
            return forward.vectors(network, there).cpu()

    ours, theirs = _times(by_torch, lambda: session.run(batch))
    torch_ms, onnx_ms = (1e3 * statistics.median(seconds) / rows for seconds in (ours, theirs))
    return Choice(backend="onnx" if torch_ms > WORTH_IT * onnx_ms else "torch", torch_ms=torch_ms, onnx_ms=onnx_ms)


def _rows(inputs: Mapping[str, torch.Tensor]) -> int:
    """Return how many rows a batch holds."""
    return len(next(iter(inputs.values())))


def _times(*calls: Callable[[], Any]) -> list[list[float]]:
    """Return the seconds of each call, taken in turn after one that is not counted."""
    for call in calls:
        call()
    seconds: list[list[float]] = [[] for _ in calls]
    started = time.perf_counter()
    for done in range(ROUNDS[1]):
        if done >= ROUNDS[0] and time.perf_counter() - started > SECONDS:
            break
        for call, kept in zip(calls, seconds, strict=True):
            before = time.perf_counter()
            call()
            kept.append(time.perf_counter() - before)
    return seconds


def _read(file: Path) -> Choice | None:
    """Return what is remembered, if it is of this version and readable."""
    try:
        facts = json.loads(file.read_text("utf-8"))
        version = facts.pop("version")
        return Choice(**facts) if version == VERSION and facts["backend"] in ("torch", "onnx") else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _remember(file: Path, choice: Choice) -> None:
    """Write a choice down; where that cannot be done, the next process measures again."""
    with contextlib.suppress(OSError), atomic_write(file) as path:
        path.write_text(json.dumps({"version": VERSION, **asdict(choice)}), "utf-8")
