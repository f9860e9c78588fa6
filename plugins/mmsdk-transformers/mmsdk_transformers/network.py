"""Reading a transformers model: silently, whole or not at all, once for all encoders that share it."""

from __future__ import annotations

import contextlib
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_transformers.checkpoint import Checkpoint

SHOWN = 3
UNUSED = "masked_spec_embed"  # wav2vec 2.0 and its kin need it in training only
EMPTY_FILTERS = "At least one mel filter has all zero values"  # so AST was trained; nothing is to be done
DTYPES = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A model in evaluation mode.

    :param model: the ``transformers`` model.
    :param pooled: its pooler was trained; a checkpoint without one would pool by random numbers.
    """

    model: Any
    pooled: bool


_networks: WeakValueDictionary[tuple[str, str, str], Network] = WeakValueDictionary()
_lock = threading.RLock()


def network(checkpoint: Checkpoint, device: str, dtype: str = "auto") -> Network:
    """Return the model on a device; encoders of one checkpoint (text and image of CLIP) share it while any lives."""
    dtype = width_of(device, dtype)
    key = (checkpoint.fingerprint(), device, dtype)
    with _lock:
        found = _networks.get(key)
        if found is None:
            found = _networks[key] = read(checkpoint, device, dtype)
        return found


def read(checkpoint: Checkpoint, device: str, dtype: str = "auto") -> Network:
    """Read the weights, for the caller alone.

    :param dtype: one of ``DTYPES``; ``auto`` is float32 on the CPU, float16 on CUDA.
    :raises EncoderError: they cannot be read, or tensors are missing.
    """
    from transformers import AutoModel

    with silence(), failing(checkpoint):
        model, found = AutoModel.from_pretrained(
            checkpoint.folder,
            local_files_only=True,
            trust_remote_code=checkpoint.trusted,
            use_safetensors=True,
            dtype=width_of(device, dtype),
            output_loading_info=True,
        )
    unread = sorted({*found["missing_keys"], *(str(key[0]) for key in found["mismatched_keys"])})
    pooled = not any("pooler" in key for key in unread)
    lacking = [key for key in unread if "pooler" not in key and UNUSED not in key]
    if lacking:
        raise EncoderError(
            f"{checkpoint.name}: its weights lack {len(lacking)} tensors of {type(model).__name__} "
            f"({', '.join(lacking[:SHOWN])}), which would be random numbers; the config.json is that of another model"
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    model = model.eval().requires_grad_(requires_grad=False).to(device)
    if device == "cpu":
        _channels_last(model)
    return Network(model=model, pooled=pooled)


def _channels_last(model: Any) -> None:
    """Lay the weights of convolutions out by channel: a third faster on a CPU, the same numbers."""
    import torch

    for one in (*model.parameters(), *model.buffers()):
        if one.ndim == 4:
            one.data = one.data.to(memory_format=torch.channels_last)


def moved(inputs: Any, device: str, dtype: Any) -> dict[str, Any]:
    """Return prepared tensors on the device, numbers with a point as wide as the weights.

    :param inputs: name -> tensor, as a tokenizer or a feature extractor makes it.
    """
    found = {name: one.to(dtype) if one.is_floating_point() else one for name, one in inputs.items()}
    if device.startswith("cuda"):  # CUDA: pinned memory is copied while the device still computes
        return {name: one.pin_memory().to(device, non_blocking=True) for name, one in found.items()}
    return {name: one.to(device) for name, one in found.items()}


def width_of(device: str, dtype: str) -> str:
    """Return the dtype that ``auto`` stands for on a device."""
    if dtype != "auto":
        return dtype
    return "float16" if device.startswith("cuda") else "float32"


@contextlib.contextmanager
def failing(checkpoint: Checkpoint) -> Iterator[None]:
    """Turn what a library raises over a folder into one sentence."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":  # the core halves the batch and goes on
            raise
        if "auto_map" in checkpoint.config and not checkpoint.trusted:
            raise EncoderError(
                f"{checkpoint.name}: the model comes with Python code of its own; read it, then set "
                "trust_remote_code: true in the application file"
            ) from error
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"{checkpoint.name}: {checkpoint.folder} cannot be loaded ({reason})") from error


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep transformers' own reports and bars off stderr; what matters of them is an error here."""
    from transformers import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", EMPTY_FILTERS)
            yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
