"""One encoder over the cells of a column: what the cache knows, the rest in batches, and what became of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.batching import batches
from mmsdk.embed.encoding import encode_batch, rounded
from mmsdk.embed.reporting import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmsdk.embed.cache import EmbeddingCache
    from mmsdk.embed.encoders import OpenEncoder
    from mmsdk.embed.keys import Keys
    from mmsdk.embed.reporting import Report
    from mmsdk.embed.spaces import Precision, Space
    from mmsdk.embed.vectors import VectorRows
    from mmsdk.progress import Progress

FLUSH_SECONDS = 2.0  # what an interrupted run may have to encode again
DEFAULT_BATCH = 32

Group = tuple[bytes, list[int]]  # a content, and the places of a chunk that hold it


@dataclass(slots=True)
class Counts:
    """What happened to the rows so far."""

    missing: int = 0
    encoded: int = 0
    cached: int = 0
    duplicates: int = 0
    bad: int = 0


@dataclass(slots=True, kw_only=True)
class Branch:
    """One encoder over the cells of a column; for each chunk of rows ``begin``, ``look_up``, ``encode``, ``end``.

    :param name: of the input.
    :param cache: ``None`` where nothing is kept (fitted encoders, or on request).
    :param vectors: takes the vectors of each chunk.
    :param present: ``(n,)`` bool over all rows, filled in here.
    :param bar: told of every row that is done.
    :param before: what the encoder reported before the first of these samples.
    """

    name: str
    opened: OpenEncoder
    space: Space
    cache: EmbeddingCache | None
    batch_size: int | None
    precision: Precision
    vectors: VectorRows
    present: np.ndarray
    bar: Progress
    counts: Counts = field(default_factory=Counts)
    before: Report = field(default_factory=dict)
    seconds: float = 0.0
    ours: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    _block: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    _there: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    _keeper: _Keeper | None = None

    @property
    def size(self) -> int:
        """Return the samples of a batch."""
        size = self.batch_size or int(getattr(self.opened.encoder, "batch_size", DEFAULT_BATCH))
        return min(size, self.opened.most or size)

    @property
    def length(self) -> Callable[[Any], int] | None:
        """Return what tells the length of a sample, where the encoder has such a thing."""
        found: Callable[[Any], int] | None = getattr(self.opened.encoder, "length", None)
        return found

    def refuses(self, sample: Any) -> str:
        """Return why the encoder cannot encode a sample, empty where it can or does not say."""
        refuses = getattr(self.opened.encoder, "refuses", None)
        return "" if refuses is None else str(refuses(sample))

    def begin(self, count: int) -> None:
        """Start a chunk of ``count`` rows."""
        self._block = np.zeros((count, self.opened.dim), np.float32)
        self._there = np.zeros(count, bool)
        self._keeper = _Keeper(self.cache, self.space)

    def look_up(self, groups: Sequence[Group], numbers: Sequence[int]) -> list[int]:
        """Fill in what the cache knows of some groups; return the numbers of the others."""
        if self.cache is None or not numbers:
            return list(numbers)
        asked = [groups[number] for number in numbers]
        keys = [key for key, _ in asked]
        found = self.cache.get_many(self.space, keys)
        sizes = np.array([len(places) for _, places in asked], np.int64)
        hits = np.flatnonzero(found.hit)
        rows = [place for number in hits for place in asked[number][1]]
        whole = len(rows) == len(hits) == len(asked)
        self._block[rows] = found.vectors if whole else found.vectors[np.repeat(hits, sizes[hits])]
        self._there[rows] = True
        ours = np.isin(_prefixes(keys), self.ours) & found.hit
        self.counts.duplicates += int(sizes[ours].sum())
        self.counts.cached += int(sizes[found.hit & ~ours].sum())
        self.counts.missing += int(sizes[found.absent].sum())
        self.bar.update(int(sizes[found.hit | found.absent].sum()))
        return [numbers[place] for place in np.flatnonzero(~found.hit & ~found.absent).tolist()]

    def encode(
        self, samples: list[tuple[int, Any]], groups: Sequence[Group], keys: Keys, place: Callable[[int], str]
    ) -> None:
        """Encode decoded samples, each with the number of its group, in whatever order is fastest."""
        started = time.perf_counter()
        if not self.counts.encoded:
            self.before = reported(self.opened.encoder)
        for batch in batches(samples, self.size, self.length, len(samples)):
            vectors, there = encode_batch(self.opened, batch, place)
            self.counts.encoded += len(batch)
            if not self.opened.fitted:  # nor is a query, whose vectors nobody keeps, answered by other numbers
                vectors = rounded(self.opened, batch, vectors, self.precision, place)
            for (number, _), vector, here in zip(batch, vectors, there, strict=True):
                self._take(groups[number], vector if here else None, keys)
        self.seconds += time.perf_counter() - started

    def nothing(self, group: Group, keys: Keys) -> None:
        """Note that the sample of a group holds nothing."""
        self._take(group, None, keys)

    def keep(self) -> None:
        """Commit what was encoded; called whatever ended the chunk."""
        if self._keeper is not None:
            self._keeper.flush()

    def end(self, start: int) -> None:
        """Hand over the chunk that began at row ``start``."""
        self.vectors.append(self._block)
        self.present[start : start + len(self._there)] = self._there
        if self.cache is not None and self._keeper is not None:
            self.ours = np.union1d(self.ours, _prefixes(self._keeper.all_keys))

    def _take(self, group: Group, vector: np.ndarray | None, keys: Keys) -> None:
        """Note the vector of a group, ``None`` where there is none."""
        key, places = group
        if self._keeper is not None and keys.holds(places[0]):
            self._keeper.add(key, vector)
        if vector is not None:
            self._block[places] = vector
            self._there[places] = True
            self.counts.duplicates += len(places) - 1
        else:
            self.counts.missing += len(places)
        self.bar.update(len(places))


class _Keeper:
    """Hands vectors to the cache every few seconds, and at the end."""

    def __init__(self, cache: EmbeddingCache | None, space: Space) -> None:
        self.all_keys: list[bytes] = []
        self._cache, self._space = cache, space
        self._keys: list[bytes] = []
        self._vectors: list[np.ndarray] = []
        self._absent: list[bytes] = []
        self._last = time.monotonic()

    def add(self, key: bytes, vector: np.ndarray | None) -> None:
        """Take a vector, or that there is none."""
        if self._cache is None:
            return
        if vector is None:
            self._absent.append(key)
        else:
            self._keys.append(key)
            self._vectors.append(vector)
        if time.monotonic() - self._last > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what was taken."""
        if self._cache is not None and (self._keys or self._absent):
            vectors = np.array(self._vectors, np.float32).reshape(len(self._keys), self._space.dim)
            keys, absent = self._keys, self._absent
            self._keys, self._vectors, self._absent = [], [], []
            self._cache.put_many(self._space, keys, vectors, absent=absent)
            self.all_keys += keys
        self._last = time.monotonic()


def _prefixes(keys: Sequence[bytes]) -> np.ndarray:
    """Return eight bytes of each key: enough to tell this run's from others, at eight bytes a row."""
    return np.frombuffer(b"".join(key[:8] for key in keys), np.uint64)
