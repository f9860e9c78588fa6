"""Low-rank updates (LoRA) in the last layers of a module: where they go, what they hold, and folding them in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

UPDATE = "lora_"  # in the names of peft's parameters
SCALE = 2.0  # alpha over rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What tuning learned.

    :param modules: names of the layers that were updated.
    :param rank: of the updates.
    :param arrays: parameter name -> float32 array.
    """

    modules: tuple[str, ...]
    rank: int
    arrays: Mapping[str, np.ndarray] = field(repr=False)

    def fingerprint(self) -> str:
        """Return 32 hex digits that tell it from every other."""
        digest = hashlib.blake2b(f"{self.rank} {self.modules}".encode(), digest_size=16)
        for name, array in sorted(self.arrays.items()):
            digest.update(name.encode() + np.ascontiguousarray(array, np.float32).tobytes())
        return digest.hexdigest()


def last_layers(encoder: Any, sample: Any, modality: str, count: int) -> tuple[str, ...]:
    """Return the names of the linear and convolution layers in the last ``count`` blocks of the model.

    A probe says which blocks the modality goes through: those whose weights a sample's vector depends on (of CLIP the
    one tower, not the other). A block is an entry of the longest list of modules among them.

    :raises EncoderError: there are no such blocks.
    """
    module: nn.Module = encoder.module()
    reached = _reached(encoder, module, sample, modality)
    lists = [
        (name, part)
        for name, part in module.named_modules()
        if isinstance(part, nn.ModuleList) and len(part) and any(key.startswith(f"{name}.") for key in reached)
    ]
    if not lists:
        raise EncoderError(f"{type(module).__name__} has no list of layers to tune; leave tune out")
    name, blocks = max(lists, key=lambda one: len(one[1]))
    found = []
    for position in range(max(0, len(blocks) - count), len(blocks)):
        for inner, layer in blocks[position].named_modules():
            path = f"{name}.{position}.{inner}" if inner else f"{name}.{position}"
            if _can_be_updated(layer) and f"{path}.weight" in reached:
                found.append(path)
    if not found:
        raise EncoderError(
            f"the last layers of {type(module).__name__} hold nothing that LoRA can update; leave tune out"
        )
    return tuple(found)


def inject(module: nn.Module, modules: Sequence[str], rank: int) -> dict[str, nn.Parameter]:
    """Put fresh updates (of no effect yet) into a module, freeze all else, and return the parameters to train.

    Hu et al. 2021, arXiv:2106.09685: W + (alpha / r) B A, with B zero at first; alpha is twice the rank.

    :raises EncoderError: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise EncoderError("tuning an encoder needs peft, which is not installed: pip install 'mmsdk[tune]'") from None
    names = "|".join(re.escape(name) for name in modules)
    config = LoraConfig(r=rank, lora_alpha=int(SCALE * rank), target_modules=names, lora_dropout=0.0)
    inject_adapter_in_model(config, module)
    found = {}
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(UPDATE in name)
        if UPDATE in name:
            parameter.data = parameter.data.float()
            found[name] = parameter
    return found


def read_adapter(module: nn.Module, modules: Sequence[str], rank: int) -> Adapter:
    """Return what the updates in a module hold."""
    arrays = {
        name: one.detach().float().cpu().numpy().copy() for name, one in module.named_parameters() if UPDATE in name
    }
    return Adapter(modules=tuple(modules), rank=rank, arrays=arrays)


def fold(module: nn.Module, adapter: Adapter) -> None:
    """Put updates into a module and fold them into its weights, so that it runs as fast as before.

    :raises EncoderError: they do not fit the module.
    """
    parameters: dict[str, Tensor] = dict(inject(module, adapter.modules, adapter.rank))
    if parameters.keys() != adapter.arrays.keys():
        raise EncoderError("the saved updates do not fit the encoder that is installed here; fit again")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(np.array(adapter.arrays[name])))
    for layer in module.modules():
        if type(layer).__module__.startswith("peft.") and callable(merge := getattr(layer, "merge", None)):
            merge()
    module.requires_grad_(requires_grad=False)


def _reached(encoder: Any, module: nn.Module, sample: Any, modality: str) -> set[str]:
    """Return the names of the parameters that the vector of a sample depends on."""
    module.requires_grad_(requires_grad=True)
    try:
        with torch.enable_grad():
            encoder.vectors([sample], modality).square().sum().backward()
        return {name for name, one in module.named_parameters() if one.grad is not None}
    finally:
        for one in module.parameters():
            one.grad = None
        module.requires_grad_(requires_grad=False)


def _can_be_updated(layer: nn.Module) -> bool:
    """Return whether LoRA knows the layer: linear, or a convolution that mixes all its channels."""
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)
