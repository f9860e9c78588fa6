"""Idle talk and idle hands: speech that is no command, of several kinds of voices, and hands that rest or drift.

Talk comes from RAVDESS (actors read two sentences; rows of its ``test`` actors are held back and never read) and,
where they are installed (``apt-get install espeak-ng flite``), from two speech synthesisers, whose voices say
sentences and short words that are made up here from two lists that share no word. All is brought to one rate, so that
the width of the band tells nothing.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import soxr
from prepare import rows_of

RATE = 8000
TREMBLE = 0.0007  # of the picture's side: how far a tracker moves a point that rests, from step to step
LEVEL = 0.05  # root mean square of a voice, full scale 1
ESPEAK = {
    "learn": (
        "en-us",
        "en-gb+m3",
        "en-us+f2",
        "en-gb-scotland+m1",
        "en-us+m5",
        "en-gb+f4",
        "en-us+m1",
        "en-us+f5",
        "en-gb+m8",
        "en-us+croak",
    ),
    "choose": ("en-gb-x-rp+m2", "en-us+f3"),
    "measure": ("en-gb-x-gbclan+m4", "en-us+f1", "en-029+m6", "en-gb+f5", "en-us+m7"),
}
FLITE = {"learn": (), "choose": (), "measure": ("slt", "rms", "awb", "kal16")}  # a kind of voice that nothing learned
ACTORS = {
    "learn": ("01", "06", "07", "08", "10", "11", "12", "13"),
    "choose": ("15", "16"),
    "measure": ("14", "17", "19", "20", "21", "22", "23", "24"),
}
WHO = {
    "learn": (
        "my brother",
        "the neighbour",
        "a good friend",
        "our teacher",
        "the cat",
        "somebody",
        "her mother",
        "the driver",
    ),
    "measure": (
        "this manager",
        "grandpa",
        "the girl upstairs",
        "your cousin",
        "a stranger",
        "the baker",
        "his dog",
        "everybody",
    ),
}
DID = {
    "learn": (
        "has lost",
        "is looking at",
        "wants",
        "never liked",
        "will bring",
        "has painted",
        "talked about",
        "forgot",
    ),
    "measure": (
        "keeps",
        "just bought",
        "is cleaning",
        "might sell",
        "really needs",
        "laughed about",
        "repairs",
        "found",
    ),
}
WHAT = {
    "learn": (
        "the old bicycle",
        "some bread and butter",
        "the kitchen window",
        "a very long letter",
        "the green umbrella",
        "dinner",
        "the garden",
        "those shoes",
    ),
    "measure": (
        "that heavy suitcase",
        "coffee",
        "a wooden chair",
        "the broken lamp",
        "music",
        "his yellow jacket",
        "an early train",
        "strawberries",
    ),
}
SHORT = {
    "learn": (
        "yes",
        "okay",
        "hello",
        "well",
        "please",
        "wait",
        "look",
        "really",
        "sorry",
        "good",
        "listen",
        "come on",
        "sure",
        "hey",
        "no way",
        "later",
    ),
    "measure": (
        "no",
        "right",
        "thanks",
        "maybe",
        "what",
        "never mind",
        "great",
        "hang on",
        "goodbye",
        "here",
        "I see",
        "fine",
        "oh dear",
        "why not",
        "excuse me",
        "done",
    ),
}
LEARNED = """
about after again along always another answer apple around away baby back ball bath bear because bed before behind
believe below better bird black blue boat book bottle bread bring brother brown build burn busy call carry catch chair
cheese child city clean clear climb clock close cloud cold cook corner could count cross cry cup dance dark day dear
deep door down dream dress drink drop dry ear early earth easy empty engine every face fall family farm fast father
feather field finger finish fire fish floor flower fly food foot forget friend fruit garden girl give glass go goat
gold grass great green ground grow hair half hand happy hard hat head hear heart heavy help high hill hold home horse
hot house hurry ice inside
"""
MEASURED = """
joke jump juice keep key kick kind king kitchen knee knife lady lake lamp large last late laugh lazy leaf learn leg
lemon letter light lion listen little long loud love lucky lunch make market meat meet metal milk minute money month
moon morning mother mountain mouse mouth move music name narrow near neck needle new night noise nose oil old onion
open orange paper park party pencil people pepper picture piece plane plant plate play pocket pool poor price pull
push queen question quick quiet rabbit rain read ready red rich river road rock roof room rope round salt sand school
sea seat seed shade sharp sheep ship shirt shoe shop shoulder silver sing sister skin sky sleep slow small smile snow
soap soft song
"""
WORDS = {"learn": LEARNED.split(), "measure": MEASURED.split()}
COUNT = {"learn": 90, "choose": 30, "measure": 60}  # sentences of each synthetic voice


def talk(real: Path, part: str) -> dict[str, list[np.ndarray]]:
    """Return source -> utterances ``(n,)`` float32 at RATE, of the voices of a part: learn, choose or measure."""
    found = {"ravdess": _ravdess(real, ACTORS[part])}
    for name, voices in (("espeak-ng", ESPEAK[part]), ("flite", FLITE[part])):
        if voices and shutil.which(name):
            found[name] = [one for voice in voices for one in _spoken(name, voice, part)]
    return found


def sentences(part: str, count: int, seed: int) -> list[str]:
    """Return what a voice says: sentences, and as many words alone."""
    words = "measure" if part == "measure" else "learn"
    draw = np.random.default_rng(seed)
    long = [f"{draw.choice(WHO[words])} {draw.choice(DID[words])} {draw.choice(WHAT[words])}" for _ in range(count)]
    alone = draw.choice(WORDS[words], min(count, len(WORDS[words])), replace=False).tolist()
    return [*long, *alone, *SHORT[words]]


def _ravdess(real: Path, actors: tuple[str, ...]) -> list[np.ndarray]:
    folder = real / "data" / "ravdess_av_emotion"
    rows = [row for row in rows_of(folder / "manifest.csv") if row["audio"] and row["split"] != "test"]
    return [
        _level(*_wav((folder / row["audio"]).read_bytes()))
        for row in rows
        if row["audio"].removesuffix(".wav")[-2:] in actors
    ]


def _spoken(program: str, voice: str, part: str) -> list[np.ndarray]:
    """Return utterances of a synthetic voice."""
    seed = sum(map(ord, voice))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.wav"
        for number, text in enumerate(sentences(part, COUNT[part], seed)):
            speed = str(140 + (number * 37) % 70)
            words = (
                ["-v", voice, "-s", speed, "-w", str(file), text]
                if program == "espeak-ng"
                else ["-voice", voice, "-t", text, "-o", str(file)]
            )
            subprocess.run([program, *words], check=True, capture_output=True)
            found.append(_level(*_wav(file.read_bytes())))
    return found


def _wav(data: bytes) -> tuple[np.ndarray, int]:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768, file.getframerate()


def wav(path: Path) -> np.ndarray:
    """Return a recording at RATE and at the common loudness."""
    return _level(*_wav(path.read_bytes()))


def _level(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return samples at RATE, their loud parts at one loudness."""
    narrow = samples if rate == RATE else soxr.resample(samples, rate, RATE).astype(np.float32)
    loud = np.sqrt(np.percentile(np.convolve(narrow**2, np.full(160, 1 / 160), "same"), 90) + 1e-12)
    return (narrow * (LEVEL * 2 / loud)).astype(np.float32)


