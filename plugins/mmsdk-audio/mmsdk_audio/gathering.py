"""From blocks of channels to one mono float32 array: checked, cut to length, at most 48,000 samples a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from mmsdk import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_audio.reading import Track

MAX_RATE = 48_000
LOUDEST = 1e6  # times full scale; beyond it is no sound, and its square is no float32


def gather(track: Track, *, start: float, most: float, channel: int | None) -> tuple[Sound, bool]:
    """Return the sound, and whether the file goes on after it. No more of it is held than is returned.

    :param start: seconds to skip.
    :param most: seconds to read.
    :param channel: counted from 0; ``None`` for the mean of all.
    :raises ValueError: NaN or infinite samples, no samples, no such channel.
    """
    if channel is not None and channel >= track.channels:
        has = "1 channel" if track.channels == 1 else f"{track.channels} channels"
        raise ValueError(f"has {has}, where channel {channel + 1} was asked for")
    first, count = round(start * track.rate), max(round(most * track.rate), 1)
    parts, more = _window(_mono(track, channel), first, count, track.rate)
    if not parts:
        raise ValueError("holds no samples" if not first else f"is over before second {start:g}, where it is to start")
    return Sound(samples=np.concatenate(parts), rate=min(track.rate, MAX_RATE)), more


def _mono(track: Track, channel: int | None) -> Iterator[np.ndarray]:
    """Yield blocks of one channel, float32 ``(n,)``."""
    for block in track.blocks:
        mono = block.mean(1) if channel is None else block[:, channel]
        loudest = float(np.abs(mono).max(initial=0.0))
        if not loudest <= LOUDEST:  # NaN too
            reason = f"up to {loudest:.1g} times full scale" if np.isfinite(loudest) else "that are NaN or infinite"
            raise ValueError(f"holds samples {reason}")
        yield mono


def _window(blocks: Iterator[np.ndarray], first: int, count: int, rate: int) -> tuple[list[np.ndarray], bool]:
    """Return ``count`` samples at most from sample ``first`` on, in parts, and whether there are more after them.

    Where there are more than 48,000 a second they are brought down on the way, so that they are never all held.
    """
    lower = soxr.ResampleStream(rate, MAX_RATE, 1, dtype="float32").resample_chunk if rate > MAX_RATE else None
    parts: list[np.ndarray] = []
    seen, more = 0, False
    for block in blocks:
        part = block[max(first - seen, 0) : first + count - seen]
        if len(part):
            parts.append(lower(np.ascontiguousarray(part)) if lower else part.copy())
        seen += len(block)
        if more := seen > first + count:
            break
    if lower and parts:
        parts.append(lower(np.zeros(0, np.float32), last=True))
        if not any(map(len, parts)):  # a sample or two of silence are a sound too
            parts.append(np.zeros(1, np.float32))
    return parts, more
