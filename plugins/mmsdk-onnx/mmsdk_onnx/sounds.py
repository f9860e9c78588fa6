"""The scheme ``onnx:`` for sounds: a waveform in windows, one vector a window with its time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Sequence, weights_fingerprint
from mmsdk_onnx.graph import FLOATS, the_input, the_output
from mmsdk_onnx.session import Session
from mmsdk_onnx.waves import batches, read_waves

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

    from mmsdk import Sound
    from mmsdk_onnx.graph import Graph, Port

VERSION = 1
WINDOWS = 32  # that go in at once


class OnnxSoundEncoder:
    """:class:`mmsdk.Sound` to a sequence, one step a window, of a graph that takes samples ``(batch, n)`` or ``(n,)``.

    Windows of several sounds go in together where the graph takes more than one. Where it answers more than one vector
    a window (``(batch, t, d)``), their mean is the step. The session starts when first needed.

    :param output: the name of an output; may be empty where the file has one only.
    :param options: ``rate``, ``window``, ``hop``, as :func:`mmsdk_onnx.waves.read_waves` takes them.
    :raises EncoderError: the file takes something else, has several outputs, or an option is out of range.
    """

    output = "sequence"

    def __init__(self, name: str, graph: Graph, output: str, *, device: str, options: dict[str, Any]) -> None:
        self._name = name
        self._graph = graph
        self._input = the_input(graph, "audio", name)
        self._output = _sound_output(graph, output, name)
        *rows, width = self._input.shape or (None,)
        self._alone = not rows  # one window a call, without a batch dimension
        self._rows = 1 if self._alone else rows[0]
        self._waves = read_waves(graph, width, options, name)
        self._dtype = np.float16 if self._input.kind == "FLOAT16" else np.float32
        self._session = Session(name, graph, self._output)
        self.to(device)

    def fingerprint(self) -> str:
        """Return the key of its vectors: the file, the output, how sounds are cut, the version."""
        waves = self._waves
        facts = {"encoder": "onnx-sound", "version": VERSION, "output": self._output.name}
        return weights_fingerprint(self._graph.files, **facts, cut=f"{waves.rate} {waves.window} {waves.hop}")

    def to(self, device: str) -> None:
        """Choose the device; a session on another one is let go."""
        self._session.to(device)
        self.batch_size = 16

    @cached_property
    def dim(self) -> int:
        """Return the length of a step: what the file says, else what it answers."""
        shape = self._output.shape
        if shape and shape[-1] is not None and len(shape) > 1:
            return shape[-1]
        return int(self._steps([np.zeros(self._waves.window, np.float32)]).shape[1])

    def length(self, sample: Sound) -> int:
        """Return the samples, so that sounds of one length make a batch."""
        return len(sample.samples)

    def encode(self, batch: Rows[Sound], modality: str) -> list[Sequence]:
        """Return a sequence ``(w, dim)`` float32 a sound; times are the middles of the windows."""
        cut = [self._waves.cut(sound) for sound in batch]
        windows = [window for found, _ in cut for window in found]
        steps = np.concatenate([self._steps(part) for part in batches(windows, self._rows or WINDOWS)])
        ends = np.cumsum([len(times) for _, times in cut])[:-1]
        return [
            Sequence(values=values, times=times) for values, (_, times) in zip(np.split(steps, ends), cut, strict=True)
        ]

    def _steps(self, windows: Rows[np.ndarray]) -> np.ndarray:
        """Return a step for each window of one call ``(w, dim)``; a fixed batch is filled up with the last window."""
        count = len(windows)
        fed = np.stack([*windows, *[windows[-1]] * ((self._rows or count) - count)]).astype(self._dtype, copy=False)
        answer = self._session.run({self._input.name: fed[0] if self._alone else fed})
        if self._alone:
            answer = answer.reshape(1, -1, answer.shape[-1]) if answer.ndim else answer
        if answer.ndim not in (2, 3) or len(answer) != len(fed) or not answer.size:
            raise EncoderError(
                f"{self._name}: output {self._output.name} has the shape {answer.shape} for {len(fed)} windows, "
                "expected (batch, n) or (batch, t, n); name another output after '#'"
            )
        steps = answer[:count].astype(np.float32)
        return steps.mean(1) if steps.ndim == 3 else steps


def _sound_output(graph: Graph, wanted: str, name: str) -> Port:
    """Return the output of that name, or the only one; with a batch or without."""
    floats = [port for port in graph.outputs if port.kind in FLOATS and len(port.shape or (1,)) in (1, 2, 3)]
    return floats[0] if not wanted and len(floats) == 1 else the_output(graph, wanted, name)
