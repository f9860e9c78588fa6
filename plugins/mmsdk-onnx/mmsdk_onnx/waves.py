"""How an ONNX file hears a sound: at which rate, in windows of which length, how far apart; and the windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Sound
    from mmsdk_onnx.graph import Graph

RATE = 16_000
SECONDS = 1.0  # of a window, where neither the graph nor its metadata nor the user says
RATES = ("sample_rate", "sampling_rate")  # names of metadata
LOWEST, HIGHEST = 1_000, 192_000
SHORTEST = 0.001  # seconds between two windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """Windows of sounds at one rate.

    :param rate: samples a second that the graph was trained on.
    :param window: samples of a window; ``hop``: from the start of one to that of the next.
    """

    rate: int
    window: int
    hop: int

    def cut(self, sound: Sound) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the windows, float32 ``(window,)`` each, and the seconds of their middles ``(w,)`` float64.

        The last window ends where the sound ends. A sound shorter than a window is filled up with silence, its one
        time being its own middle.
        """
        samples = sound.samples
        if sound.rate != self.rate:
            import soxr

            samples = soxr.resample(samples, sound.rate, self.rate)
        length = len(samples)
        if length <= self.window:
            return [np.pad(samples, (0, self.window - length))], np.array([length / 2 / self.rate])
        last = length - self.window
        starts = [*range(0, last, self.hop), last]
        windows = [samples[start : start + self.window] for start in starts]
        return windows, (np.array(starts, np.float64) + self.window / 2) / self.rate


def read_waves(graph: Graph, width: int | None, options: dict[str, Any], name: str) -> Waves:
    """Return how sounds are cut: as the user says, else as the file's metadata, else by what is usual.

    :param width: samples that the input takes, ``None`` where it takes any number.
    :param options: ``rate``, and ``window`` and ``hop`` in seconds; ``None`` where not chosen.
    :raises EncoderError: an option is out of range, or the input takes another length.
    """
    said = {key: _whole(graph.metadata.get(key)) for key in (*RATES, "window_samples", "hop_samples")}
    rate = _rate(options["rate"], name) or said[RATES[0]] or said[RATES[1]] or RATE
    window = _samples("window", options["window"], rate, name) or width or said["window_samples"]
    window = window or round(SECONDS * rate)
    if width is not None and window != width:
        raise EncoderError(
            f"{name}: window is {options['window']:g} seconds, {window:,} samples at {rate:,} a second, where the "
            f"file takes {width:,}; leave it out"
        )
    hop = _samples("hop", options["hop"], rate, name) or said["hop_samples"] or max(window // 2, 1)
    return Waves(rate=rate, window=window, hop=hop)


def batches(windows: Sequence[np.ndarray], size: int) -> list[Sequence[np.ndarray]]:
    """Return the windows, whosever they are, ``size`` at a time."""
    return [windows[start : start + size] for start in range(0, len(windows), size)]


def _rate(value: Any, name: str) -> int | None:
    """Return the option ``rate``."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and LOWEST <= value <= HIGHEST:
        return value
    raise EncoderError(f"{name}: rate is {value!r}, expected a whole number from {LOWEST:,} to {HIGHEST:,}")


def _samples(option: str, value: Any, rate: int, name: str) -> int | None:
    """Return seconds as samples."""
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < SHORTEST:
        raise EncoderError(f"{name}: {option} is {value!r}, expected seconds, {SHORTEST:g} or more")
    return max(round(float(value) * rate), 1)


def _whole(text: str | None) -> int | None:
    """Return a number above 0 that metadata holds."""
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else None
