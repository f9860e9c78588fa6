"""A graph run by onnxruntime on a device, with as many threads as torch has."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnxruntime

    from mmsdk_onnx.graph import Graph, Port


class Session:
    """One output of a graph. onnxruntime starts when it is first run. Thread-safe.

    :param name: of the encoder, for messages.
    """

    def __init__(self, name: str, graph: Graph, output: Port) -> None:
        self._name, self._file, self._output = name, graph.files[0], output.name
        self._device = "cpu"
        self._lock = threading.Lock()
        self._running: onnxruntime.InferenceSession | None = None

    def to(self, device: str) -> None:
        """Choose the device; what runs on another one is let go."""
        self._device, self._running = device, None

    def run(self, fed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the output for the inputs of one batch.

        :raises EncoderError: onnxruntime cannot open the file, or not run it on this.
        """
        try:
            (answer,) = self.started().run([self._output], dict(fed))
        except Exception as error:  # onnxruntime's errors have no common base that is public
            raise EncoderError(f"{self._name}: onnxruntime failed ({_first_line(error)})") from error
        return np.asarray(answer)

    def started(self) -> onnxruntime.InferenceSession:
        """Return what runs."""
        with self._lock:
            if self._running is None:
                self._running = _start(self._file, self._device)
            return self._running


def _start(file: Path, device: str) -> onnxruntime.InferenceSession:
    """Start onnxruntime; on CUDA where it has it, else on the CPU."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    present = [one for one in wanted if one in onnxruntime.get_available_providers()]
    return onnxruntime.InferenceSession(str(file), options, providers=[*present, "CPUExecutionProvider"])


def _first_line(error: BaseException) -> str:
    """Return the first line of a library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
