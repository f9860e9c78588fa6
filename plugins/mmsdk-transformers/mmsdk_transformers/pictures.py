"""Picture models of transformers as an encoder: RGB pixels in, pooled vectors out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from mmsdk_transformers import examples
from mmsdk_transformers.network import failing, silence
from mmsdk_transformers.pooling import picture_vectors, pooled
from mmsdk_transformers.vectors import VectorEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network
    from mmsdk_transformers.vectors import Run


class PictureEncoder(VectorEncoder):
    """RGB uint8 ``(h, w, 3)`` to vectors. Joint models share their weights with texts."""

    KIND = "transformers-image"
    BATCH: ClassVar = {
        "cpu": 8,
        "cuda": 64,
    }  # on a CPU larger batches fall out of its cache: 38 ms a photo at 8, 79 at 32

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey picture."""
        return int(self.encode([np.full((32, 32, 3), 127, np.uint8)], "image").shape[1])

    def _vectors(self, batch: Sequence[np.ndarray], run: Run) -> torch.Tensor:
        return self._by_parts(lambda part: run(self._prepared(part)), batch)

    def _prepared(self, batch: Sequence[np.ndarray]) -> Mapping[str, torch.Tensor]:
        """Return pixels as the model wants them."""
        found: Mapping[str, torch.Tensor] = self._processor(
            images=[Image.fromarray(sample) for sample in batch], return_tensors="pt"
        )
        return found

    def _examples(self) -> Sequence[Mapping[str, torch.Tensor]]:
        return [self._prepared(batch) for batch in examples.pictures((2, 1, self.BATCH["cpu"]))]

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        if self._checkpoint.joint:
            return pooled(found.model.get_image_features(**inputs))
        return picture_vectors(found.model(**inputs), found, self._pooling, self._checkpoint.name)

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
