"""A checkpoint: one safetensors file, whole or absent, with the numbers of the run as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mmsdk.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from mmsdk.model import JointNet

NAME = "checkpoint.safetensors"
SAMPLED_ROWS = 1024


@dataclass(slots=True, kw_only=True)
class State:
    """Where training stands, after ``epoch`` whole epochs (0: not begun).

    Random numbers need no place here: every epoch draws from generators seeded by the run's seed and its own number.
    """

    epoch: int = 0
    best_epoch: int = 0
    best: tuple[float, float] | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    finished: bool = False


def save_checkpoint(
    folder: Path,
    state: State,
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    key: str,
    own: nn.Module | None = None,
) -> None:
    """Write the state, the weights and the optimiser; a kill leaves the checkpoint before.

    :param own: what training has beside the network.
    """
    tensors = {f"net.{name}": one for name, one in net.state_dict().items()}
    tensors |= {f"own.{name}": one for name, one in own.state_dict().items()} if own is not None else {}
    tensors |= {f"best.{name}": one for name, one in state.best_weights.items()}
    for position, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{position}.{name}": torch.as_tensor(one) for name, one in moments.items()}
    header = {
        "key": key,
        "epoch": state.epoch,
        "best_epoch": state.best_epoch,
        "best": state.best,
        "history": state.history,
        "finished": state.finished,
    }
    whole = {name: one.detach().cpu().contiguous().clone() for name, one in tensors.items()}
    with atomic_write(folder / NAME) as path:
        save_file(whole, path, metadata={"state": json.dumps(header)})


def load_checkpoint(
    folder: Path, net: nn.Module, optimiser: torch.optim.Optimizer, key: str, own: nn.Module | None = None
) -> State | None:
    """Restore net and optimiser and return the state; None where there is no checkpoint of this very training."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None
    if header["key"] != key:
        return None
    net.load_state_dict(_part(tensors, "net"))
    if own is not None:
        own.load_state_dict(_part(tensors, "own"))
    _restore(optimiser, _part(tensors, "optimiser"))
    best = None if header["best"] is None else (header["best"][0], header["best"][1])
    return State(
        epoch=header["epoch"],
        best_epoch=header["best_epoch"],
        best=best,
        best_weights=_part(tensors, "best"),
        history=header["history"],
        finished=header["finished"],
    )


def training_key(
    net: JointNet, config: Mapping[str, Any], embeddings: Any, targets: Mapping[str, Any], split: Any
) -> str:
    """Return a hash of what decides the outcome: settings, first weights, split, targets, a sample of the vectors."""
    digest = hashlib.blake2b(json.dumps(config, sort_keys=True, default=str).encode(), digest_size=16)
    digest.update(repr(net).encode() + str(net.modality_dropout).encode())  # its layers and their rates
    for name, one in net.state_dict().items():
        digest.update(name.encode() + one.detach().cpu().contiguous().numpy().tobytes())
    digest.update("\0".join(map(str, split)).encode())
    for name, target in targets.items():
        digest.update(f"{name} {target.weight} {sorted(target.options.items())}".encode())
        digest.update(np.ascontiguousarray(target.values).tobytes() + np.ascontiguousarray(target.labelled).tobytes())
        if target.ruled:
            digest.update(f"{target.rule_weight}".encode())
            for part in (target.allowed, *(half for one in target.clashes for half in (one.mask, one.rows))):
                digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    for name, values in embeddings.values.items():
        rows = np.unique(np.linspace(0, len(values) - 1, SAMPLED_ROWS).astype(np.int64))
        digest.update(name.encode() + np.ascontiguousarray(values[rows]).tobytes())
        digest.update(np.ascontiguousarray(embeddings.present[name]).tobytes())
    return digest.hexdigest()


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors under a prefix, without it."""
    return {name.removeprefix(f"{prefix}."): one for name, one in tensors.items() if name.startswith(f"{prefix}.")}


def _restore(optimiser: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    """Put saved moments back into an optimiser over the same parameters."""
    whole = optimiser.state_dict()
    found: dict[int, dict[str, Tensor]] = {}
    for name, one in moments.items():
        position, kind = name.split(".", 1)
        found.setdefault(int(position), {})[kind] = one
    optimiser.load_state_dict({"state": found, "param_groups": whole["param_groups"]})
