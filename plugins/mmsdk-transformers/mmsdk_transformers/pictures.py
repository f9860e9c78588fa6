"""Picture models of transformers as an encoder: RGB pixels in, pooled vectors out."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image

from mmsdk_transformers import examples
from mmsdk_transformers.network import failing, silence
from mmsdk_transformers.pixels import one_pass
from mmsdk_transformers.pooling import picture_vectors, pooled
from mmsdk_transformers.vectors import VectorEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network
    from mmsdk_transformers.pixels import Pixels
    from mmsdk_transformers.vectors import Run


class PictureEncoder(VectorEncoder):
    """RGB uint8 ``(h, w, 3)`` to vectors. Joint models share their weights with texts.

    A batch goes through the model part by part, and while it computes one, the next ones are prepared.
    """

    KIND = "transformers-image"
    BATCH: ClassVar = {"cpu": 32, "cuda": 256}
    PART: ClassVar = {"cpu": 8, "cuda": 64}  # on a CPU larger ones fall out of its cache: 38 ms a photo at 8, 79 at 32
    AHEAD: ClassVar = {"cpu": 1, "cuda": 4}  # threads that prepare

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey picture."""
        return int(self.encode([np.full((32, 32, 3), 127, np.uint8)], "image").shape[1])

    def _vectors(self, batch: Sequence[np.ndarray], run: Run) -> torch.Tensor:
        kind = self._device.partition(":")[0]
        size = self.PART.get(kind, 32)
        try:
            return torch.cat([run(part) for part in self._ahead(batch, size, self.AHEAD.get(kind, 1))])
        except torch.OutOfMemoryError:  # CUDA: smaller parts may fit
            torch.cuda.empty_cache()
        return self._by_parts(lambda part: run(self._prepared(part)), batch, size // 2)

    def _ahead(self, batch: Sequence[np.ndarray], size: int, workers: int) -> Iterator[Mapping[str, torch.Tensor]]:
        """Yield prepared parts, made ahead by threads where there are several."""
        parts = [batch[start : start + size] for start in range(0, len(batch), size)]
        if len(parts) == 1:
            yield self._prepared(parts[0])
            return
        _ = self._processor, self._pixels  # read once, by this thread
        pool = ThreadPoolExecutor(workers, thread_name_prefix="mmsdk-prepare")
        try:
            yield from pool.map(self._prepared, parts)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepared(self, batch: Sequence[np.ndarray]) -> Mapping[str, torch.Tensor]:
        """Return pixels as the model wants them."""
        if self._pixels is not None:
            with contextlib.suppress(ValueError):  # smaller than what is cut out, or of several sizes
                return {"pixel_values": torch.from_numpy(np.stack(list(map(self._pixels.prepared, batch))))}
        found: Mapping[str, torch.Tensor] = self._processor(
            images=[Image.fromarray(sample) for sample in batch], return_tensors="pt"
        )
        return found

    def _examples(self) -> Sequence[Mapping[str, torch.Tensor]]:
        return [self._prepared(batch) for batch in examples.pictures((2, 1, self.PART["cpu"]))]

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        if self._checkpoint.joint:
            return pooled(found.model.get_image_features(**inputs))
        return picture_vectors(found.model(**inputs), found, self._pooling, self._checkpoint.name)

    @cached_property
    def _processor(self) -> Any:
        """Return the model's own preprocessing."""
        return picture_processor(self._checkpoint)

    @cached_property
    def _pixels(self) -> Pixels | None:
        """Return the same in one pass, where it is the same."""
        return one_pass(self._processor)


def picture_processor(checkpoint: Checkpoint) -> Any:
    """Return a model's own preprocessing, by Pillow wherever it runs, so that vectors do not depend on extras."""
    from transformers import AutoImageProcessor

    with silence(), failing(checkpoint):
        return AutoImageProcessor.from_pretrained(
            checkpoint.folder, backend="pil", local_files_only=True, trust_remote_code=checkpoint.trusted
        )
