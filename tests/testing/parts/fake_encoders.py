"""A good encoder, and one bad one for every check."""

import os
import threading
from pathlib import Path

import numpy as np

from mmsdk import Sequence

DIM = 4


def features(text):
    data = text.encode("utf-8", "surrogatepass")
    return np.array([len(data), sum(data) % 97, data[0] if data else 0, data[-1] if data else 0], dtype=np.float32)


class Good:
    dim = DIM

    def encode(self, batch, modality):
        return np.stack([features(sample) for sample in batch]) / np.float32(100)

    def fingerprint(self):
        return "good-1"


class Filed(Good):
    def __init__(self, path=None):
        if path is not None:
            Path(path).stat()

    def fingerprint(self):
        return "filed-1"


class NoEncode:
    dim = DIM


class OtherDim(Good):
    dim = 5


class DropsRows(Good):
    def encode(self, batch, modality):
        return super().encode(batch, modality)[:-1] if len(batch) > 1 else super().encode(batch, modality)


class Float64(Good):
    def encode(self, batch, modality):
        return super().encode(batch, modality).astype(np.float64)


class AsList(Good):
    def encode(self, batch, modality):
        return list(super().encode(batch, modality))


class NotANumber(Good):
    def encode(self, batch, modality):
        values = super().encode(batch, modality)
        values[0, 0] = np.nan
        return values


class BatchStatistics(Good):
    def encode(self, batch, modality):
        values = super().encode(batch, modality)
        return values - values.mean(axis=0)


class Position(Good):
    def encode(self, batch, modality):
        values = super().encode(batch, modality)
        return values + np.arange(len(values), dtype=np.float32)[:, None]


class Random(Good):
    def encode(self, batch, modality):
        return super().encode(batch, modality) + np.float32(np.random.default_rng().random())


class RandomWeights(Good):
    def __init__(self):
        self.shift = np.float32(np.random.default_rng().random())

    def encode(self, batch, modality):
        return super().encode(batch, modality) + self.shift


class SaltedHash(Good):
    """Python's hash of a text differs in every process."""

    def encode(self, batch, modality):
        return np.array([[hash(sample) % 1000] * DIM for sample in batch], dtype=np.float32)


class ProcessFingerprint(Good):
    def fingerprint(self):
        return f"good-{os.getpid()}"


class NumberFingerprint(Good):
    def fingerprint(self):
        return 1


class Mutates(Good):
    def encode(self, batch, modality):
        values = [sample.copy() for sample in batch]
        for sample in batch:
            np.multiply(sample, 2, out=sample)
        return np.stack(values)


class ColourGood(Good):
    dim = 3

    def encode(self, batch, modality):
        return np.stack(batch)


class ColourMutates(Mutates):
    dim = 3


class NoShortTexts(Good):
    def encode(self, batch, modality):
        if any(len(sample) < 2 and sample != "x" for sample in batch if sample != "灯"):
            raise IndexError("too short")
        return super().encode(batch, modality)


class OneThread(Good):
    def __init__(self):
        self.local = threading.local()
        self.local.scale = np.float32(1)

    def encode(self, batch, modality):
        return super().encode(batch, modality) * self.local.scale


class Moves:
    """A sequence encoder."""

    dim = DIM

    def encode(self, batch, modality):
        return [self.one(sample) for sample in batch]

    def one(self, sample):
        count = len(sample)
        return Sequence(
            values=np.tile(features(sample), (count, 1)) / np.float32(100), times=np.arange(count, dtype=np.float64)
        )


class BackwardTimes(Moves):
    def one(self, sample):
        good = super().one(sample)
        return Sequence(values=good.values, times=good.times[::-1])


class Fitted:
    """Learns which words there are."""

    dim = 0

    def fit(self, batch, modality):
        self.load_state({"words": sorted(set(batch))})

    def encode(self, batch, modality):
        values = np.zeros((len(batch), self.dim), dtype=np.float32)
        for row, sample in enumerate(batch):
            values[row, self.words.index(sample) if sample in self.words else -1] = 1
        return values

    def state(self):
        return {"words": self.words}

    def load_state(self, state):
        self.words = list(state["words"])
        self.dim = len(self.words) + 1


class ForgetsState(Fitted):
    def load_state(self, state):
        super().load_state({"words": state["words"][::-1]})


class ArrayState(Fitted):
    def state(self):
        return {"words": np.array(self.words)}


class OnlySeen(Fitted):
    def encode(self, batch, modality):
        return np.stack([np.eye(self.dim, dtype=np.float32)[self.words.index(sample)] for sample in batch])


class Spread(Fitted):
    """Divides by the spread of the training rows."""

    def fit(self, batch, modality):
        self.spread = np.std([len(sample) for sample in batch])
        self.dim = 1

    def encode(self, batch, modality):
        with np.errstate(all="ignore"):
            return (np.array([[len(sample)] for sample in batch]) / self.spread).astype(np.float32)
