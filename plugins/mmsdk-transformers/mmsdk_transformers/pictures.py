"""Picture models of transformers as an encoder: RGB pixels in, pooled vectors out."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
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
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network
    from mmsdk_transformers.pixels import Pixels
    from mmsdk_transformers.vectors import Run

    Prepare = Callable[[Sequence[np.ndarray]], Mapping[str, torch.Tensor]]


class PictureEncoder(VectorEncoder):
    """RGB uint8 ``(h, w, 3)`` to vectors. Joint models share their weights with texts.

    A batch goes through the model part by part, and while it computes one, the next ones are prepared.
    """

    KIND = "transformers-image"
    BATCH: ClassVar = {"cpu": 32, "cuda": 256}
    PART: ClassVar = {"cpu": 8, "cuda": 64}  # on a CPU larger ones fall out of its cache: 38 ms a photo at 8, 79 at 32
    AHEAD: ClassVar = {"cpu": 1, "cuda": 8}  # threads that prepare
    PIECE = 8  # pictures that one of them prepares at a time

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey picture."""
        return int(self.encode([np.full((32, 32, 3), 127, np.uint8)], "image").shape[1])

    def _vectors(self, batch: Sequence[np.ndarray], run: Run) -> torch.Tensor:
        kind = self._device.partition(":")[0]
        size = self.PART.get(kind, 32)
        prepare = partial(self._prepared, as_bytes=self._scales and run == self._by_torch)
        try:
            return torch.cat([run(part) for part in self._ahead(batch, size, self.AHEAD.get(kind, 1), prepare)])
        except torch.OutOfMemoryError:  # CUDA: smaller parts may fit
            torch.cuda.empty_cache()
        return self._by_parts(lambda part: run(prepare(part)), batch, size // 2)

    def _ahead(
        self, batch: Sequence[np.ndarray], size: int, workers: int, prepare: Prepare
    ) -> Iterator[Mapping[str, torch.Tensor]]:
        """Yield prepared parts, made ahead by threads where there are several, in pieces that keep them all at work."""
        if len(batch) <= size:
            yield prepare(batch)
            return
        _ = self._processor, self._pixels  # read once, by this thread
        pieces = [batch[start : start + self.PIECE] for start in range(0, len(batch), self.PIECE)]
        pool = ThreadPoolExecutor(workers, thread_name_prefix="mmsdk-prepare")
        try:
            prepared = pool.map(prepare, pieces)
            while part := list(itertools.islice(prepared, max(1, size // self.PIECE))):
                yield from _joined(part)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepared(self, batch: Sequence[np.ndarray], *, as_bytes: bool = False) -> Mapping[str, torch.Tensor]:
        """Return pixels as the model wants them.

        :param as_bytes: a GPU scales them, which takes it less time than copying four times the bytes.
        """
        if self._pixels is not None:
            one = self._pixels.levels if as_bytes else self._pixels.prepared
            with contextlib.suppress(ValueError):  # smaller than what is cut out, or of several sizes
                return {"pixel_values": torch.from_numpy(np.stack(list(map(one, batch))))}
        found: Mapping[str, torch.Tensor] = self._processor(
            images=[Image.fromarray(sample) for sample in batch], return_tensors="pt"
        )
        return found

    def _examples(self) -> Sequence[Mapping[str, torch.Tensor]]:
        return [self._prepared(batch) for batch in examples.pictures((2, 1, self.PART["cpu"]))]

    @property
    def _scales(self) -> bool:
        """Return whether the device scales the pixels."""
        return self._device.startswith("cuda")

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        pixels = inputs["pixel_values"]
        if pixels.dtype == torch.uint8 and self._pixels is not None:
            inputs = {**inputs, "pixel_values": self._pixels.scaled(pixels, found.model.dtype)}
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


def _joined(pieces: Sequence[Mapping[str, torch.Tensor]]) -> Sequence[Mapping[str, torch.Tensor]]:
    """Return prepared pieces as one; as they are where they are of several kinds or sizes."""
    kinds = {tuple((name, one.dtype, one.shape[1:]) for name, one in piece.items()) for piece in pieces}
    if len(pieces) == 1 or len(kinds) > 1:
        return pieces
    return [{name: torch.cat([one[name] for one in pieces]) for name in pieces[0]}]


def picture_processor(checkpoint: Checkpoint) -> Any:
    """Return a model's own preprocessing, by Pillow wherever it runs, so that vectors do not depend on extras."""
    from transformers import AutoImageProcessor

    with silence(), failing(checkpoint):
        return AutoImageProcessor.from_pretrained(
            checkpoint.folder, backend="pil", local_files_only=True, trust_remote_code=checkpoint.trusted
        )
