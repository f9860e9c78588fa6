"""The scheme ``onnx:``: a file and one of its outputs as an encoder, run by onnxruntime."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, weights_fingerprint
from mmsdk_onnx.graph import read_graph, the_input, the_output
from mmsdk_onnx.pixels import FILE, read_pixels
from mmsdk_onnx.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk_onnx.graph import Graph, Port
    from mmsdk_onnx.sounds import OnnxSoundEncoder
    from mmsdk_onnx.texts import OnnxTextEncoder

VERSION = 1
ONLY = {  # option -> the modality it is for, and what it does there
    "max_length": ("text", "counts the tokens of texts"),
    "rate": ("audio", "is the rate of sounds"),
    "window": ("audio", "cuts sounds"),
    "hop": ("audio", "lies between windows of sounds"),
    "pixels": ("image", "scales pictures"),
}


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    max_length: int | None = None,
    rate: int | None = None,
    window: float | None = None,
    hop: float | None = None,
    pixels: str | None = None,
) -> OnnxEncoder | OnnxTextEncoder | OnnxSoundEncoder:
    """Return the encoder of an ONNX file.

    :param reference: ``models/net.onnx`` or ``models/net.onnx#output``.
    :param modality: ``image``, ``text`` (with the ``tokenizer.json`` beside the file), ``audio`` (a sequence, one step
        a window), ``vector`` or ``number``.
    :param device: ``cuda`` needs onnxruntime-gpu; without it the model runs on the CPU.
    :param trust_remote_code: of no effect: an ONNX file is no code.
    :param max_length: texts are cut at so many tokens; by default as their tokenizer says, at most 512.
    :param rate: samples a second of the sounds that the model was trained on; by default as its metadata says
        (``sample_rate``), else 16,000.
    :param window: seconds of a step; by default what the input takes, where it takes any length what the metadata says
        (``window_samples``), else 1.
    :param hop: seconds between the starts of two windows; by default as the metadata says (``hop_samples``), else half
        a window.
    :param pixels: what pictures are scaled to: ``unit`` (0..1, the default), ``signed`` (-1..1) or ``raw`` (0..255);
        where a ``preprocessor_config.json`` lies beside the file, that says it.
    :raises EncoderError: there is no such file or output, the modality cannot feed the inputs, or an option is not for
        it.
    """
    path, _, output = reference.partition("#")
    name, file = f"onnx:{path}", Path(path).expanduser()
    if not file.is_file():
        raise EncoderError(f"{name}: there is no file {file.absolute()}; write onnx:FILE.onnx or onnx:FILE.onnx#OUTPUT")
    graph = read_graph(file, name)
    _refuse(name, modality, {"max_length": max_length, "rate": rate, "window": window, "hop": hop, "pixels": pixels})
    if modality == "text":
        from mmsdk_onnx.texts import OnnxTextEncoder

        return OnnxTextEncoder(name, graph, output, device=device, max_length=max_length)
    if modality == "audio":
        from mmsdk_onnx.sounds import OnnxSoundEncoder

        options = {"rate": rate, "window": window, "hop": hop}
        return OnnxSoundEncoder(name, graph, output, device=device, options=options)
    ports = the_input(graph, modality, name), the_output(graph, output, name)
    return OnnxEncoder(name, graph, ports, modality=modality, device=device, pixels=pixels)


def _refuse(name: str, modality: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that does nothing for the modality."""
    for option, value in options.items():
        wanted, does = ONLY[option]
        if value is not None and modality != wanted:
            raise EncoderError(f"{name}: {option} {does}; the input is {modality}")


class OnnxEncoder:
    """Pictures, vectors or numbers to one output of the graph. The session starts when first needed."""

    def __init__(
        self,
        name: str,
        graph: Graph,
        ports: tuple[Port, Port],
        *,
        modality: str,
        device: str,
        pixels: str | None = None,
    ) -> None:
        self._name = name
        self._graph = graph
        self._input, self._output = ports
        self._modality = modality
        self._session = Session(name, graph, self._output)
        shape = self._input.shape or ()
        self._fixed = shape[0]
        self._width = shape[1] if modality != "image" else None
        self._pixels = read_pixels(graph.files[0].parent, shape, name, pixels) if modality == "image" else None
        self._scaled = {} if pixels is None else {"pixels": pixels}
        self._dtype = np.float16 if self._input.kind == "FLOAT16" else np.float32
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors: the file, its preprocessing, the output, the version."""
        beside = self._graph.files[0].parent / FILE
        files = [*self._graph.files, *([beside] if self._pixels is not None and beside.is_file() else [])]
        return weights_fingerprint(
            files, encoder="onnx", version=VERSION, output=self._output.name, modality=self._modality, **self._scaled
        )

    def to(self, device: str) -> None:
        """Choose the device; a session on another one is let go."""
        self._session.to(device)
        self.batch_size = 64 if device.startswith("cuda") else 8 if self._pixels else 256

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector: what the file says, else what it answers."""
        shape = self._output.shape
        if shape is not None and len(shape) == 2 and shape[1] is not None:
            return shape[1]
        return int(self.encode([self._example()], self._modality).shape[1])

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32.

        :raises ValueError: a vector has not the length that the file takes.
        """
        inputs = self._array(batch)
        step = self._fixed or self.batch_size
        parts = [self._run(inputs[start : start + step]) for start in range(0, len(inputs), step)]
        return np.concatenate(parts)

    def _array(self, batch: Sequence[Any]) -> np.ndarray:
        """Return the samples as the graph takes them."""
        if self._pixels is not None:
            return self._pixels.prepare(batch).astype(self._dtype, copy=False)
        vectors = [np.atleast_1d(np.asarray(sample, np.float32)) for sample in batch]
        width = self._width or len(vectors[0])
        for place, vector in enumerate(vectors, 1):
            if vector.shape != (width,):
                raise ValueError(f"vector {place} holds {vector.size} numbers, where {self._input.name} takes {width}")
        return np.stack(vectors).astype(self._dtype, copy=False)

    def _run(self, part: np.ndarray) -> np.ndarray:
        """Run one batch; a fixed batch is filled up with copies of the last sample."""
        count = len(part)
        if self._fixed and count < self._fixed:
            part = np.concatenate([part, np.repeat(part[-1:], self._fixed - count, axis=0)])
        answer = self._session.run({self._input.name: part})
        if answer.ndim < 2 or len(answer) != len(part):
            raise EncoderError(
                f"{self._name}: output {self._output.name} has the shape {answer.shape} for a batch of {len(part)}, "
                "expected (batch, n); name another output after '#'"
            )
        vectors: np.ndarray = answer[:count].reshape(count, -1).astype(np.float32)
        return vectors

    def _example(self) -> Any:
        """Return a sample to try the graph with."""
        if self._pixels is not None:
            return np.full((64, 64, 3), 127, np.uint8)
        return np.zeros(self._width or 1, np.float32)
