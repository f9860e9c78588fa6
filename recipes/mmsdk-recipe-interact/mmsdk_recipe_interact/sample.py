"""The synthetic sample: strokes of a fingertip and words of vowels, drawn and sung from a seed, and a live recording.

The motion says the *action* and nothing else, the word the *argument* and nothing else. Each speaker has a pitch, a
throat and a hand of an own; rows of ``none`` are idle: humming and babble, and a hand that wanders.
"""

from __future__ import annotations

import csv
import io
import json
import wave
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

RATE, FPS = 8000, 30
SPEAKERS, REPEATS, IDLE = 8, 2, 20
VOWELS = {"a": (750, 1250), "e": (500, 1900), "i": (300, 2300), "o": (450, 850), "u": (320, 700)}
WORDS = {"one": "oa", "two": "u", "three": "ie", "five": "ai"}
NONSENSE = ("eae", "aeo", "iui", "oeo", "eoe")
ACTIONS = ("louder", "softer", "next", "stop")
COMMANDS: list[dict[str, Any]] = [
    {
        "name": "volume",
        "when": {"action": ["louder", "softer"]},
        "slots": ["argument"],
        "say": "{action} by {argument}",
    },
    {"name": "skip", "when": {"action": "next"}, "slots": ["argument"], "say": "{argument} titles on"},
    {"name": "stop", "when": {"action": "stop"}, "slots": ["argument"], "say": "stop in {argument} minutes"},
]
SPOKEN = 8  # commands of the live recording
NOISE = 0.002
LIVE = {"--audio": "live/voice.wav", "--landmarks": "live/motion.csv"}


def write_sample(folder: Path, seed: int) -> None:
    """Write ``commands.csv``, ``voice/`` and ``live/`` in ``folder``; the same seed, the same bytes."""
    rng = np.random.default_rng(seed)
    people = [(f"S{number}", float(rng.uniform(95, 230)), float(rng.uniform(0.9, 1.15))) for number in range(SPEAKERS)]
    (folder / "voice").mkdir(parents=True, exist_ok=True)
    (folder / "live").mkdir(exist_ok=True)
    rows: list[dict[str, str]] = []
    for person in people:
        for action, argument in _wanted():
            rows.append(_row(folder, len(rows), person, action, argument, rng))
    write_live(folder / "live", (people[0][0], *people[0][1:]), rng)
    _write_csv(folder / "commands.csv", list(rows[0]), [list(row.values()) for row in rows])


def _wanted() -> Iterable[tuple[str, str]]:
    """Yield action and argument of each row of a speaker; idle ones have one of them, which is none."""
    for _ in range(REPEATS):
        for action in ACTIONS:
            for argument in WORDS:
                yield action, argument
    for _ in range(IDLE):
        yield "none", ""
        yield "", "none"


def _row(
    folder: Path, number: int, person: tuple[str, float, float], action: str, argument: str, rng: np.random.Generator
) -> dict[str, str]:
    """Write the files of one row and return it."""
    motion = json.dumps(np.round(stroke(action, rng), 4).tolist()) if action else ""
    voice = ""
    if argument:
        voice = f"voice/{number:04d}.wav"
        (folder / voice).write_bytes(wav_of(spoken(argument, person, rng)))  # the table, written last, vouches for it
    return {
        "id": f"c{number:04d}",
        "motion": motion,
        "voice": voice,
        "action": action,
        "argument": argument,
        "speaker": person[0],
    }


def stroke(action: str, rng: np.random.Generator) -> np.ndarray:
    """Return a fingertip's way ``(t, 2)`` in shares of the picture."""
    count = int(rng.integers(14, 24))
    s, size, turn = np.linspace(0, 1, count), rng.uniform(0.12, 0.25), rng.uniform(-0.3, 0.3)
    way = {
        "louder": np.stack([np.sin(2 * np.pi * s), 1 - np.cos(2 * np.pi * s)], axis=1) / 2,
        "softer": np.stack([-np.sin(2 * np.pi * s), 1 - np.cos(2 * np.pi * s)], axis=1) / 2,
        "next": np.stack([s, 0 * s], axis=1),
        "stop": np.zeros((count, 2)),
        "none": np.cumsum(rng.normal(0, 0.12, (count, 2)), axis=0),
    }[action]
    cos, sin = np.cos(turn), np.sin(turn)
    found: np.ndarray = size * way @ np.array([[cos, sin], [-sin, cos]]) + rng.normal(0, 0.001, (count, 2))
    return found


def spoken(argument: str, person: tuple[str, float, float], rng: np.random.Generator) -> np.ndarray:
    """Return a word ``(n,)`` of a voice: harmonics of a gliding pitch under the formants of its vowels."""
    vowels = WORDS[argument] if argument in WORDS else str(rng.choice(NONSENSE))
    _, pitch, throat = person
    count = round(rng.uniform(0.3, 0.5) * RATE)
    s = np.linspace(0, 1, count)
    f0 = pitch * rng.uniform(0.93, 1.07) * (1 + rng.uniform(-0.15, 0.1) * s)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    places = np.linspace(0, 1, len(vowels))
    sound = np.zeros(count)
    formants = [np.interp(s, places, [VOWELS[v][n] * throat for v in vowels]) for n in (0, 1)]
    for k in range(1, int(3400 / f0.max()) + 1):
        gain = sum(
            weight * np.exp(-(((k * f0 - f) / 120) ** 2)) for weight, f in zip((1.0, 0.6), formants, strict=True)
        )
        sound += (gain + 0.02) * np.sin(k * phase)
    edge = np.minimum(1, np.minimum(s, 1 - s) * 12)
    return np.asarray(0.3 * sound * edge / np.abs(sound).max() * 10 ** (rng.uniform(-6, 3) / 20))


def write_live(folder: Path, person: tuple[str, float, float], rng: np.random.Generator) -> None:
    """Write a recording to listen to: commands, humming and a wandering hand between, and what was asked for."""
    said, seen, truth, t = [], [], [], 1.5
    for number in range(SPOKEN):
        action, argument = str(rng.choice(ACTIONS)), str(rng.choice(list(WORDS)))
        word = spoken(argument, person, rng)
        said.append((t, word))
        seen.append((t + 0.05, stroke(action, rng)))
        truth.append([f"{t:.2f}", action, argument])
        t += 2.5
        if number % 2:  # idle talk, and idle hands by themselves
            said.append((t, spoken("none", person, rng)))
            seen.append((t + 1.5, stroke("none", rng)))
            t += 3.5
    sound = rng.normal(0, NOISE, round((t + 1) * RATE))
    for at, word in said:
        sound[round(at * RATE) : round(at * RATE) + len(word)] += word
    track = np.full((round((t + 1) * FPS), 2), 0.5)
    for at, way in seen:
        first = round(at * FPS)
        track[first : first + len(way)] = track[first - 1] + way - way[0]
        track[first + len(way) :] = track[first + len(way) - 1]
    with atomic_write(folder / "voice.wav") as partial:
        partial.write_bytes(wav_of(sound))
    steps = [[f"{n / FPS:.3f}", f"{x:.4f}", f"{y:.4f}"] for n, (x, y) in enumerate(track)]
    _write_csv(folder / "motion.csv", ["time", "x", "y"], steps)
    _write_csv(folder / "asked.csv", ["time", "action", "argument"], truth)


def wav_of(samples: np.ndarray) -> bytes:
    """Return samples as a WAV of 16 bits."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV whole or not at all."""
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
