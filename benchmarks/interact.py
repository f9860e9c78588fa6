"""Commands of an unheard speaker out of a live stream, how long each takes, and what hours of idle talk set off.

    MMSDK_REAL=../shared python benchmarks/interact.py [--hours 6] [--commands 320] [--few] [--digits]

Real clips of ``voice_gesture_motion`` are streamed at their true rate (sound at 8,000 samples in chunks of 20 ms, the
fingertip at 30 steps a second, which is assumed: the set does not say) on a virtual clock: with noise, silences, a hand
that rests between commands, word and gesture in either order and overlapping, parcels that overtake one another (up to
30 ms) and parcels that are lost (2 %). The scored speaker, and the idle voices that are measured, are in no training
row and chose no threshold. The set's test rows are held back and never read.

Latency is from the end of the later of word and gesture in the clip (of a still hand: of the word) to the event: the
waiting of the runtime (silence that ends a word, jitter) on the virtual clock, and the computing measured on this
machine, in one thread that takes one parcel after the other.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
from idle import RATE, conversation, hands, talk, wav
from prepare import motion
from scipy import stats

import mmsdk

FPS = 30
NOISE = 10 ** (-55 / 20)
CHUNK = 0.02
LOST, SHAKEN = 0.02, 0.03
STREAM = {
    "inputs": {
        "voice": {"segment": "voice", "rate": RATE, "before": 0.25, "shortest": 0.15, "longest": 1.0},
        "motion": {"segment": "motion", "rate": FPS, "still": 0.5, "shortest": 0.2, "longest": 1.5},
    },
    "slots": {
        "action": {"needs": ["motion"], "idle": ["none"], "least": 0.5},
        "argument": {"needs": ["voice"], "idle": ["none"], "least": 0.5},
    },
}
APPLICATION = {
    "id": "id",
    "inputs": {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "gesture-stats"},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    },
    "tasks": {
        "action": {"column": "action", "type": "classification"},
        "argument": {"column": "argument", "type": "classification"},
    },
    "split": {"column": "part"},
    "confidence": {"source": "validation"},
    "training": {"imbalance": "none"},
    "stream": STREAM,
}


def table(real: Path, seed: int = 0) -> list[dict]:
    """Return rows to learn from: the commands as a stream would cut them, and pieces of idle talk and idle hands."""
    application = mmsdk.Application.model_validate(APPLICATION)
    draw = np.random.default_rng(seed)
    commands = [row for row in motion(real) if row["split"] == "train"]
    last = max(row["speaker"] for row in commands)
    rows = []
    for row in commands:
        part = "val" if row["speaker"] == last else "train"
        said = padded(wav(Path(row["voice"])) * 10 ** (draw.uniform(-8, 4) / 20), draw)
        rows.append(
            {
                "motion": moved(application, row),
                "voice": first(mmsdk.cut_recording(application, "voice", said), said),
                "action": row["action"],
                "argument": row["digit"],
                "part": part,
            }
        )
    talked = idle_pieces(application, "voice", real, draw)
    idled = [cell for _, _, cell in mmsdk.cut_recording(application, "motion", hands(3600, draw))]
    for number, cell in enumerate(talked):
        other = rows[int(draw.integers(len(commands)))] if number % 2 else {"motion": None, "action": None}
        rows.append({**other, "voice": cell, "argument": "none", "part": "val" if number % 5 == 0 else "train"})
    for number, cell in enumerate(idled[:600]):
        other = rows[int(draw.integers(len(commands)))] if number % 2 else {"voice": None, "argument": None}
        rows.append({**other, "motion": cell, "action": "none", "part": "val" if number % 5 == 0 else "train"})
    return [{"id": str(number), **row} for number, row in enumerate(rows)]


def idle_pieces(application, name, real, draw):
    """Return the pieces of idle talk to learn from, some hours of each source."""
    cells = []
    sources = talk(real, "learn")
    for utterances in [
        one for source in sources.values() for one in [source] * (4 if source is sources["ravdess"] else 8)
    ]:
        cells += [cell for _, _, cell in mmsdk.cut_recording(application, name, conversation(utterances, 1800, draw))]
    return cells


def padded(samples, draw):
    """Return a clip with noise under and around it."""
    quiet = np.zeros(RATE // 2, np.float32)
    whole = np.concatenate([quiet, samples, quiet])
    return (whole + draw.normal(0, NOISE, len(whole))).astype(np.float32)


def first(pieces, samples):
    """Return the longest piece of a clip; the whole clip where a stream would find none."""
    if not pieces:
        return wav_bytes(samples)
    return max(pieces, key=lambda one: one[1] - one[0])[2]


def wav_bytes(samples):
    from mmsdk.stream.answers import wav_of

    return wav_of(samples, RATE)


def moved(application, row):
    """Return a track as the stream would cut it: between two rests."""
    track = np.array(json.loads(row["motion"]))[:, None]
    whole = np.concatenate([np.repeat(track[:1], 12, 0), track, np.repeat(track[-1:], 12, 0)])
    pieces = mmsdk.cut_recording(application, "motion", whole.astype(np.float32))
    return max(pieces, key=lambda one: one[1] - one[0])[2] if pieces else row["motion"]


# -- streams ---------------------------------------------------------------------------------------------------------


class Stream:
    """Sound and a fingertip's track on one clock, as parcels that arrive one by one."""

    def __init__(self, sound, track):
        self.sound, self.track = sound, track

    def parcels(self, draw, lost=LOST, shaken=SHAKEN, chunk=CHUNK):
        """Return (arrival, input, data, time): each arrives when its last sample is there, or a little later."""
        size = round(chunk * RATE)
        starts = np.arange(0, len(self.sound) - size + 1, size)
        found = [((at + size) / RATE, "voice", self.sound[at : at + size], at / RATE) for at in starts.tolist()]
        found += [(step / FPS, "motion", points, step / FPS) for step, points in enumerate(self.track)]
        kept = draw.random(len(found)) >= lost
        delay = draw.uniform(0, shaken, len(found))
        moved_ = [
            (one[0] + wait, *one[1:])
            for one, wait, keep in zip(found, delay.tolist(), kept.tolist(), strict=True)
            if keep
        ]
        return sorted(moved_, key=lambda one: one[0])


