"""Text models of transformers as an encoder: strings in, one vector each out."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from mmsdk import EncoderError
from mmsdk_transformers.network import failing, network, silence
from mmsdk_transformers.pooling import text_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.network import Network

VERSION = 1
LONGEST = 512
OFFSET = ("roberta", "xlm-roberta", "camembert", "mpnet", "xmod", "data2vec-text")  # positions start after the padding
PADDED = ("siglip", "siglip2")  # trained on texts padded to their full length


class TextEncoder:
    """``str`` to vectors. Weights are read when first needed; joint models share theirs with pictures."""

    def __init__(
        self, checkpoint: Checkpoint, *, device: str, pooling: str, max_length: int | None, normalize: bool
    ) -> None:
        if max_length is not None and (type(max_length) is not int or max_length < 1):
            raise EncoderError(f"{checkpoint.name}: max_length is {max_length!r}, expected a whole number above 0")
        self._checkpoint = checkpoint
        self._pooling = pooling
        self._asked = max_length
        self._normalize = normalize
        self._lock = threading.Lock()  # a tokenizer that pads and cuts cannot be lent to two threads
        self._seen = 0
        self._cut = 0
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        facts = {"encoder": "transformers-text", "version": VERSION, "length": self._asked}
        return self._checkpoint.fingerprint(**facts, pooling=self._pooling, normalize=self._normalize)

    def to(self, device: str) -> None:
        """Choose the device; a model on another one is let go."""
        self._device = device
        self._network: Network | None = None
        self.batch_size = 128 if device.startswith("cuda") else 32

    def module(self) -> torch.nn.Module:
        """Return the model, its weights read."""
        model: torch.nn.Module = self._read().model
        return model

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a word."""
        seen, cut = self._seen, self._cut
        width = int(self.encode(["a"], "text").shape[1])
        self._seen, self._cut = seen, cut
        return width

    def length(self, sample: str) -> int:
        """Return the number of tokens after the cut, so that texts of one length make a batch."""
        with self._lock:
            return len(self._tokenizer(sample, truncation=True, max_length=self._limit)["input_ids"])

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        found = self._read()
        inputs = self._tokens(batch).to(self._device)
        with torch.inference_mode(), failing(self._checkpoint):
            vectors = self._vectors(found, inputs).float()
            return (torch.nn.functional.normalize(vectors, dim=1) if self._normalize else vectors).cpu().numpy()

    def report(self) -> Mapping[str, float]:
        """Return the share of texts that were cut."""
        return {"truncated": self._cut / self._seen if self._seen else 0.0}

    def _tokens(self, batch: Sequence[str]) -> Any:
        """Return padded ids and mask, counting texts that were cut."""
        padding = "max_length" if self._checkpoint.config.get("model_type") in PADDED else "longest"
        with self._lock:
            tokens = self._tokenizer(
                list(batch), padding=padding, truncation=True, max_length=self._limit, return_tensors="pt"
            )
        self._seen += len(batch)
        self._cut += sum(bool(one.overflowing) for one in tokens.encodings or ())
        return tokens

    def _vectors(self, found: Network, inputs: Any) -> torch.Tensor:
        """Return what the model makes of tokens."""
        if self._checkpoint.joint:
            answer = found.model.get_text_features(**inputs)
            return answer if isinstance(answer, torch.Tensor) else answer.pooler_output
        mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
        return text_vectors(found.model(**inputs), mask, found, self._pooling, self._checkpoint.name)

    def _read(self) -> Network:
        """Return the model, read when first needed."""
        if self._network is None:
            self._network = network(self._checkpoint, self._device)
        return self._network

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
