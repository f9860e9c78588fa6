"""What the encoders of a checkpoint share: its weights, where they lie, how wide they are, whose they are."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch

from mmsdk import EncoderError
from mmsdk_transformers.network import DTYPES, failing, moved, network, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network


class ModelEncoder:
    """An encoder whose weights are read when first needed and shared by all encoders of the checkpoint.

    :param checkpoint: the model on this machine.
    :param device: ``cpu``, ``cuda``, ``cuda:1``.
    :param dtype: ``auto`` (float32, on CUDA float16) or one by name.
    :param pooling: how many tokens become one vector.
    :param normalize: vectors of length one.
    """

    KIND: ClassVar[str]  # stands in the fingerprint
    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[Mapping[str, int]]  # kind of device -> samples at once

    def __init__(self, checkpoint: Checkpoint, *, device: str, dtype: str, pooling: str, normalize: bool) -> None:
        self._checkpoint = checkpoint
        self._dtype = self._known(dtype)
        self._pooling = pooling
        self._normalize = normalize
        self._own: str | None = None  # the dtype of weights that nobody else holds
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        return self._fingerprint()

    def space(self) -> str:
        """Return which space its vectors lie in: the same text for both modalities of a joint model."""
        return self._checkpoint.fingerprint(joint=True) if self._checkpoint.joint else self.fingerprint()

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        self._device = device
        self._network: Network | None = None
        self.batch_size = self.BATCH.get(device.partition(":")[0], 32)

    def module(self) -> torch.nn.Module:
        """Return the model, its weights read. All encoders of the checkpoint hold it: see :meth:`private`."""
        model: torch.nn.Module = self._read().model
        return model

    def private(self, *, dtype: str | None = None) -> Self:
        """Return an encoder like this one with weights of its own, which tuning may change.

        Adapters go into ``module()`` in place (``peft.inject_adapter_in_model``); ``vectors`` and ``encode`` use them
        from then on. The fingerprint is that of the untuned encoder.

        :param dtype: of these weights, where another one than the encoder's is better for training.
        :raises EncoderError: there is no such dtype.
        """
        twin = copy.copy(self)
        twin._own = self._dtype if dtype is None else self._known(dtype)
        twin.to(self._device)
        return twin

    def _fingerprint(self) -> str:
        """Return the key of the vectors that torch makes."""
        return self._checkpoint.fingerprint(**self._facts())

    def _facts(self) -> dict[str, Any]:
        """Return what changes the vectors beside the files. A later option adds to it only where it was chosen."""
        facts = {"encoder": self.KIND, "version": self.VERSION, "pooling": self._pooling, "normalize": self._normalize}
        return {**facts, "dtype": self._dtype} if self._dtype != "auto" else facts

    def _known(self, dtype: str) -> str:
        """Return the name of a dtype.

        :raises EncoderError: there is none of that name.
        """
        if dtype not in DTYPES:
            raise EncoderError(f"{self._checkpoint.name}: no dtype named {dtype!r}; there are {', '.join(DTYPES)}")
        return dtype

    def _read(self) -> Network:
        """Return the model, read when first needed; never under ``inference_mode``, or nobody could tune it."""
        if self._network is None:
            with torch.inference_mode(mode=False):
                if self._own is None:
                    self._network = network(self._checkpoint, self._device, self._dtype)
                else:
                    self._network = read(self._checkpoint, self._device, self._own)
        return self._network

    def _by_torch(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return ``(n, dim)`` float32 on the device of prepared tensors on the CPU."""
        found = self._read()
        with failing(self._checkpoint):
            return self._forward(found, moved(inputs, self._device, found.model.dtype))

    def _forward(self, found: Network, inputs: Any) -> torch.Tensor:
        """Return ``(n, dim)`` float32 of prepared tensors on the device, pooled, of length one where asked for."""
        vectors = self._answer(found, inputs).float()
        return torch.nn.functional.normalize(vectors, dim=1) if self._normalize else vectors

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        """Return what the model makes of prepared tensors on its device, ``(n, dim)``."""
        raise NotImplementedError

    def _by_parts(self, function: Callable[[Any], torch.Tensor], items: Sequence[Any], size: int = 0) -> torch.Tensor:
        """Return what ``function`` makes of ``items``, so many at once as fit the device."""
        size = size or self.batch_size
        try:
            return torch.cat([function(items[start : start + size]) for start in range(0, len(items), size)])
        except torch.OutOfMemoryError:  # CUDA: a long file is many windows, which the core cannot halve
            if size == 1:
                raise
        torch.cuda.empty_cache()
        return self._by_parts(function, items, size // 2)
