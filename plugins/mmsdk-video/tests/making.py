"""Video files made with PyAV: any container, frames at any times, a tone, a rotation."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

from mmsdk import Media

RED, BLUE = (220, 30, 30), (30, 30, 220)


def scenes(count, colours=(RED, BLUE), size=(64, 48)):
    """Return ``count`` frames, the colours one after the other in equal parts; the top left corner is white."""
    frames = []
    for number in range(count):
        pixels = np.full((size[1], size[0], 3), colours[number * len(colours) // count], np.uint8)
        pixels[: size[1] // 4, : size[0] // 4] = 255
        frames.append(pixels)
    return frames


def video(
    frames, *, times=None, rate=10, sound=None, format="mp4", codec="libx264", turned=0, sound_rate=16_000, options=None
):
    """Return a file.

    :param times: of the frames in seconds, for a variable frame rate.
    :param sound: seconds of a 440 Hz tone.
    """
    stream = io.BytesIO()
    with av.open(stream, "w", format=format) as container:
        picture = None
        if len(frames):
            picture = container.add_stream(codec, rate=rate, options=options or {})
            picture.height, picture.width = frames[0].shape[:2]
            picture.pix_fmt = "yuv420p"
            picture.codec_context.time_base = Fraction(1, 1000)
            picture.time_base = Fraction(1, 1000)
            if turned:
                picture.set_display_rotation(turned)
        tone = container.add_stream("aac", rate=sound_rate, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[number] if times is not None else number / rate))
            container.mux(picture.encode(frame))
        if picture is not None:
            container.mux(picture.encode())
        if tone is not None:
            samples = np.sin(2 * np.pi * 440 * np.arange(int(sound * sound_rate)) / sound_rate).astype(np.float32) / 2
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = sound_rate, 0, Fraction(1, sound_rate)
            container.mux(tone.encode(frame))
            container.mux(tone.encode())
    return stream.getvalue()


def media(data, name="clip.mp4"):
    return Media(name=name, data=data)
