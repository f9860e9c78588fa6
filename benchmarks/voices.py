"""Words cut out of a live sound by level and by a voice detector, in quiet, in noise, in music and in babble.

    MMSDK_REAL=../shared python benchmarks/voices.py [--words 200] [--commands 120] [--minutes 30]

Digits and gestures of ``voice_gesture_motion`` as in ``interact.py``. Noise is white; music is chords and drums that
are drawn here; babble is six RAVDESS actors at once. The signal-to-noise ratio is of the mean power while a word is
spoken. The scored speaker is in no training row; what is set (2 dB beside the detector, when it begins anew) was chosen
on words of the training speakers. Of each way of cutting a run is fitted, on words of the training speakers in noise of
all kinds (other draws, other actors), cut in that way. The sets' test rows are held back and never read.

A word is cut right where one piece alone touches it, and both have more than half of their union in common.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from idle import ACTORS, RATE, _ravdess, conversation, wav
from interact import APPLICATION, LOST, NOISE, SHAKEN, commands_stream, interval, moved, play, scored, wav_bytes
from prepare import motion
from scipy import stats

import mmsdk

SILERO = Path("models") / "silero-vad-onnx" / "silero_vad.onnx"
IDLE = 240  # seconds of idle talk in each room that is learned from
WAYS = {"level": {}, "level, 3 dB": {"above": 3.0}, "Silero": {"vad": str(SILERO)}}
CUT_ONLY = {"Silero, 12 dB": {"vad": str(SILERO), "above": 12.0}}
ROOMS = ("quiet", "noise 10", "noise 0", "music 10", "music 0", "babble 10", "babble 0")


def application(way, real):
    """Return the application that cuts in a way."""
    own = {**WAYS, **CUT_ONLY}[way].copy()
    if "vad" in own:
        own["vad"] = str(real / own["vad"])
    stream = APPLICATION["stream"]
    voice = {**stream["inputs"]["voice"], **own}
    return {**APPLICATION, "stream": {**stream, "inputs": {**stream["inputs"], "voice": voice}}}


def words_stream(rows, draw, pause=(1.0, 2.5)):
    """Return a sound of words with pauses between, and where each begins and ends."""
    parts, spans, t = [np.zeros(RATE, np.float32)], [], 1.0
    for row in rows:
        said = wav(Path(row["voice"])) * np.float32(10 ** (draw.uniform(-8, 4) / 20))
        first, last = active(said)
        spans.append((t + first, t + last))
        quiet = np.zeros(round(draw.uniform(*pause) * RATE), np.float32)
        parts += [said, quiet]
        t += (len(said) + len(quiet)) / RATE
    sound = np.concatenate(parts)
    return (sound + draw.normal(0, NOISE, len(sound))).astype(np.float32), spans


def active(said):
    """Return where a clip is within 30 dB of its loudest 10 ms, seconds."""
    level = levels(said)
    loud = np.flatnonzero(level > level.max() - 30)
    return loud[0] * 0.01, (loud[-1] + 1) * 0.01


def levels(sound):
    """Return the level of each 10 ms, dB."""
    size = RATE // 100
    whole = sound[: len(sound) // size * size].reshape(-1, size).astype(np.float64)
    return 10 * np.log10((whole**2).mean(1) + 1e-12)


def in_room(sound, room, draw, actors):
    """Return a sound in a room: ``music 10`` is 10 dB softer than the words."""
    kind, _, ratio = room.partition(" ")
    if kind == "quiet":
        return sound
    return sound + noise(kind, len(sound), draw, actors) * np.float32(loudness(sound) * 10 ** (-float(ratio) / 20))


def loudness(sound):
    """Return the root mean square of a sound while it is no pause."""
    level = levels(sound)
    return np.sqrt(np.mean(10 ** (level[level > -45] / 10)))


def noise(kind, count, draw, actors):
    """Return so many samples of a kind of noise, float32 of mean power 1."""
    made = {"noise": lambda: draw.normal(0, 1, count), "music": lambda: music(count, draw)}
    made["babble"] = lambda: sum(talking(count, draw, actors) for _ in range(6))
    found = made[kind]()
    return (found / np.sqrt(np.mean(found**2))).astype(np.float32)


def talking(count, draw, actors):
    """Return so many samples of one who talks without a pause."""
    parts, there = [], 0
    while there < count:
        parts.append(actors[int(draw.integers(len(actors)))])
        there += len(parts[-1])
    return np.concatenate(parts)[:count]


def music(count, draw):
    """Return chords of four harmonics that fade, a drum with three in five of them."""
    sound, at = np.zeros(count), 0
    while at < count:
        size = int(draw.uniform(0.25, 1.0) * RATE)
        t = np.arange(size) / RATE
        root, third = 110 * 2 ** (draw.integers(0, 18) / 12), draw.choice([3, 4])
        tones = [root * 2 ** (step / 12) * harmonic for step in (0, third, 7) for harmonic in (1, 2, 3, 4)]
        weights = [1 / harmonic for _ in range(3) for harmonic in (1, 2, 3, 4)]
        chord = sum(w * np.sin(2 * np.pi * f * t + draw.uniform(0, 6.28)) for f, w in zip(tones, weights, strict=True))
        chord = chord * np.exp(-t * draw.uniform(0.5, 4)) * np.minimum(1, t * 100)
        if draw.random() < 0.6:
            chord += 2.5 * draw.normal(0, 1, size) * np.exp(-t * 53)
        sound[at : at + size] += chord[: count - at]
        at += size
    return sound


def table(real, way, actors, count, seed=0):
    """Return rows to learn from: words and idle talk in rooms of all kinds, cut in a way, and the gestures."""
    draw = np.random.default_rng(seed)
    settings = mmsdk.Application.model_validate(application(way, real))
    commands = [row for row in motion(real) if row["split"] == "train"]
    last = max(row["speaker"] for row in commands)
    chosen = [commands[place] for place in draw.permutation(len(commands))[:count]]
    rooms = ("quiet", "quiet", "noise 20", "noise 10", "music 20", "music 10", "babble 20")
    rows = []
    for number, room in enumerate(rooms):
        part = chosen[number :: len(rooms)]
        sound, spans = words_stream(part, draw)
        heard = in_room(sound, room, draw, actors)
        found = mmsdk.cut_recording(settings, "voice", heard)
        for row, (start, end) in zip(part, spans, strict=True):
            own = [one for one in found if one[0] < end and one[1] > start]
            said = max(own, key=lambda one: one[1] - one[0])[2] if own else None
            whole = wav_bytes(heard[round(start * RATE) : round(end * RATE)])
            side = "val" if row["speaker"] == last else "train"
            voice = {"voice": said or whole, "argument": row["digit"]}
            rows.append({"motion": moved(settings, row), "action": row["action"], "part": side, **voice})
        between = [one[2] for one in found if not any(one[0] < end and one[1] > start for start, end in spans)]
        talk = in_room(conversation(actors, IDLE, draw), room, draw, actors)
        idle = [one[2] for one in mmsdk.cut_recording(settings, "voice", talk)]
        for place, cell in enumerate([*between, *idle]):
            side = "val" if place % 5 == 0 else "train"
            rows.append({"motion": None, "action": None, "voice": cell, "argument": "none", "part": side})
    return [{"id": str(number), **row} for number, row in enumerate(rows)]


def cut_right(pieces, spans):
    """Return which words are cut right."""
    right = []
    for start, end in spans:
        touching = [one for one in pieces if one[0] < end and one[1] > start]
        common = [(min(end, one[1]) - max(start, one[0])) / (max(end, one[1]) - min(start, one[0])) for one in touching]
        right.append(len(common) == 1 and common[0] > 0.5)
    return np.array(right)


def tell_deafness(settings, words, actors):
    """Print how many words are cut right as music goes on, where the detector never begins anew and as it is."""
    from mmsdk_audio import silero

    sound, spans = words_stream(words, np.random.default_rng(2))
    heard, usual = in_room(sound, "music 20", np.random.default_rng(3), actors), silero.FRESH
    for name, fresh in (("never begins anew", np.inf), ("as it is", usual)):
        silero.FRESH = fresh
        right = cut_right(mmsdk.cut_recording(settings, "voice", heard), spans)
        parts = zip(np.array_split(right, 4), np.array_split([end for _, end in spans], 4), strict=True)
        told = ", ".join(f"to {ends[-1]:.0f} s {shown(part)}" for part, ends in parts)
        print(f"music 20   Silero, {name}: {told}", flush=True)
    silero.FRESH = usual


def shown(right):
    """Return a share with its interval."""
    low, high = interval(right)
    return f"{right.mean():.3f} [{low:.3f}, {high:.3f}]"


def rate(count, hours):
    """Return so many an hour with the exact 95 % interval of a Poisson count (Garwood 1936)."""
    low, high = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0, stats.chi2.ppf(0.975, 2 * (count + 1)) / 2
    return f"{count / hours:.0f} [{low / hours:.0f}, {high / hours:.0f}]"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=200, help="that are cut, in each room")
    parser.add_argument("--commands", type=int, default=120, help="words with gestures, in each room")
    parser.add_argument("--minutes", type=float, default=30.0, help="of music without words")
    parser.add_argument("--learn", type=int, default=800, help="commands to learn from")
    parser.add_argument("--runs", default=None, help="a folder that keeps the runs; they are fitted where they lack")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    rows = [row for row in motion(real) if row["split"] == "val"]
    draw = np.random.default_rng(1)
    words = [rows[place] for place in draw.permutation(len(rows))[: arguments.words]]
    asked = [rows[place] for place in draw.permutation(len(rows))[: arguments.commands]]
    actors = _ravdess(real, ACTORS["measure"])
    settings = {way: mmsdk.Application.model_validate(application(way, real)) for way in (*WAYS, *CUT_ONLY)}
    for room in ROOMS:
        sound, spans = words_stream(words, np.random.default_rng(2))
        heard = in_room(sound, room, np.random.default_rng(3), actors)
        cut = {way: cut_right(mmsdk.cut_recording(one, "voice", heard), spans) for way, one in settings.items()}
        print(
            f"{room:10s} words cut right: " + ", ".join(f"{way} {shown(right)}" for way, right in cut.items()),
            flush=True,
        )
    tell_deafness(settings["Silero"], words, actors)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(arguments.runs or temporary)
        for way in WAYS:
            run = home / way.replace(" ", "-")
            if not run.is_dir():
                learned = table(real, way, _ravdess(real, ACTORS["learn"]), arguments.learn)
                mmsdk.fit(application(way, real), learned, run, quiet=True).close()
            with_run(way, mmsdk.load(run, quiet=True), asked, actors, arguments.minutes)


def with_run(way, app, asked, actors, minutes):
    """Print what a run understands in each room, and what music alone is taken for."""
    for room in ROOMS:
        stream, wanted = commands_stream(asked, np.random.default_rng(4))
        stream.sound = in_room(stream.sound, room, np.random.default_rng(5), actors).astype(np.float32)
        session = mmsdk.open_session(app, clock=mmsdk.VirtualClock())
        events, busy = play(session, stream.parcels(np.random.default_rng(6), LOST, SHAKEN))
        right, waits, more = scored(events, wanted)
        wait = "p50 {:.0f} ms, p95 {:.0f} ms".format(*np.percentile(waits[:, 0], [50, 95]) * 1e3) if len(waits) else "-"
        print(
            f"{way:12s} {room:10s} joint accuracy {shown(right)}; answered {len(waits)} of {len(asked)}, {more} too "
            f"many; waiting {wait}; {busy / len(stream.sound) * RATE * 100:.1f} % of a core",
            flush=True,
        )
    quiet = np.zeros(round(minutes * 60 * RATE), np.float32)
    for ratio in (10, 0):
        sound = quiet + noise("music", len(quiet), np.random.default_rng(7), actors) * np.float32(
            0.1 * 10 ** (-ratio / 20)
        )
        cells = [cell for _, _, cell in mmsdk.cut_recording(app.application, "voice", sound)]
        answers = [one.outputs["argument"] for one in app.predict([{"voice": cell} for cell in cells])] if cells else []
        taken = sum(str(one.value) != "none" and (one.confidence or 0) >= 0.5 for one in answers)
        hours = minutes / 60
        found = f"{rate(len(cells), hours)} pieces an hour, {rate(taken, hours)} taken for a word"
        print(f"{way:12s} music alone at {ratio} dB: {found}", flush=True)
    app.close()


if __name__ == "__main__":
    main()
