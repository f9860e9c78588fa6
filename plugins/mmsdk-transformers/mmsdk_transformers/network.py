"""Reading a transformers model: silently, whole or not at all, once for all encoders that share it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_transformers.checkpoint import Checkpoint

SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A model in evaluation mode.

    :param model: the ``transformers`` model.
    :param pooled: its pooler was trained; a checkpoint without one would pool by random numbers.
    """

    model: Any
    pooled: bool


_networks: WeakValueDictionary[tuple[str, str], Network] = WeakValueDictionary()
_lock = threading.RLock()


def network(checkpoint: Checkpoint, device: str) -> Network:
    """Return the model on a device; encoders of one checkpoint (text and image of CLIP) share it while any lives."""
    key = (checkpoint.fingerprint(), device)
    with _lock:
        found = _networks.get(key)
        if found is None:
            found = _networks[key] = _read(checkpoint, device)
        return found


def _read(checkpoint: Checkpoint, device: str) -> Network:
    """Read the weights: float32 on the CPU, float16 on CUDA."""
    import torch
    from transformers import AutoModel

    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    with silence(), failing(checkpoint):
        model, found = AutoModel.from_pretrained(
            checkpoint.folder,
            local_files_only=True,
            trust_remote_code=checkpoint.trusted,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
        )
    unread = sorted({*found["missing_keys"], *(str(key[0]) for key in found["mismatched_keys"])})
    lacking = [key for key in unread if "pooler" not in key]
    if lacking:
        raise EncoderError(
            f"{checkpoint.name}: its weights lack {len(lacking)} tensors of {type(model).__name__} "
            f"({', '.join(lacking[:SHOWN])}), which would be random numbers; the config.json is that of another model"
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    model = model.eval().requires_grad_(requires_grad=False).to(device)
    if device == "cpu":
        model = model.to(memory_format=torch.channels_last)  # a third faster in convolutions, the same numbers
    return Network(model=model, pooled=not unread)


@contextlib.contextmanager
def failing(checkpoint: Checkpoint) -> Iterator[None]:
    """Turn what a library raises over a folder into one sentence."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
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
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
