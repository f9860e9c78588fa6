"""Small made-up tables for the documented applications: each input tells a part of the answer, and some are missing."""

from __future__ import annotations

import csv
import io
import random
import wave
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

SAYS = {
    "positive": ("I love it", "what a lovely day", "wonderful, thank you", "this is great"),
    "neutral": ("the shop opens at nine", "the parcel weighs two kilos", "it is on the table", "we meet on Monday"),
    "negative": ("I hate it", "what a terrible day", "awful, never again", "this is broken"),
}
SKIES = {"positive": (245, 205, 70), "neutral": (150, 150, 150), "negative": (40, 35, 70)}
MOODS = {"calm": (140.0, 1.0), "annoyed": (420.0, 9.0)}  # pitch in Hz, syllables a second
COLOURS = {"red": (220, 40, 40), "green": (40, 170, 70), "blue": (50, 80, 220), "yellow": (240, 210, 60)}
SHAPES = ("circle", "square")


def write_posts(folder: Path, count: int = 150) -> None:
    """Write ``posts.csv`` and its pictures: words and the light of a picture tell the mood, a fifth lacks either."""
    draw, rows = random.Random(0), []
    for number in range(count):
        mood = list(SAYS)[number % 3]
        picture = f"pictures/{number}.jpg"
        pixels = np.random.default_rng(number).normal(SKIES[mood], 25, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        _save(folder / picture, Image.fromarray(pixels))
        rows.append(
            {
                "post": f"P{number:03d}",
                "author": f"author {number // 2}",
                "language": draw.choice(("en", "en-GB")),
                "text": "" if number % 10 == 3 else draw.choice(SAYS[mood]),
                "picture": "" if number % 10 == 6 else picture,
                "sentiment": mood,
            }
        )
    _write(folder / "posts.csv", rows)


def write_calls(folder: Path, count: int = 100) -> None:
    """Write ``calls.csv`` and its recordings: pitch and pace tell the mood; who waits long or is annoyed is sent on."""
    draw, rows = random.Random(1), []
    for number in range(count):
        mood = list(MOODS)[number % 2]
        waited = draw.choice((2, 5, 12, 45))
        recording = f"recordings/{number}.wav"
        _speak(folder / recording, mood, seed=number)
        note = "caller asks about the bill" if mood == "calm" else "caller complains about the bill"
        rows.append(
            {
                "call": f"C{number:03d}",
                "caller": f"caller {number // 2}",
                "phone": f"+49 30 {number:06d}",
                "recording": "" if number % 10 == 7 else recording,
                "note": "" if draw.random() < 0.3 else note,
                "waited_minutes": str(waited),
                "mood": mood,
                "escalate": "yes" if mood == "annoyed" or waited > 30 else "no",
            }
        )
    _write(folder / "calls.csv", rows)


def write_pictures(folder: Path, count: int = 160) -> None:
    """Write ``pictures.csv``, and ``new.csv`` of pictures without a word: shapes of a colour and what they are."""
    rows = []
    for number in range(count + 16):
        colour, shape = list(COLOURS)[number % 4], SHAPES[(number // 4) % 2]
        file = f"photos/{number}.png"
        _save(folder / file, drawn(colour, shape, seed=number))
        caption = f"a {colour} {shape}" if number % 3 else f"{shape}, painted {colour}"
        rows.append({"picture": f"{colour}-{shape}-{number}", "file": file, "caption": caption})
    _write(folder / "pictures.csv", rows[:count])
    _write(folder / "new.csv", [{**row, "caption": ""} for row in rows[count:]])


def drawn(colour: str, shape: str, seed: int) -> Image.Image:
    """Return a picture of a shape somewhere on a light ground."""
    at = np.random.default_rng(seed).integers(2, 18, 2)
    picture = Image.new("RGB", (48, 48), (235, 232, 225))
    box = (int(at[0]), int(at[1]), int(at[0]) + 26, int(at[1]) + 26)
    pen = ImageDraw.Draw(picture)
    (pen.ellipse if shape == "circle" else pen.rectangle)(box, fill=COLOURS[colour])
    return picture


def _speak(path: Path, mood: str, *, seed: int, rate: int = 16_000) -> None:
    """Write a second of a voice-like tone: annoyed is higher and quicker."""
    generator = np.random.default_rng(seed)
    pitch, pace = MOODS[mood]
    time = np.arange(rate) / rate
    tone = np.sin(2 * np.pi * pitch * generator.uniform(0.9, 1.1) * time) * (1 + np.sin(2 * np.pi * pace * time))
    samples = 9_000 * (tone / 2 + generator.normal(0, 0.05, rate))
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _save(path: Path, picture: Image.Image) -> None:
    """Write a picture."""
    path.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG" if path.suffix == ".png" else "JPEG")
    path.write_bytes(buffer.getvalue())


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
