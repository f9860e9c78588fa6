"""An exported model, run by onnxruntime."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEEDED = ("onnx", "onnxscript", "onnxruntime")


def missing_packages() -> list[str]:
    """Return which packages of the extra ``onnx`` are not installed; none is imported."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


class Session:
    """An ONNX file on a device; CUDA where onnxruntime has it, else the CPU.

    :param file: the model; as many threads as torch has now.
    :param name: the encoder, for messages.
    """

    def __init__(self, file: Path, device: str, name: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        present = onnxruntime.get_available_providers() if device.startswith("cuda") else []
        # CUDA: untested on hardware
        cuda = [("CUDAExecutionProvider", {"device_id": device.partition(":")[2] or "0"})]
        providers = [*(cuda if "CUDAExecutionProvider" in present else []), "CPUExecutionProvider"]
        self._name = name
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=providers)
        except Exception as error:  # onnxruntime's errors have no common base that is public
            raise EncoderError(f"{name}: onnxruntime cannot open {file} ({first_line(error)})") from error
        self._inputs = [port.name for port in self._session.get_inputs()]

    def run(self, inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
        """Return ``(n, dim)`` float32 of prepared tensors on the CPU; what the file does not take is left out."""
        feeds = {name: inputs[name].numpy() for name in self._inputs}
        try:
            (answer,) = self._session.run(None, feeds)
        except Exception as error:
            raise EncoderError(f"{self._name}: onnxruntime failed ({first_line(error)})") from error
        vectors: np.ndarray = np.asarray(answer, np.float32)
        return vectors


def first_line(error: BaseException) -> str:
    """Return the first line of a library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
