"""Picture models of transformers as an encoder: RGB pixels in, pooled vectors out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from mmsdk_transformers.network import failing, network, silence
from mmsdk_transformers.pooling import picture_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network

VERSION = 1
BATCH = {"cpu": 8, "cuda": 64}  # on a CPU larger batches fall out of its cache: 38 ms a photo at 8, 79 at 32


class PictureEncoder:
    """RGB uint8 ``(h, w, 3)`` to vectors. Weights are read when first needed; joint models share theirs with texts."""

    def __init__(self, checkpoint: Checkpoint, *, device: str, pooling: str, normalize: bool) -> None:
        self._checkpoint = checkpoint
        self._pooling = pooling
        self._normalize = normalize
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"encoder": "transformers-image", "version": VERSION}
        return self._checkpoint.fingerprint(**facts, pooling=self._pooling, normalize=self._normalize)

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        self._device = device
        self._network: Network | None = None
        self.batch_size = BATCH.get(device.partition(":")[0], 32)

    def module(self) -> torch.nn.Module:
        """Return the model, its weights read."""
        model: torch.nn.Module = self._read().model
        return model

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey picture."""
        return int(self.encode([np.full((32, 32, 3), 127, np.uint8)], "image").shape[1])

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        parts = [batch[start : start + self.batch_size] for start in range(0, len(batch), self.batch_size)]
        with torch.inference_mode():
            return np.concatenate([self._encode(part) for part in parts])

    def _encode(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        """Encode what fits the device at once."""
        found = self._read()
        pictures = [Image.fromarray(sample) for sample in batch]
        inputs = self._processor(images=pictures, return_tensors="pt").to(self._device, dtype=found.model.dtype)
        with failing(self._checkpoint):
            vectors = self._vectors(found, inputs)
        vectors = vectors.float()
        return (torch.nn.functional.normalize(vectors, dim=1) if self._normalize else vectors).cpu().numpy()

    def _vectors(self, found: Network, inputs: Any) -> torch.Tensor:
        """Return what the model makes of prepared pixels."""
        if self._checkpoint.joint:
            answer = found.model.get_image_features(**inputs)
            return answer if isinstance(answer, torch.Tensor) else answer.pooler_output
        return picture_vectors(found.model(**inputs), found, self._pooling, self._checkpoint.name)

    def _read(self) -> Network:
        """Return the model, read when first needed."""
        if self._network is None:
            self._network = network(self._checkpoint, self._device)
        return self._network

    @cached_property
    def _processor(self) -> Any:
        """Return the model's own preprocessing, by Pillow wherever it runs, so that vectors do not depend on extras."""
        from transformers import AutoImageProcessor

        with silence(), failing(self._checkpoint):
            return AutoImageProcessor.from_pretrained(
                self._checkpoint.folder,
                backend="pil",
                local_files_only=True,
                trust_remote_code=self._checkpoint.trusted,
            )
