"""The modality ``audio``: a file to one mono track, cut to length and, if asked, to what is heard in it."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError
from mmsdk_audio.gathering import gather
from mmsdk_audio.parts import spans_of, without_spans
from mmsdk_audio.reading import open_track
from mmsdk_audio.voice import heard, trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Media, Part, Sound
    from mmsdk_audio.live import LiveVoice
    from mmsdk_audio.silero import Silero

CHANNELS = {"mix": None, "left": 0, "right": 1}


class Audio:
    """A file to :class:`mmsdk.Sound`. Files are read in blocks, so that a long one costs no more than what is kept.

    :param start: seconds that are skipped at the beginning.
    :param max_seconds: seconds that are read from there; of files that have more, ``report`` tells how many.
    :param channel: ``mix``, ``left``, ``right`` or a number counted from 1.
    :param trim: ``True`` cuts both ends that are 30 dB quieter than the loud parts; a path of Silero VAD's ONNX file
        cuts what is no voice, and a file without any voice then holds nothing.
    :raises EncoderError: an option is out of range.
    """

    def __init__(
        self,
        start: float = 0.0,
        max_seconds: float = 300.0,
        channel: str | int = "mix",
        trim: bool | str = False,
    ) -> None:
        self._start = _number("start", start, 0.0, 86_400.0)
        self._most = _number("max_seconds", max_seconds, 0.01, 14_400.0)
        self._channel = _channel(channel)
        self._voice = _voice(trim) if isinstance(trim, str) else None
        if not isinstance(trim, bool | str):
            raise EncoderError(f"decode.trim is {trim!r}, expected true, false or the path of a Silero VAD (.onnx)")
        self._trim = trim is True
        self._counts = {"cut_short": 0, "silent": 0}
        self._lock = threading.Lock()

    def decode(self, cell: Media) -> Sound | None:
        """Return the sound; ``None`` where a voice was asked for and there is none.

        :raises ValueError: empty, no sound, truncated, damaged, NaN or infinite samples.
        """
        with cell.open() as stream, open_track(stream) as track:
            sound, more = gather(track, start=self._start, most=self._most, channel=self._channel)
        with self._lock:
            self._counts["cut_short"] += more
            self._counts["silent"] += not sound.samples.any()
        if self._voice is not None:
            return heard(sound, self._voice)
        return trimmed(sound) if self._trim else sound

    def fingerprint(self) -> str:
        """Return what the voice detector is; empty where there is none."""
        return "" if self._voice is None else self._voice.fingerprint()

    def report(self) -> Mapping[str, float]:
        """Return how many files are longer than what was read of them, and how many hold nothing but zeros."""
        with self._lock:
            return {name: count for name, count in self._counts.items() if count}

    def thumbnail(self, sample: Sound, size: int) -> bytes:
        """Return a PNG of the wave, ``size`` pixels wide."""
        from PIL import Image

        height = max(size // 2, 1)
        parts = np.array_split(np.abs(sample.samples), size)
        loud = np.array([part.max(initial=0.0) for part in parts])
        reach = np.round(loud / max(float(loud.max()), 1e-9) * height / 2).astype(int)
        rows = np.abs(np.arange(height)[:, None] - height // 2)
        pixels = np.where(rows <= reach[None, :], np.uint8(60), np.uint8(245))
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()

    def parts(self, sample: Sound) -> list[Part]:
        """Return its time spans."""
        return spans_of(sample.seconds)

    def without(self, sample: Sound, parts: Sequence[Part], others: Sequence[Sound] = ()) -> Sound | None:
        """Return the sound, silent in some of its spans."""
        return without_spans(sample, parts)

    def voice_detector(self, file: str, rate: float) -> LiveVoice:
        """Return Silero VAD for one live sound.

        :param file: the path of silero_vad.onnx.
        :param rate: samples a second of the sound.
        :raises EncoderError: no such file, no Silero VAD, or onnxruntime is not installed.
        """
        from mmsdk_audio.live import LiveVoice

        return LiveVoice(Path(file).expanduser(), rate)


def _number(name: str, value: Any, low: float, high: float) -> float:
    """Return an option that is a number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise EncoderError(f"decode.{name} is {value!r}, expected a number from {low:g} to {high:g}")
    return float(value)


def _channel(value: Any) -> int | None:
    """Return a channel counted from 0, ``None`` for the mean of all."""
    if isinstance(value, str) and value in CHANNELS:
        return CHANNELS[value]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise EncoderError(f"decode.channel is {value!r}, expected mix, left, right or a number from 1")
    return value - 1


def _voice(file: str) -> Silero:
    """Return the voice detector of an ONNX file."""
    from mmsdk_audio.silero import Silero

    return Silero(Path(file).expanduser(), "decode.trim")