def conversation(utterances: list[np.ndarray], seconds: float, draw: np.random.Generator) -> np.ndarray:
    """Return so many seconds of talk: utterances in any order, at changing loudness, with pauses of a talk between."""
    parts, count = [], 0
    while count < seconds * RATE:
        one = utterances[int(draw.integers(len(utterances)))] * np.float32(10 ** (draw.uniform(-8, 4) / 20))
        pause = np.zeros(round((0.15 + draw.exponential(1.2)) * RATE), np.float32)
        parts += [one, pause]
        count += len(one) + len(pause)
    sound = np.concatenate(parts)[: round(seconds * RATE)]
    return (sound + draw.normal(0, 10 ** (-55 / 20), len(sound))).astype(np.float32)


def still_hands(seconds: float, draw: np.random.Generator, fps: int = 30) -> np.ndarray:
    """Return a fingertip ``(t, 1, 2)`` that lies still, as far as a tracker lets it."""
    place = draw.uniform(0.2, 0.8, 2)
    return (place + draw.normal(0, TREMBLE, (round(seconds * fps), 2))).astype(np.float32)[:, None]


def hands(seconds: float, draw: np.random.Generator, fps: int = 30) -> np.ndarray:
    """Return a fingertip ``(t, 1, 2)`` that rests, trembles and wanders without any aim, as idle hands do."""
    place, parts = np.array([0.5, 0.5]), []
    while sum(map(len, parts)) < seconds * fps:
        count = int(draw.uniform(0.3, 6) * fps)
        kind = draw.choice(["rest", "drift", "fidget", "reach"], p=[0.55, 0.2, 0.15, 0.1])
        path = np.zeros((count, 2))
        if kind == "drift":  # slowly away
            path = np.cumsum(draw.normal(0, 0.001, (count, 2)) + draw.normal(0, 0.002, 2), axis=0)
        elif kind == "fidget":  # here and there, about one place
            path = np.stack(
                [np.convolve(draw.normal(0, 0.02, count), np.ones(5) / 5, "same") for _ in range(2)], axis=1
            )
        elif kind == "reach":  # to another place, in half a second or so
            count = int(draw.uniform(0.3, 0.9) * fps)
            path = (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, count)))[:, None] * draw.normal(0, 0.12, 2)
        if len(path):
            parts.append(place + path)
            place = np.clip(parts[-1][-1], 0.05, 0.95)
    track = np.concatenate(parts)[: round(seconds * fps)]
    return (track + draw.normal(0, TREMBLE, track.shape)).astype(np.float32)[:, None]
