"""The core of a run directory on disk: ``run.json`` (what it is) and ``model.safetensors`` (every array)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mmsdk.errors import RunError
from mmsdk.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run directory holds.

    :param document: ``run.json``: JSON values only; ``schema_version`` is put in and checked here.
    :param arrays: ``model.safetensors``: names such as ``net.heads.0.weight`` and ``ranker.items``.
    """

    document: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays under ``prefix.``, without it."""
        start = f"{prefix}."
        return {name.removeprefix(start): one for name, one in self.arrays.items() if name.startswith(start)}


def save_run(folder: Path, run: Run) -> None:
    """Write both files; each is whole or absent."""
    with atomic_write(folder / "model.safetensors") as path:
        save_file({name: np.ascontiguousarray(one) for name, one in run.arrays.items()}, path)
    text = json.dumps({"schema_version": SCHEMA_VERSION, **run.document}, indent=2, ensure_ascii=False)
    with atomic_write(folder / "run.json") as path:
        path.write_text(text + "\n", encoding="utf-8")


def load_run(folder: Path) -> Run:
    """Read what :func:`save_run` wrote.

    :raises RunError: no run lies there, or it is incomplete, unreadable, or of a newer schema.
    """
    for name in ("run.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise RunError(f"{folder} is no run: it has no {name}; expected a folder that mmsdk fit or a recipe made")
    try:
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "model.safetensors")
    except (ValueError, SafetensorError) as error:
        raise RunError(f"{folder} cannot be read ({error}): it is damaged; fit it again") from error
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{folder}/run.json has schema_version {version!r}, and this mmsdk reads {SCHEMA_VERSION}; "
            "use the mmsdk that made it, or fit it again"
        )
    return Run(document=document, arrays=arrays)


def net_arrays(net: nn.Module, prefix: str = "net") -> dict[str, np.ndarray]:
    """Return the weights and buffers of a module as arrays named ``prefix.<name>``."""
    return {f"{prefix}.{name}": one.detach().cpu().numpy() for name, one in net.state_dict().items()}


def load_net_arrays(net: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Put arrays (without their prefix) into a module of the same shape, to the bit.

    :raises RunError: names or shapes differ.
    """
    import torch

    try:
        net.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in arrays.items()})
    except RuntimeError as error:
        raise RunError(f"the saved weights do not fit the application of the run: {error}; fit it again") from error
