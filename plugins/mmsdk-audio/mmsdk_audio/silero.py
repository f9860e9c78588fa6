"""Silero VAD (MIT) from its ONNX file: the probability of a voice every 32 ms."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from mmsdk import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

RATE, STEP, CONTEXT = 16_000, 512, 64
STATE = (2, 1, 128)
BEFORE = 8  # windows of silence that it hears first: at once it misses one spoken digit in twelve, so one in 250
TAKES, GIVES = {"input", "state", "sr"}, {"output", "stateN"}


class Silero:
    """The detector; its session starts with the first sound.

    It carries a state and the last 64 samples from window to window, so that windows run one after the other.

    :raises EncoderError: there is no such file, or onnxruntime is not installed.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise EncoderError(
                f"decode.trim: there is no file {file.absolute()}; give the path of silero_vad.onnx, or true"
            )
        self._file = file
        self._session: Any = None
        self._lock = threading.Lock()

    def probabilities(self, samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
        """Return the probability of a voice in each window ``(n,)`` float32, and its length of 0.032 seconds."""
        session = self._started()
        wave = samples if rate == RATE else soxr.resample(samples, rate, RATE)
        count, begin = BEFORE + max(-(-len(wave) // STEP), 1), CONTEXT + BEFORE * STEP
        padded = np.zeros(CONTEXT + count * STEP, np.float32)
        padded[begin : begin + len(wave)] = wave
        state, found = np.zeros(STATE, np.float32), np.zeros(count, np.float32)
        for window in range(count):
            part = padded[None, window * STEP : window * STEP + CONTEXT + STEP]
            inputs = {"input": part, "state": state, "sr": np.array(RATE, np.int64)}
            answer, state = session.run(["output", "stateN"], inputs)
            found[window] = answer[0, 0]
        return found[BEFORE:], STEP / RATE

    def _started(self) -> Any:
        """Return the session."""
        with self._lock:
            if self._session is None:
                self._session = _session(self._file)
            return self._session


def _session(file: Path) -> Any:
    """Start onnxruntime on one thread: the windows are small, and many sounds are decoded side by side.

    :raises EncoderError: it is not installed, or the file is no Silero VAD.
    """
    try:
        import onnxruntime
    except ImportError:
        raise EncoderError("decode.trim: Silero VAD needs onnxruntime: pip install 'mmsdk-audio[vad]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base that is public
        raise EncoderError(f"decode.trim: {file} is no ONNX model that runs here") from error
    takes, gives = {one.name for one in session.get_inputs()}, {one.name for one in session.get_outputs()}
    if not (takes >= TAKES and gives >= GIVES):
        raise EncoderError(
            f"decode.trim: {file} takes {', '.join(sorted(takes))}, where Silero VAD takes {', '.join(sorted(TAKES))}"
        )
    return session
