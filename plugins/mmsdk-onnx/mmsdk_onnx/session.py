"""Starting onnxruntime on a device, with as many threads as torch has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import onnxruntime


def start_session(file: Path, device: str) -> onnxruntime.InferenceSession:
    """Return a session; on CUDA where onnxruntime has it, else on the CPU."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    present = [one for one in wanted if one in onnxruntime.get_available_providers()]
    return onnxruntime.InferenceSession(str(file), options, providers=[*present, "CPUExecutionProvider"])


def first_line(error: BaseException) -> str:
    """Return the first line of a library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
