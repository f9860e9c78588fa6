"""Videos made with PyAV: photographs of a face side by side, black parts, silent parts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from skimage import data

RATE = 16_000


def frame(faces, height=240, width=426):
    """Return a frame with a photograph of one face so many times."""
    found = np.full((height, width, 3), 60, np.uint8)
    photo = np.asarray(Image.fromarray(data.astronaut()).resize((height, height)))[:, :200]
    if faces:
        found[:, 6:206] = photo
    if faces > 1:
        found[:, 220:420] = photo[:, ::-1]
    return found


def buzz(seconds, level=0.3):
    """Return a voice of sorts: a buzz of 140 Hz in syllables."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * 140 * k * time) * 0.6 ** (k - 1) for k in range(1, 8))
    return (level * wave / np.abs(wave).max() * (0.3 + 0.7 * np.abs(np.sin(6 * time)))).astype(np.float32)


def write(path, parts, sound, rate=10):
    """Write a video.

    :param parts: ``(seconds, faces)``; ``-1`` faces: black.
    :param sound: mono samples at 16 kHz, or None.
    """
    shown = {faces: frame(faces) if faces >= 0 else np.zeros((240, 426, 3), np.uint8) for _, faces in parts}
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        picture.height, picture.width, picture.pix_fmt = 240, 426, "yuv420p"
        voice = None if sound is None else container.add_stream("aac", rate=RATE, layout="mono")
        for seconds, faces in parts:
            for _ in range(round(seconds * rate)):
                container.mux(picture.encode(av.VideoFrame.from_ndarray(shown[faces], format="rgb24")))
        container.mux(picture.encode())
        if voice is not None:
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), format="fltp", layout="mono")
            heard.sample_rate, heard.time_base, heard.pts = RATE, Fraction(1, RATE), 0
            container.mux(voice.encode(heard))
            container.mux(voice.encode())
    return Path(path)
