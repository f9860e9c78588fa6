"""From texts to ids and mask, by the ``tokenizer.json`` beside an ONNX file."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = "tokenizer.json"
CONFIG = "tokenizer_config.json"
LONGEST = 512
PADDINGS = ("[PAD]", "<pad>", "<|endoftext|>", "</s>")


def tokenizer_files(model: Path, name: str) -> tuple[Path, ...]:
    """Return the tokenizer of a model and what it says of lengths, if anything.

    :param model: the ONNX file; the hub keeps it in ``onnx/``, its tokenizer one folder up.
    :raises EncoderError: there is none.
    """
    folders = (model.parent, model.parent.parent) if model.parent.name == "onnx" else (model.parent,)
    for folder in folders:
        if (folder / FILE).is_file():
            return tuple(folder / one for one in (FILE, CONFIG) if (folder / one).is_file())
    raise EncoderError(f"{name}: text needs the {FILE} of the model beside {model}, and there is none; copy it there")


class Tokens:
    """Texts to arrays; counts texts that are cut.

    :param files: as :func:`tokenizer_files` finds them.
    :param limit: at most so many tokens; ``None``: what the tokenizer says, at most 512.
    """

    def __init__(self, files: Sequence[Path], limit: int | None, name: str) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(files[0]))
            config = json.loads(files[1].read_text("utf-8")) if len(files) > 1 else {}
            said = (self._tokenizer.truncation or {}).get("max_length") or int(
                config.get("model_max_length") or LONGEST
            )
        except Exception as error:
            raise EncoderError(f"{name}: {files[0]} is no tokenizer, or is damaged ({error})") from error
        self.limit = limit or min(said, LONGEST)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.limit)
        found = [self._tokenizer.token_to_id(token) for token in PADDINGS]
        self._padding = next((one for one in found if one is not None), 0)
        self._lock = threading.Lock()
        self.seen = self.cut = 0

    def length(self, text: str) -> int:
        """Return the number of tokens after the cut."""
        return len(self._tokenizer.encode(text).ids)

    def arrays(self, texts: Sequence[str], width: int | None) -> dict[str, np.ndarray]:
        """Return int64 ``(n, t)``: ids, mask and segments, padded on the right to the longest, or to ``width``."""
        found = self._tokenizer.encode_batch(list(texts))
        with self._lock:
            self.seen += len(found)
            self.cut += sum(bool(one.overflowing) for one in found)
        width = width or max(1, *(len(one.ids) for one in found))
        return {
            "input_ids": _padded([one.ids for one in found], width, self._padding),
            "attention_mask": _padded([one.attention_mask for one in found], width, 0),
            "token_type_ids": _padded([one.type_ids for one in found], width, 0),
        }


def _padded(rows: Sequence[Sequence[int]], width: int, filler: int) -> np.ndarray:
    """Return rows of one width."""
    array = np.full((len(rows), width), filler, np.int64)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array


def masked_mean(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return ``(n, d)`` of ``(n, t, d)``: the mean of the tokens that are none of padding."""
    weights: Any = mask[:, :, None].astype(np.float32)
    mean: np.ndarray = (hidden.astype(np.float32) * weights).sum(1) / np.maximum(weights.sum(1), 1)
    return mean
