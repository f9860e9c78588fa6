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
    frames,
    *,
    times=None,
    rate=10,
    sound=None,
    format="mp4",
    codec="libx264",
    turned=0,
    sound_rate=16_000,
    sound_codec="aac",
    sound_start=0.0,
    channels=1,
    options=None,
    container_options=None,
    aspect=None,
    file=None,
):
    """Return a file.

    :param times: of the frames in seconds, for a variable frame rate.
    :param sound: seconds of a 440 Hz tone, or samples ``(channels, t)`` float32.
    :param sound_start: seconds at which the sound begins.
    :param aspect: of a pixel.
    :param file: where to write it, for what cannot be written in memory.
    """
    stream = io.BytesIO() if file is None else str(file)
    with av.open(stream, "w", format=format, options=container_options or {}) as container:
        picture = None
        if len(frames):
            picture = container.add_stream(codec, rate=rate, options=options or {})
            picture.height, picture.width = frames[0].shape[:2]
            picture.pix_fmt = "yuv420p"
            picture.codec_context.time_base = Fraction(1, 1000)
            picture.time_base = Fraction(1, 1000)
            if aspect:
                picture.codec_context.sample_aspect_ratio = aspect
            if turned:
                picture.set_display_rotation(turned)
        layout = {1: "mono", 2: "stereo", 8: "7.1"}[channels]
        tone = None if sound is None else container.add_stream(sound_codec, rate=sound_rate, layout=layout)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[number] if times is not None else number / rate))
            container.mux(picture.encode(frame))
        if picture is not None:
            container.mux(picture.encode())
        if tone is not None:
            samples = _samples(sound, sound_rate, channels).T.reshape(1, -1)  # PyAV cannot make eight planes
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="flt", layout=layout)
            frame.sample_rate, frame.time_base = sound_rate, Fraction(1, sound_rate)
            frame.pts = round(sound_start * sound_rate)
            container.mux(tone.encode(frame))
            container.mux(tone.encode())
    return stream.getvalue() if file is None else file.read_bytes()


def _samples(sound, rate, channels):
    """Return ``(channels, t)`` float32."""
    if isinstance(sound, np.ndarray):
        return sound
    tone = np.sin(2 * np.pi * 440 * np.arange(int(sound * rate)) / rate) / 2
    return np.repeat(tone[None], channels, 0).astype(np.float32)


def media(data, name="clip.mp4"):
    return Media(name=name, data=data)
