"""The synthetic sample: short videos of drawn faces with buzzing voices, made from a seed.

Ten people show four expressions. The voice tells whether somebody is excited (angry, surprised) or not (neutral,
happy); of the face brows and mouth tell the rest, less where the expression is faint. Some clips have no sound, in some
the face is hidden. Beside them lies an interview of 18 seconds to read over time: somebody goes through all four, then
two are there at once.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from mmsdk import atomic_write
from mmsdk_recipe_emotion.drawing import Look, Person, draw_face

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE, TAKES = 10, 2
SECONDS, RATE, SOUND_RATE = 1.2, 5, 16_000
HEIGHT, WIDTH, FACE = 128, 176, 104
EXPRESSIONS = ("neutral", "happy", "angry", "surprised")
LOOKS = {
    "neutral": Look(),
    "happy": Look(smile=1.0, brow=0.3, mouth=0.3),
    "angry": Look(smile=-0.7, brow=-1.0),
    "surprised": Look(smile=0.2, brow=1.0, mouth=1.0),
}
VOICES = {  # higher by, rising by, loud
    "neutral": (1.0, 0.0, 0.25),
    "happy": (1.05, 0.05, 0.3),
    "angry": (1.35, 0.3, 0.85),
    "surprised": (1.4, 0.35, 0.8),
}
CODER = {"preset": "veryfast", "threads": "1", "x264-params": "asm=0"}  # x264's assembly differs from call to call
SILENT, HIDDEN = 0.1, 0.08
INTERVIEW, TURN, TOGETHER, ROOM = "interview.mp4", 3.5, 4.0, 2 * FACE + 80  # seconds an expression; pixels for two


def write_sample(folder: Path, seed: int) -> None:
    """Write ``clips/``, an interview and ``clips.csv`` in ``folder``; the same seed, the same bytes."""
    rng = np.random.default_rng(seed)
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(PEOPLE):
        person, pitch = _person(rng), float(rng.uniform(100, 210))
        for expression in EXPRESSIONS:
            for _ in range(TAKES):
                clip = f"C{len(rows):03d}"
                hidden, silent = rng.random() < HIDDEN, rng.random() < SILENT
                sound = None if silent else _voice(expression, pitch, rng)
                frames = _frames(person, LOOKS[expression], rng, hidden=hidden)
                write_video(folder / "clips" / f"{clip}.mp4", frames, RATE, sound, SOUND_RATE)
                rows.append((clip, f"clips/{clip}.mp4", f"P{number}", expression))
    rows = [rows[place] for place in rng.permutation(len(rows))]
    write_interview(folder / INTERVIEW, rng)
    with atomic_write(folder / "clips.csv") as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("clip", "video", "actor", "expression"))
        writer.writerows(rows)


def write_interview(path: Path, rng: np.random.Generator) -> None:
    """Write a video of somebody who shows all expressions and speaks, whom another joins at the end."""
    one, other, pitch = _person(rng), _person(rng), float(rng.uniform(100, 210))
    alone, joined = round(len(EXPRESSIONS) * TURN * RATE), round(TOGETHER * RATE)
    frames = []
    for step in range(alone + joined):
        look = LOOKS[EXPRESSIONS[min(int(step / RATE / TURN), len(EXPRESSIONS) - 1)]]
        frame = np.full((HEIGHT, ROOM, 3), one.wall, np.uint8)
        _put(frame, one, look, 20, rng)
        if step >= alone:
            _put(frame, other, LOOKS["happy"], ROOM - FACE - 20, rng)
        frames.append(np.clip(frame + rng.normal(0, 4, (HEIGHT, ROOM, 1)), 0, 255).astype(np.uint8))
    said = [_voice(expression, pitch, rng, TURN) for expression in EXPRESSIONS]
    said.append(_voice(EXPRESSIONS[-1], pitch, rng, TOGETHER))
    write_video(path, frames, RATE, np.concatenate(said), SOUND_RATE)


def _put(frame: np.ndarray, person: Person, look: Look, left: int, rng: np.random.Generator) -> None:
    """Draw a face into a frame, at a place that shakes a little."""
    wobble = rng.normal(0, 0.06, 3)
    now = Look(
        smile=0.85 * look.smile + wobble[0],
        brow=0.85 * look.brow + wobble[1],
        mouth=float(np.clip(0.85 * look.mouth + wobble[2], 0, 1)),
    )
    x, y = left + int(rng.integers(-2, 3)), 12 + int(rng.integers(-2, 3))
    frame[y : y + FACE, x : x + FACE] = draw_face(person, now, FACE)


def write_video(path: Path, frames: list[np.ndarray], rate: int, sound: np.ndarray | None, sound_rate: int) -> None:
    """Write an MP4 (H.264, AAC) on one thread, so that its bytes do not depend on the machine's cores.

    :param frames: ``(h, w, 3)`` uint8 each, even sides.
    :param sound: mono ``(t,)`` float32, or ``None``.
    """
    with atomic_write(path) as partial, av.open(str(partial), "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=rate, options=CODER)
        picture.height, picture.width = frames[0].shape[:2]
        picture.pix_fmt = "yuv420p"
        voice = None if sound is None else container.add_stream("aac", rate=sound_rate, layout="mono")
        for pixels in frames:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(picture.encode())
        if voice is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[None], np.float32), format="fltp", layout="mono"
            )
            block.sample_rate, block.time_base, block.pts = sound_rate, Fraction(1, sound_rate), 0
            container.mux(voice.encode(block))
            container.mux(voice.encode())


def _person(rng: np.random.Generator) -> Person:
    """Draw somebody's colours."""
    tone = rng.uniform(0.45, 1.0)
    skin = tuple(int(one) for one in np.clip(np.array([238, 198, 170]) * tone + rng.integers(-8, 9, 3), 0, 255))
    hair = tuple(int(one) for one in rng.integers(25, 110, 3))
    wall = tuple(int(one) for one in rng.integers(70, 170, 3))
    return Person(skin=skin, hair=hair, wall=wall)  # type: ignore[arg-type]


