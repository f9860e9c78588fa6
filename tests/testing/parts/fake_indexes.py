"""A good index, and one bad one for every check."""

import threading
import time

import numpy as np


class Good:
    """All inner products."""

    def __init__(self, dim, count=0):
        self.keys, self.vectors = np.empty(0, np.int64), np.empty((0, dim), np.float32)

    def train(self, vectors):
        pass

    def add(self, keys, vectors):
        self.keys, self.vectors = np.concatenate([self.keys, keys]), np.concatenate([self.vectors, vectors])

    def remove(self, keys):
        kept = ~np.isin(self.keys, keys)
        self.keys, self.vectors = self.keys[kept], self.vectors[kept]

    def search(self, vectors, k, allowed=None):
        scores = vectors @ self.vectors.T
        if allowed is not None:
            scores[:, ~np.isin(self.keys, allowed)] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, order, axis=1)
        keys = np.where(np.isfinite(best), self.keys[order], -1)
        short = ((0, 0), (0, k - keys.shape[1]))
        return np.pad(best, short, constant_values=-np.inf), np.pad(keys, short, constant_values=-1)

    def save(self, path):
        with path.open("wb") as stream:
            np.savez(stream, keys=self.keys, vectors=self.vectors)

    def load(self, path, *, mmap):
        with np.load(path) as found:
            self.keys, self.vectors = found["keys"], found["vectors"]


class NoSave(Good):
    save = None


class NoRemove(Good):
    remove = None


class Hungry(Good):
    def train(self, vectors):
        if len(vectors) < 256:
            raise ValueError("needs 256 vectors")


class Int32(Good):
    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(vectors, k, allowed)
        return scores, keys.astype(np.int32)


class Worst(Good):
    """Distances instead of scores: the nearest come last."""

    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(vectors, k, allowed)
        return scores[:, ::-1], keys[:, ::-1]


class Furthest(Good):
    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(-vectors, k, allowed)
        return scores, keys


class EmptyFirst(Good):
    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(vectors, k, allowed)
        return scores[:, ::-1], keys[:, ::-1]


class NoPadding(Good):
    def search(self, vectors, k, allowed=None):
        return super().search(vectors, min(k, len(self.keys)), allowed)


class IgnoresAllowed(Good):
    def search(self, vectors, k, allowed=None):
        return super().search(vectors, k)


class KeepsAll(Good):
    def remove(self, keys):
        pass


class LosesKeys(Good):
    def load(self, path, *, mmap):
        super().load(path, mmap=mmap)
        self.keys = np.arange(len(self.keys), dtype=np.int64)


class SharedQuery(Good):
    def search(self, vectors, k, allowed=None):
        self.query = vectors if threading.current_thread() is threading.main_thread() else vectors * self.turn()
        return super().search(self.query, k, allowed)

    def turn(self):
        time.sleep(0.001)
        return -1
