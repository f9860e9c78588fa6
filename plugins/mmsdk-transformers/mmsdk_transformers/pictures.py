"""Picture models of transformers as an encoder: RGB pixels in, pooled vectors out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from mmsdk_transformers.encoder import ModelEncoder
from mmsdk_transformers.network import failing, moved, silence
from mmsdk_transformers.pooling import pooled, picture_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk_transformers.checkpoint import Checkpoint


class PictureEncoder(ModelEncoder):
    """RGB uint8 ``(h, w, 3)`` to vectors. Joint models share their weights with texts."""

    KIND = "transformers-image"
    BATCH = {"cpu": 8, "cuda": 64}  # on a CPU larger batches fall out of its cache: 38 ms a photo at 8, 79 at 32

    def __init__(
        self, checkpoint: Checkpoint, *, device: str, pooling: str, normalize: bool, dtype: str = "auto"
    ) -> None:
        super().__init__(checkpoint, device=device, dtype=dtype, normalize=normalize)
        self._pooling = pooling

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey picture."""
        return int(self.encode([np.full((32, 32, 3), 127, np.uint8)], "image").shape[1])

    def encode(self, batch: Sequence[np.ndarray], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        self._read()
        with torch.inference_mode():
            return self.vectors(batch, modality).cpu().numpy()

    def vectors(self, batch: Sequence[np.ndarray], modality: str) -> torch.Tensor:
        """Return ``(n, dim)`` float32 on the device, with gradients where weights have them."""
        return self._ready(self._by_parts(self._answer, batch))

    def _answer(self, batch: Sequence[np.ndarray]) -> torch.Tensor:
        """Return what the model makes of what fits the device at once."""
        found = self._read()
        pictures = [Image.fromarray(sample) for sample in batch]
        inputs = moved(self._processor(images=pictures, return_tensors="pt"), self._device, found.model.dtype)
        with failing(self._checkpoint):
            if self._checkpoint.joint:
                return pooled(found.model.get_image_features(**inputs))
            return picture_vectors(found.model(**inputs), found, self._pooling, self._checkpoint.name)

    def _facts(self) -> Mapping[str, Any]:
        return {"pooling": self._pooling}

    @cached_property
    def _processor(self) -> Any:
        """Return the model's own preprocessing."""
        return picture_processor(self._checkpoint)


def picture_processor(checkpoint: Checkpoint) -> Any:
    """Return a model's own preprocessing, by Pillow wherever it runs, so that vectors do not depend on extras."""
    from transformers import AutoImageProcessor

    with silence(), failing(checkpoint):
        return AutoImageProcessor.from_pretrained(
            checkpoint.folder, backend="pil", local_files_only=True, trust_remote_code=checkpoint.trusted
        )
