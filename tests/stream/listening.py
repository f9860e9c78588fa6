"""A model that needs no learning, tones and strokes for it to tell apart, and what plays them on a virtual clock."""

from __future__ import annotations

import numpy as np

import mmsdk
from mmsdk.config import StreamConfig

RATE = 8000
TONES = {"one": 400, "two": 800, "three": 1600, "hum": 150}
WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, 1)}


class Ears:
    """Answers ``argument`` by the pitch of a voice and ``action`` by the way of a motion."""

    def __init__(self):
        self.asked = []

    def predict_samples(self, rows):
        self.asked += rows
        return [self._one(row) for row in rows]

    def _one(self, row):
        outputs = {"argument": answer("none", 0.3), "action": answer("none", 0.3)}
        if "voice" in row:
            samples, rate = row["voice"].samples, row["voice"].rate
            loud = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
            pitch = np.fft.rfftfreq(len(samples), 1 / rate)[loud.argmax()]
            word = min(TONES, key=lambda name: abs(TONES[name] - pitch))
            outputs["argument"] = answer("none" if word == "hum" else word, 0.9)
        if "motion" in row:
            points = row["motion"].points[:, 0]
            way = points[-1] - points[0]
            name = max(WAYS, key=lambda one: float(way @ np.array(WAYS[one])))
            outputs["action"] = answer("stop" if np.linalg.norm(way) < 0.02 else name, 0.8)
        return mmsdk.Prediction(outputs=outputs, modalities_used=tuple(row))


class Detector:
    """Takes for a voice, ``sure``, what is loud and no hum."""

    step = 0.032

    def __init__(self, sure=1.0, least=0.02):
        self.sure, self.least = sure, least
        self.begun = 0
        self.restart()

    def restart(self):
        self.begun += 1
        self.rest = np.zeros(0, np.float32)

    def hear(self, samples):
        wave = np.concatenate([self.rest, samples])
        size = round(self.step * RATE)
        count = len(wave) // size
        self.rest = wave[count * size :]
        return np.array([self.judged(part) for part in wave[: count * size].reshape(-1, size)], np.float32)

    def judged(self, part):
        loud = np.abs(np.fft.rfft(part)) / len(part)
        return self.sure * float(loud[np.fft.rfftfreq(len(part), 1 / RATE) > 300].max(initial=0) > self.least)


def answer(label, confidence, **words):
    return mmsdk.Output(value=label, probabilities={label: confidence}, confidence=confidence, **words)


def settings(**changes):
    """Return a stream of a voice and a fingertip; ``inputs`` are laid over one by one."""
    inputs = {"voice": {"segment": "voice", "rate": RATE}, "motion": {"segment": "motion"}}
    for name, own in changes.pop("inputs", {}).items():
        inputs[name] = {**inputs.get(name, {}), **own}
    slots = {"action": {"needs": ["motion"], "idle": ["none"]}, "argument": {"needs": ["voice"], "idle": ["none"]}}
    return StreamConfig.model_validate({"inputs": inputs, "slots": slots, **changes})


class Stage:
    """Plays words and strokes at their times, in steps of a fiftieth of a second."""

    def __init__(self, seconds, *, detectors=None, **changes):
        self.clock = mmsdk.VirtualClock()
        self.ears = Ears()
        self.events = []
        tasks = ["action", "argument"]
        self.session = mmsdk.Session(
            self.ears,
            settings(**changes),
            tasks,
            clock=self.clock,
            on_event=self.events.append,
            detectors=detectors,
        )
        self.sound = np.random.default_rng(0).normal(0, 1e-3, round(seconds * RATE)).astype(np.float32)
        self.track = np.full((round(seconds * 30), 2), 0.5, np.float32)
        self.seconds = seconds

    def say(self, word, t, seconds=0.3):
        wave_ = 0.3 * np.sin(2 * np.pi * TONES[word] * np.arange(round(seconds * RATE)) / RATE)
        self.sound[round(t * RATE) : round(t * RATE) + len(wave_)] += wave_.astype(np.float32)
        return self

    def move(self, way, t, seconds=0.4):
        first, count = round(t * 30), round(seconds * 30)
        path = np.linspace(0, 1, count)[:, None] * 0.2 * np.array(WAYS[way])
        self.track[first : first + count] += path
        self.track[first + count :] += path[-1]
        return self

    def parcels(self, chunk=0.02):
        """Return what is pushed, as (arrival, input, data, t)."""
        size = round(chunk * RATE)
        sound = [
            ((first + size) / RATE, "voice", self.sound[first : first + size], first / RATE)
            for first in range(0, len(self.sound), size)
        ]
        steps = [(n / 30 + 0.001, "motion", points, n / 30) for n, points in enumerate(self.track)]
        return sorted(sound + steps, key=lambda one: one[0])

    def play(self, parcels=None, inputs=("voice", "motion")):
        for arrival, name, data, t in self.parcels() if parcels is None else parcels:
            if name in inputs:
                self.clock.advance(max(arrival, self.clock.now()))
                self.session.push(name, data, t)
        return self

    def wait(self, seconds):
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(self.clock.now() + 0.02)
            self.session.tick()
        return self

    def told(self, *kinds):
        return [event for event in self.events if not kinds or event.kind in kinds]
