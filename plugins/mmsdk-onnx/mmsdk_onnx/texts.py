"""The scheme ``onnx:`` for texts: tokens in, one vector out, or one a token and their mean."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import EncoderError, weights_fingerprint
from mmsdk_onnx.graph import FLOATS
from mmsdk_onnx.session import Session
from mmsdk_onnx.tokens import Tokens, masked_mean, tokenizer_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk_onnx.graph import Graph, Port

VERSION = 1
FED = ("input_ids", "attention_mask", "token_type_ids")
WHOLE = {"INT64": np.int64, "INT32": np.int32}
BATCH = 32


class OnnxTextEncoder:
    """``str`` to vectors of a graph that takes ``input_ids`` (and ``attention_mask``, ``token_type_ids``).

    An output ``(n, d)`` is the vector; of ``(n, t, d)`` the mean of the tokens is. The session starts when needed.

    :param output: the name of an output; may be empty where the file has one only.
    :param max_length: texts are cut at so many tokens; ``None``: as the tokenizer says, at most 512.
    :raises EncoderError: the file takes something else, has several outputs, or no tokenizer lies beside it.
    """

    def __init__(self, name: str, graph: Graph, output: str, *, device: str, max_length: int | None) -> None:
        if max_length is not None and (type(max_length) is not int or max_length < 1):
            raise EncoderError(f"{name}: max_length is {max_length!r}, expected a whole number above 0")
        self._name = name
        self._graph = graph
        self._inputs = _text_inputs(graph, name)
        self._output = _text_output(graph, output, name)
        self._files = tokenizer_files(graph.files[0], name)
        rows, width = self._inputs["input_ids"].shape or (None, None)
        self._rows, self._width, self._asked = rows, width, max_length
        self._session = Session(name, graph, self._output)
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors: the file, the tokenizer, the output, the length, the version."""
        facts = {"encoder": "onnx-text", "version": VERSION, "output": self._output.name, "length": self._asked}
        return weights_fingerprint([*self._graph.files, *self._files], **facts)

    def to(self, device: str) -> None:
        """Choose the device; a session on another one is let go."""
        self._session.to(device)
        self.batch_size = 128 if device.startswith("cuda") else BATCH

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector: what the file says, else what it answers."""
        shape = self._output.shape
        if shape is not None and shape[-1] is not None:
            return shape[-1]
        return int(self._vectors(["a"], self._read_tokens()).shape[1])

    def length(self, sample: str) -> int:
        """Return the number of tokens after the cut, so that texts of one length make a batch."""
        return self._tokens.length(sample)

    def report(self) -> Mapping[str, tuple[int, int]]:
        """Return how many of how many texts were cut."""
        return {"truncated": (self._tokens.cut, self._tokens.seen)}

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        step = self._rows or self.batch_size
        if "attention_mask" not in self._inputs:
            step = 1  # padding would be read as words
        parts = [self._vectors(batch[at : at + step], self._tokens) for at in range(0, len(batch), step)]
        return np.concatenate(parts)

    def _vectors(self, texts: Sequence[str], tokens: Tokens) -> np.ndarray:
        """Return the vectors of what goes in at once; a fixed batch is filled up with copies of the last text."""
        fed = tokens.arrays(texts, self._width)
        if self._rows:
            fed = {name: np.pad(one, ((0, self._rows - len(texts)), (0, 0)), "edge") for name, one in fed.items()}
        feeds = {name: fed[name].astype(WHOLE[port.kind]) for name, port in self._inputs.items()}
        answer = self._session.run(feeds)
        if answer.ndim == 3 and answer.shape[:2] == fed["input_ids"].shape:
            answer = masked_mean(answer, fed["attention_mask"])
        if answer.ndim != 2 or len(answer) != len(fed["input_ids"]):
            raise EncoderError(
                f"{self._name}: output {self._output.name} has the shape {answer.shape} for {fed['input_ids'].shape} "
                "tokens, expected (batch, n) or (batch, tokens, n); name another output after '#'"
            )
        return np.asarray(answer[: len(texts)], np.float32)

    @cached_property
    def _tokens(self) -> Tokens:
        """Return the tokenizer that counts, read when first needed."""
        return self._read_tokens()

    def _read_tokens(self) -> Tokens:
        """Return a new tokenizer; never more tokens than a fixed length holds."""
        tokens = Tokens(self._files, self._asked, self._name)
        if self._width and tokens.limit > self._width:
            tokens = Tokens(self._files, self._width, self._name)
        return tokens


def _text_inputs(graph: Graph, name: str) -> dict[str, Port]:
    """Return the inputs by name, if tokens can feed all of them."""
    ports = {port.name: port for port in graph.inputs}
    fits = all(port.kind in WHOLE and len(port.shape or (None, None)) == 2 for port in graph.inputs)
    if "input_ids" not in ports or not fits or ports.keys() - set(FED):
        raise EncoderError(
            f"{name}: it takes {', '.join(map(str, graph.inputs)) or 'nothing'}; text can feed whole numbers "
            f"(batch, tokens) named {', '.join(FED)}"
        )
    return ports


def _text_output(graph: Graph, wanted: str, name: str) -> Port:
    """Return the output of that name, or the only one."""
    floats = [port for port in graph.outputs if port.kind in FLOATS and len(port.shape or (1, 1)) in (2, 3)]
    found = [port for port in floats if port.name == wanted] if wanted else floats
    if len(found) == 1:
        return found[0]
    listed = ", ".join(map(str, graph.outputs))
    if wanted:
        raise EncoderError(f"{name}: no output named {wanted!r} that texts can use; the file gives {listed}")
    raise EncoderError(f"{name}: name one output, as in {name}#{graph.outputs[0].name}; the file gives {listed}")
