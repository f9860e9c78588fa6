"""What runs an encoder's forward pass: torch, onnxruntime, or whichever is faster here."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from mmsdk import EncoderError
from mmsdk_transformers.running import Session, missing_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np

    from mmsdk_transformers.choosing import Choice
    from mmsdk_transformers.exporting import Forward

BACKENDS = ("torch", "onnx", "auto")


class Backend:
    """The choice of an encoder, made when it is first asked for, and the session behind it.

    :param asked: ``torch``, ``onnx`` or ``auto``.
    :param forward: -> what to export; called only where torch is not asked for.
    :raises EncoderError: another name, or ``onnx`` without the packages of the extra.
    """

    def __init__(self, asked: str, name: str, device: str, forward: Callable[[], Forward]) -> None:
        if asked not in BACKENDS:
            raise EncoderError(f"{name}: no backend named {asked!r}; there are {', '.join(BACKENDS)}")
        self._missing = missing_packages() if asked != "torch" else []
        if asked == "onnx" and self._missing:
            raise EncoderError(
                f"{name}: backend: onnx needs {', '.join(self._missing)}: pip install 'mmsdk-transformers[onnx]'"
            )
        self._asked = asked
        self._name = name
        self._device = device
        self._forward = forward
        self._lock = threading.RLock()
        self._choice: Choice | None = None
        self._session: Session | None = None
        self._torch_from_now_on = False

    def facts(self) -> dict[str, str]:
        """Return what the fingerprint must say: nothing of torch, whose vectors are those of ever."""
        if self._asked == "torch":
            return {}
        return {"backend": "onnx"} if self.chosen().backend == "onnx" else {}

    def chosen(self) -> Choice:
        """Return what runs and why; of ``auto``, what is remembered or else measured now."""
        from mmsdk_transformers.choosing import Choice, choose

        with self._lock:
            if self._choice is None:
                if self._asked != "auto":
                    self._choice = Choice(backend=self._asked, reason="as asked")
                elif self._missing:
                    self._choice = Choice(backend="torch", reason=f"not installed: {', '.join(self._missing)}")
                else:
                    try:
                        self._choice = choose(self._forward(), self._device)
                    except OSError as error:  # no cache: nothing to remember, and nothing to run
                        self._choice = Choice(backend="torch", reason=f"the cache cannot be written: {error}")
            return self._choice

    def report(self) -> dict[str, float]:
        """Return, of ``auto``, how many times faster ONNX was, and whether it runs (1) or torch does (0)."""
        if self._asked != "auto":
            return {}
        found = self.chosen()
        return {"onnx_speedup": found.speedup, "onnx": float(found.backend == "onnx")}

    def runs(self) -> bool:
        """Return whether ONNX makes the vectors."""
        return not self._torch_from_now_on and self._asked != "torch" and self.chosen().backend == "onnx"

    def run(self, inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
        """Return ``(n, dim)`` float32 of prepared tensors on the CPU, by ONNX.

        :raises EncoderError: the model cannot be exported, or fails.
        """
        with self._lock:
            session = self._session
            if session is None or session.threads > torch.get_num_threads():  # never more than the product gives now
                session = self._session = Session(self._file, self._device, self._name)
        return session.run(inputs)

    @cached_property
    def _file(self) -> Path:
        """Return the exported file."""
        from mmsdk_transformers.exporting import exported

        try:
            return exported(self._forward())
        except OSError as error:
            raise EncoderError(f"{self._name}: its ONNX file cannot be written ({error})") from error

    def leave(self) -> None:
        """Let torch make the vectors from now on: whoever was given the module may change its weights."""
        self._torch_from_now_on = True