def play(session, parcels):
    """Push parcels; return (event, seconds it was there by wall clock, by CPU time), and the CPU seconds in all.

    What comes while the one thread computes waits. The wall clock of a machine that others use too counts their work;
    the CPU time does not.
    """
    walls, cpus, found, began_all = 0.0, 0.0, [], time.thread_time()
    for arrival, name, data, t in parcels:
        session.clock.advance(max(arrival, session.clock.now()))
        wall, cpu = time.perf_counter(), time.thread_time()
        events = session.push(name, data, t)
        walls = max(walls, arrival) + time.perf_counter() - wall
        cpus = max(cpus, arrival) + time.thread_time() - cpu
        found += [(event, walls, cpus) for event in events]
    return found, time.thread_time() - began_all


def commands_stream(rows, draw):
    """Return a stream of commands, and of each its answer and when its word, its gesture and the whole of it ended."""
    clips = [(wav(Path(row["voice"])), np.array(json.loads(row["motion"]))) for row in rows]
    wanted, t, place = [], 1.5, np.array([0.5, 0.5])
    sound, track = [], []
    for row, (said, path) in zip(rows, clips, strict=True):
        word, gesture = len(said) / RATE, len(path) / FPS
        # the gesture begins before the word is over, or the word within half a second of the gesture's end
        offset = draw.uniform(-gesture - 0.5, word - 0.05)
        begins = max(t, t - offset)
        word_at, gesture_at = begins, begins + offset
        sound.append((word_at, said * 10 ** (draw.uniform(-8, 4) / 20)))
        track.append((gesture_at, path))
        ends = word_at + word if row["action"] == "stop" else max(word_at + word, gesture_at + gesture)
        wanted.append({"row": row, "start": min(word_at, gesture_at), "end": ends})
        t = max(word_at + word, gesture_at + gesture) + draw.uniform(1.6, 4.0)
    total = t + 2
    heard = draw.normal(0, NOISE, round(total * RATE)).astype(np.float32)
    for at, said in sound:
        heard[round(at * RATE) : round(at * RATE) + len(said)] += said
    seen = np.tile(place, (round(total * FPS), 1))
    for at, path in track:
        first_ = round(at * FPS)
        seen[first_ : first_ + len(path)] = seen[first_ - 1] + path - path[0]
        seen[first_ + len(path) :] = seen[first_ + len(path) - 1]
    seen += draw.normal(0, 0.0007, seen.shape)
    return Stream(heard, seen.astype(np.float32)[:, None]), wanted


def scored(events, wanted):
    """Return which commands were answered rightly; of those answered, three waits ``(n, 3)``; and events too many.

    The waits, in seconds from the end of the later of word and gesture: of the runtime alone, with the computing by
    CPU time, and by wall clock.
    """
    finals = [one for one in events if one[0].kind == "final"]
    right, waits, used = [], [], 0
    for number, want in enumerate(wanted):
        until = wanted[number + 1]["start"] if number + 1 < len(wanted) else np.inf
        own = [one for one in finals if want["start"] < one[0].t_emitted <= until]
        used += len(own[:1])
        truth = {"action": want["row"]["action"], "argument": want["row"]["digit"]}
        right.append(bool(own) and dict(own[0][0].slots) == truth)
        if own:
            event, wall, cpu = own[0]
            waits.append([event.t_emitted - want["end"], cpu - want["end"], wall - want["end"]])
    return np.array(right), np.array(waits).reshape(-1, 3), len(finals) - used


def false_activations(app, parts, hours, seed, settings=None, chunk=0.05):
    """Return finals an hour of idle streams: source -> (finals, hours, counts)."""
    found = {}
    for number, (name, utterances) in enumerate(parts.items()):
        draw = np.random.default_rng([seed, number])
        count, counts = 0, Counter()
        for _ in range(round(hours * 6)):  # ten minutes at a time
            session = mmsdk.open_session(app, settings, clock=mmsdk.VirtualClock())
            stream = Stream(conversation(utterances, 600, draw), hands(600, draw))
            events, _ = play(session, stream.parcels(draw, chunk=chunk))
            count += sum(one[0].kind == "final" for one in events)
            counts += session.counts
        found[name] = (count, round(hours * 6) / 6, counts)
    return found


def upper(count: int) -> float:
    """Return the upper end of the exact 95 % interval of a Poisson count, one-sided (Garwood 1936)."""
    return float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2)


def interval(right: np.ndarray) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper and Pearson 1934)."""
    found = stats.binomtest(int(right.sum()), len(right)).proportion_ci(0.95, "exact")
    return float(found.low), float(found.high)
