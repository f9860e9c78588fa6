"""Text models of transformers as an encoder: strings in, one vector each out."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch

from mmsdk import EncoderError
from mmsdk_transformers.encoder import ModelEncoder
from mmsdk_transformers.network import failing, moved, silence
from mmsdk_transformers.pooling import pooled, text_vectors
from mmsdk_transformers.windows import averaged, windows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mmsdk_transformers.checkpoint import Checkpoint

LONGEST = 512
OFFSET = (  # positions start after the padding
    "roberta",
    "xlm-roberta",
    "camembert",
    "mpnet",
    "xmod",
    "data2vec-text",
    "clap_text_model",
)
PADDED = ("siglip", "siglip2")  # trained on texts padded to their full length


class TextEncoder(ModelEncoder):
    """``str`` to vectors. Joint models share their weights with pictures or sounds."""

    KIND = "transformers-text"
    BATCH = {"cpu": 32, "cuda": 128}

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str,
        pooling: str,
        max_length: int | None,
        normalize: bool,
        chunk: bool = False,
        prompt: str = "",
        dtype: str = "auto",
    ) -> None:
        if max_length is not None and (type(max_length) is not int or max_length < 1):
            raise EncoderError(f"{checkpoint.name}: max_length is {max_length!r}, expected a whole number above 0")
        if not isinstance(chunk, bool):
            raise EncoderError(f"{checkpoint.name}: chunk is {chunk!r}, expected true or false")
        if not isinstance(prompt, str):
            raise EncoderError(f"{checkpoint.name}: prompt is {prompt!r}, expected a text")
        super().__init__(checkpoint, device=device, dtype=dtype, normalize=normalize)
        self._pooling = pooling
        self._asked = max_length
        self._chunk = chunk
        self._prompt = prompt
        self._lock = threading.Lock()  # a tokenizer that pads and cuts cannot be lent to two threads
        self._seen = 0
        self._cut = 0

    def private(self, *, dtype: str | None = None) -> Self:
        """Return an encoder with weights and counts of its own."""
        twin = super().private(dtype=dtype)
        twin._seen = twin._cut = 0
        return twin

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a word."""
        seen, cut = self._seen, self._cut
        width = int(self.encode(["a"], "text").shape[1])
        self._seen, self._cut = seen, cut
        return width

    def length(self, sample: str) -> int:
        """Return the number of tokens after the cut, so that texts of one length make a batch."""
        most = self._limit * (MOST_WINDOWS if self._chunk else 1)
        with self._lock:
            return len(self._tokenizer(self._prompt + sample, truncation=True, max_length=most)["input_ids"])

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        self._read()
        with torch.inference_mode():
            return self.vectors(batch, modality).cpu().numpy()

    def vectors(self, batch: Sequence[str], modality: str) -> torch.Tensor:
        """Return ``(n, dim)`` float32 on the device, with gradients where weights have them."""
