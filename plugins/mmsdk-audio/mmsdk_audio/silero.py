"""Silero VAD (MIT) from its ONNX file: the probability of a voice every 32 ms."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from mmsdk import EncoderError, hash_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 2  # 1 never began anew
RATE, STEP, CONTEXT = 16_000, 512, 64
STATE = (2, 1, 128)
BEFORE = 8  # windows of silence that it hears first: at once it misses one spoken digit in twelve, so one in 250
QUIET = 0.2  # a window less likely than this is no voice
FRESH = 2.0  # seconds without a voice after which it begins anew: in minutes of music it goes deaf
AGAIN = 16  # windows that it hears again then, or the music itself would seem to begin
TAKES, GIVES = {"input", "state", "sr"}, {"output", "stateN"}


class Silero:
    """The detector; its session starts with the first sound.

    It carries a state and the last 64 samples from window to window, so that windows run one after the other.

    :param key: where the file was named, for messages.
    :raises EncoderError: there is no such file.
    """

    def __init__(self, file: Path, key: str = "") -> None:
        self._key = f"{key}: " if key else ""
        if not file.is_file():
            raise EncoderError(f"{self._key}there is no file {file.absolute()}; give the path of silero_vad.onnx")
        self._file = file
        self._session: Any = None
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """Return the way it is listened to, and the content of the file."""
        return f"silero {VERSION} {hash_file(self._file)}"

    def probabilities(self, samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
        """Return the probability of a voice in each window ``(n,)`` float32, and its length of 0.032 seconds."""
        wave = samples if rate == RATE else soxr.resample(samples, rate, RATE)
        padded = np.zeros(max(-(-len(wave) // STEP), 1) * STEP, np.float32)
        padded[: len(wave)] = wave
        stream = self.stream()
        return np.array([stream.push(part) for part in padded.reshape(-1, STEP)], np.float32), STEP / RATE

    def stream(self) -> Stream:
        """Return a hearing of one sound, which has heard a quarter of a second of silence.

        :raises EncoderError: onnxruntime is not installed, or the file is no Silero VAD.
        """
        return Stream(self._started())

    def _started(self) -> Any:
        """Return the session."""
        with self._lock:
            if self._session is None:
                self._session = _session(self._file, self._key)
            return self._session


class Stream:
    """One sound, window by window. After long without a voice it begins anew, or it would go deaf."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._last: deque[np.ndarray] = deque(maxlen=AGAIN)
        self._begin([np.zeros(STEP, np.float32)] * BEFORE)

    def push(self, part: np.ndarray) -> float:
        """Take the next 512 samples at 16,000 a second; return the probability of a voice in them."""
        found = self._hear(part)
        self._last.append(part)
        self._quiet = self._quiet + 1 if found < QUIET else 0
        if self._quiet * STEP >= FRESH * RATE:
            self._begin(self._last)
        return found

    def _begin(self, before: Iterable[np.ndarray]) -> None:
        """Forget all but some windows, which are heard first."""
        self._quiet = 0  # windows in a row that are no voice
        self._state = np.zeros(STATE, np.float32)
        self._window = np.zeros((1, CONTEXT + STEP), np.float32)
        for part in before:
            self._hear(part)

    def _hear(self, part: np.ndarray) -> float:
        """Take the next window; return the probability of a voice in it."""
        self._window = np.concatenate([self._window[0, -CONTEXT:], part])[None]
        inputs = {"input": self._window, "state": self._state, "sr": np.array(RATE, np.int64)}
        answer, self._state = self._session.run(["output", "stateN"], inputs)
        return float(answer[0, 0])


def _session(file: Path, key: str) -> Any:
    """Start onnxruntime on one thread: the windows are small, and many sounds are decoded side by side.

    :raises EncoderError: it is not installed, or the file is no Silero VAD.
    """
    try:
        import onnxruntime
    except ImportError:
        raise EncoderError(f"{key}Silero VAD needs onnxruntime: pip install 'mmsdk-audio[vad]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base that is public
        raise EncoderError(f"{key}{file} is no ONNX model that runs here") from error
    takes, gives = {one.name for one in session.get_inputs()}, {one.name for one in session.get_outputs()}
    if not (takes >= TAKES and gives >= GIVES):
        raise EncoderError(
            f"{key}{file} takes {', '.join(sorted(takes))}, where Silero VAD takes {', '.join(sorted(TAKES))}"
        )
    return session
