"""What the model says of some pieces, and which of it is good enough to be part of a command."""

from __future__ import annotations

import io
import json
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk.protocols import Landmarks, Sound
from mmsdk.stream.grammar import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.prediction import Prediction
    from mmsdk.config import StreamConfig
    from mmsdk.protocols import Output
    from mmsdk.stream.events import Piece

KEPT = 8  # answers that are remembered: of a piece that paused, and ended there


class Answers(Protocol):
    """What a session needs of a fitted application: ``App.predict_samples``."""

    def predict_samples(self, samples: Sequence[Mapping[str, Any]]) -> Sequence[Prediction]:
        """Answer each row of decoded samples by input."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answers for some pieces.

    :param good: task to answer, of those that are good enough.
    :param poor: task to why it is not: ``idle``, ``unsure``, ``abstained`` or ``novel``.
    """

    good: Mapping[str, Output]
    poor: Mapping[str, str]


class Judge:
    """Asks the application about pieces, once each, and judges the answers by the slots."""

    def __init__(self, answers: Answers, settings: StreamConfig, rates: Mapping[str, float]) -> None:
        self._answers = answers
        self._slots = settings.slots
        self._idle = {task: labels(slot.idle) for task, slot in settings.slots.items()}
        self._rates = rates
        self._known: dict[tuple[Any, ...], Prediction] = {}

    def hear(self, pieces: Mapping[str, Piece]) -> Heard:
        """Return the judged answers."""
        outputs = self._predict(pieces).outputs
        good, poor = {}, {}
        for task, output in outputs.items():
            if not self.answers(task, pieces):
                continue
            why = self._fault(task, output)
            if why:
                poor[task] = why
            else:
                good[task] = output
        return Heard(good=good, poor=poor)

    def samples(self, pieces: Mapping[str, Piece]) -> dict[str, Any]:
        """Return pieces as the decoded samples of their inputs."""
        return {name: sample_of(piece, self._rates[name]) for name, piece in pieces.items()}

    def answers(self, task: str, inputs: Mapping[str, Any]) -> bool:
        """Return whether some inputs can answer a task of the stream."""
        if not self._slots:
            return True
        return task in self._slots and (
            not self._slots[task].needs or any(one in inputs for one in self._slots[task].needs)
        )

    def _fault(self, task: str, output: Output) -> str:
        """Return why an answer is not good enough, or nothing."""
        slot = self._slots.get(task)
        if output.abstained or output.value is None:
            return "abstained"
        if slot is None:
            return ""
        if str(output.value) in self._idle[task]:
            return "idle"
        if (1.0 if output.confidence is None else output.confidence) < slot.least:
            return "unsure"
        return "novel" if output.novelty is not None and output.novelty > slot.novelty else ""

    def _predict(self, pieces: Mapping[str, Piece]) -> Prediction:
        """Return the answers, from memory where these pieces were asked about before."""
        key = tuple(sorted(piece.key for piece in pieces.values()))
        found = self._known.get(key)
        if found is None:
            (found,) = self._answers.predict_samples([self.samples(pieces)])
            self._known[key] = found
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return found


def sample_of(piece: Piece, rate: float) -> Any:
    """Return a piece as the decoded sample of its input: a sound, landmarks, else what was pushed."""
    if piece.times is not None:
        return Landmarks(points=piece.data, times=piece.times)
    if isinstance(piece.data, np.ndarray) and piece.data.ndim == 1:
        return Sound(samples=piece.data, rate=round(rate))
    return piece.data


def cell_of(piece: Piece, modality: str, rate: float) -> Any:
    """Return a piece as a cell of a table: WAV bytes of a voice, points and times of a motion as JSON."""
    if piece.times is not None:
        text = json.dumps({"points": _nested(piece.data), "times": piece.times.tolist()})
        return text.encode() if modality.endswith("-file") else text
    return (
        wav_of(piece.data, round(rate)) if isinstance(piece.data, np.ndarray) and piece.data.ndim == 1 else piece.data
    )


def wav_of(samples: np.ndarray, rate: int) -> bytes:
    """Return samples ``(n,)`` float32 as a WAV of 16 bits."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()


def _nested(points: np.ndarray) -> list[Any]:
    """Return points as lists, ``None`` where one was not seen."""
    return [[None if np.isnan(point).any() else point.tolist() for point in step] for step in points]