def _frames(person: Person, look: Look, rng: np.random.Generator, *, hidden: bool) -> list[np.ndarray]:
    """Return the frames of a clip: the expression comes and goes, the head moves a little."""
    intensity = rng.uniform(0.6, 1.0)
    x, y = rng.uniform(0, WIDTH - FACE), rng.uniform(0, HEIGHT - FACE)
    frames = []
    for step in range(round(SECONDS * RATE)):
        share = intensity * min(1.0, 0.4 + 2 * step / (SECONDS * RATE))
        wobble = rng.normal(0, 0.08, 3)
        now = Look(
            smile=look.smile * share + wobble[0],
            brow=look.brow * share + wobble[1],
            mouth=float(np.clip(look.mouth * share + wobble[2], 0, 1)),
        )
        frame = np.full((HEIGHT, WIDTH, 3), person.wall, np.uint8)
        x = float(np.clip(x + rng.normal(0, 1), 0, WIDTH - FACE))
        if not hidden:
            frame[int(y) : int(y) + FACE, int(x) : int(x) + FACE] = draw_face(person, now, FACE)
        noise = rng.normal(0, 4, (HEIGHT, WIDTH, 1))
        frames.append(np.clip(frame + noise, 0, 255).astype(np.uint8))
    return frames


def _voice(expression: str, pitch: float, rng: np.random.Generator, seconds: float = SECONDS) -> np.ndarray:
    """Return a buzz ``(t,)`` float32: higher, rising and louder by expression, with syllables."""
    higher, rise, loud = VOICES[expression]
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    share = rng.uniform(0.7, 1.0)
    rising = 1 + rise * share * (time % SECONDS) / SECONDS
    hertz = pitch * (1 + (higher - 1) * share) * rising * (1 + 0.01 * rng.normal())
    phase = 2 * np.pi * np.cumsum(hertz) / SOUND_RATE
    buzz = sum(np.sin(k * phase) * 0.5 ** (k - 1) for k in range(1, 9))
    syllables = 0.35 + 0.65 * np.abs(np.sin(np.pi * time * rng.uniform(2.5, 4.0)))
    level = 0.12 + 0.5 * loud * share * rng.uniform(0.7, 1.3)
    wave = level * buzz / np.abs(buzz).max() * syllables + rng.normal(0, 0.01, len(time))
    return np.clip(wave, -1, 1).astype(np.float32)
