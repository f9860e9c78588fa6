"""Text models of transformers as an encoder: strings in, one vector each out."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch

from mmsdk import EncoderError
from mmsdk_transformers import examples
from mmsdk_transformers.chunks import MOST, chunked, chunks_of
from mmsdk_transformers.network import failing, silence
from mmsdk_transformers.pooling import pooled, text_vectors
from mmsdk_transformers.vectors import VectorEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network
    from mmsdk_transformers.vectors import Run

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


class TextEncoder(VectorEncoder):
    """``str`` to vectors. Joint models share their weights with pictures or sounds."""

    KIND = "transformers-text"
    BATCH: ClassVar = {"cpu": 32, "cuda": 128}

    def __init__(
        self, checkpoint: Checkpoint, *, max_length: int | None, chunk: bool, prompt: str, **shared: Any
    ) -> None:
        if max_length is not None and (type(max_length) is not int or max_length < 1):
            raise EncoderError(f"{checkpoint.name}: max_length is {max_length!r}, expected a whole number above 0")
        if not isinstance(chunk, bool):
            raise EncoderError(f"{checkpoint.name}: chunk is {chunk!r}, expected true or false")
        if not isinstance(prompt, str):
            raise EncoderError(f"{checkpoint.name}: prompt is {prompt!r}, expected a text")
        self._asked = max_length
        self._chunk = chunk
        self._prompt = prompt
        self._lock = threading.Lock()  # a tokenizer that pads and cuts cannot be lent to two threads
        self._seen = 0
        self._cut = 0
        super().__init__(checkpoint, **shared)

    def private(self, *, dtype: str | None = None) -> Self:
        """Return an encoder like this one with weights of its own, which tuning may change, and counts of its own."""
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
        most = self._limit * (MOST if self._chunk else 1)
        with self._lock:
            return len(self._tokenizer(self._prompt + sample, truncation=True, max_length=most)["input_ids"])

    def report(self) -> Mapping[str, float | tuple[int, int]]:
        """Return how many of how many texts were cut, and what the choice of a backend rests on."""
        return {"truncated": (self._cut, self._seen), **super().report()}

    def _vectors(self, batch: Sequence[str], run: Run) -> torch.Tensor:
        if self._chunk:
            return self._of_chunks(batch, run)
        tokens = self._tokens(batch)
        self._count(len(batch), sum(bool(one.overflowing) for one in tokens.encodings or ()))
        return run(tokens)

    def _of_chunks(self, batch: Sequence[str], run: Run) -> torch.Tensor:
        """Return ``(n, dim)``: each text the mean of its chunks, weighted by their tokens."""
        tokens = self._tokens(batch, **chunked(self._tokenizer, self._limit))
        chunks = chunks_of(tokens, self._checkpoint.name)
        self._count(len(batch), chunks.cut)
        found = self._by_parts(
            lambda rows: run({name: one[rows] for name, one in tokens.items()}), chunks.rows.tolist()
        )
        mean = chunks.mean(found)
        return torch.nn.functional.normalize(mean, dim=1) if self._normalize else mean

    def _tokens(self, batch: Sequence[str], **how: Any) -> Any:
        """Return padded ids and mask."""
        padding = "max_length" if self._checkpoint.config.get("model_type") in PADDED else "longest"
        texts = [self._prompt + text for text in batch]
        with self._lock:
            return self._tokenizer(
                texts, padding=padding, truncation=True, max_length=self._limit, return_tensors="pt", **how
            )

    def _count(self, seen: int, cut: int) -> None:
        """Count texts, and those among them that were cut."""
        self._seen += seen
        self._cut += cut

    def _examples(self) -> Sequence[Mapping[str, torch.Tensor]]:
        batches = [*examples.texts((2, 1, self.BATCH["cpu"])), ["a"]]  # the last is shorter than any limit
        return [self._tokens(batch) for batch in batches]

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        if self._checkpoint.joint:
            return pooled(found.model.get_text_features(**inputs))
        mask = inputs["attention_mask"] if "attention_mask" in inputs else torch.ones_like(inputs["input_ids"])
        return text_vectors(found.model(**inputs), mask, found, self._pooling, self._checkpoint.name)

    def _facts(self) -> dict[str, Any]:
        facts = {**super()._facts(), "length": self._asked}
        chosen = {"chunk": self._chunk, "prompt": self._prompt}
        return {**facts, **{name: value for name, value in chosen.items() if value}}

    @cached_property
    def _limit(self) -> int:
        """Return at how many tokens texts are cut."""
        config = self._checkpoint.config
        config = {**config, **config.get("text_config", {})}
        positions = int(config.get("max_position_embeddings") or LONGEST)
        if config.get("model_type") in OFFSET:
            positions -= int(config.get("pad_token_id", 1)) + 1
        most = min(positions, int(self._tokenizer.model_max_length))
        return min(self._asked, most) if self._asked else min(most, LONGEST)

    @cached_property
    def _tokenizer(self) -> Any:
        """Return the model's own tokenizer, padding on the right."""
        from transformers import AutoTokenizer

        with silence(), failing(self._checkpoint):
            tokenizer = AutoTokenizer.from_pretrained(
                self._checkpoint.folder, local_files_only=True, trust_remote_code=self._checkpoint.trusted
            )
        tokenizer.padding_side = "right"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer
