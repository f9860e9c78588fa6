"""Recordings as live input: sound and a fingertip on one clock, parcel by parcel, some late and some lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from idle import RATE, TREMBLE, wav

FPS = 30
NOISE = 10 ** (-55 / 20)
CHUNK = 0.02
LOST, SHAKEN = 0.02, 0.03


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
    seen += draw.normal(0, TREMBLE, seen.shape)
    return Stream(heard, seen.astype(np.float32)[:, None]), wanted
