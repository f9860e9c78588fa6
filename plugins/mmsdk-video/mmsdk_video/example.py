"""Tiny clips made here, for the conformance kit."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np

from mmsdk import Media


def examples() -> list[Media]:
    """Return four different clips of a second or less, with and without sound."""
    kinds = ((8, 48, 32, True), (12, 32, 48, False), (5, 64, 64, True), (10, 40, 24, False))
    return [Media(name=f"{number}.mkv", data=_clip(*kind, seed=number)) for number, kind in enumerate(kinds)]


def _clip(count: int, width: int, height: int, sound: bool, seed: int) -> bytes:
    """Return a Matroska file of ``count`` frames at 10 a second, and a tone."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        tone = container.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for number in range(count):
            pixels = np.full((height, width, 3), (seed * 60 + number * 9) % 256, np.uint8)
            pixels[:, (number * 3 + seed) % width] = (250, 30, 60)
            for packet in picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in picture.encode():
            container.mux(packet)
        if tone is not None:
            time = np.arange(800 * count) / 8000
            samples = (8000 * np.sin(2 * np.pi * (200 + 90 * seed) * time)).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            for packet in (*tone.encode(frame), *tone.encode()):
                container.mux(packet)
    return stream.getvalue()
