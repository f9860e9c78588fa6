"""Encoders of one vector a sample, by torch or by ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch

from mmsdk_transformers.backends import Backend
from mmsdk_transformers.encoder import ModelEncoder
from mmsdk_transformers.network import network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.exporting import Forward

    Run = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]


class VectorEncoder(ModelEncoder):
    """An encoder of one vector a sample; ``backend`` says what runs it."""

    def __init__(
        self, checkpoint: Checkpoint, *, device: str, dtype: str, pooling: str, normalize: bool, backend: str
    ) -> None:
        self._asked_backend = backend
        super().__init__(checkpoint, device=device, dtype=dtype, pooling=pooling, normalize=normalize)

    def fingerprint(self) -> str:
        """Return the key of its vectors; ONNX and torch make slightly different ones."""
        return self._checkpoint.fingerprint(**self._facts(), **self._backend.facts())

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        super().to(device)
        self._backend = Backend(self._asked_backend, self._checkpoint.name, device, self._exportable)

    def module(self) -> torch.nn.Module:
        """Return the model, its weights read; from now on torch makes the vectors, since weights may change."""
        self._backend.leave()
        return super().module()

    def private(self, *, dtype: str | None = None) -> Self:
        """Return an encoder like this one with weights of its own, which tuning may change, run by torch."""
        twin = super().private(dtype=dtype)
        twin._backend.leave()
        return twin

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        if self._backend.runs():
            return self._vectors(batch, self._by_onnx).numpy()
        self._read()
        with torch.inference_mode():
            return self.vectors(batch, modality).cpu().numpy()

    def vectors(self, batch: Sequence[Any], modality: str) -> torch.Tensor:
        """Return ``(n, dim)`` float32 on the device, with gradients where the weights have them."""
        return self._vectors(batch, self._by_torch)

    def report(self) -> Mapping[str, float | tuple[int, int]]:
        """Return what the choice of ``auto`` rests on."""
        return self._backend.report()

    def _vectors(self, batch: Sequence[Any], run: Run) -> torch.Tensor:
        """Return ``(n, dim)``: prepare samples, run them."""
        raise NotImplementedError

    def _examples(self) -> Sequence[Mapping[str, torch.Tensor]]:
        """Return prepared tensors to export, compare and time the model with."""
        raise NotImplementedError

    def _by_onnx(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return ``(n, dim)`` float32 of prepared tensors on the CPU."""
        return torch.from_numpy(self._backend.run(inputs))

    def _exportable(self) -> Forward:
        """Return what an ONNX file has to compute."""
        from mmsdk_transformers.exporting import Forward

        return Forward(
            name=self._checkpoint.name,
            key=self._fingerprint(),
            read=lambda device: network(self._checkpoint, device, self._dtype),
            vectors=self._forward,
            examples=self._examples,
        )
