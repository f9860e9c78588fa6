"""Embedding one input: keys, what the cache knows, the rest decoded and encoded, chunk by chunk."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk.embed.batching import SORTED_BATCHES, Decoder, batches
from mmsdk.embed.encoding import encode_batch, rounded
from mmsdk.embed.keys import ContentKeys, Keys
from mmsdk.errors import Problem
from mmsdk.protocols import Media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mmsdk.embed.cache import EmbeddingCache
    from mmsdk.embed.encoders import OpenEncoder
    from mmsdk.embed.spaces import Precision, Space
    from mmsdk.embed.vectors import VectorRows
    from mmsdk.progress import Progress

CHUNK_BYTES = 16 * 2**20
CHUNK_ROWS = (256, 4096)
HELD_BYTES = 256 * 2**20  # of files that came as bytes, from a Parquet column or another machine
FLUSH_SECONDS = 2.0  # what an interrupted run may have to encode again
DEFAULT_BATCH = 32


class DecoderFor(Protocol):
    """Gives what decodes so many cells."""

    def __call__(self, count: int, *, media: bool) -> Decoder:
        """Return it."""
        ...


@dataclass(slots=True)
class Counts:
    """What happened to the rows so far."""

    missing: int = 0
    encoded: int = 0
    cached: int = 0
    duplicates: int = 0
    bad: int = 0


@dataclass(slots=True, kw_only=True)
class ColumnRun:
    """One input on its way to vectors.

    :param ids: of the rows, for messages.
    :param rows: 1-based rows of the user's table, for messages.
    :param raw: position -> the cell as the user wrote it, for messages.
    :param decode: of the modality.
    :param cache: ``None`` where nothing is kept (fitted encoders, or on request).
    :param decoders: gives what decodes.
    :param problems: what could not be used is added here.
    """

    name: str
    label: str
    cells: Sequence[Any | None]
    ids: Sequence[str]
    rows: np.ndarray
    raw: Callable[[int], str | None]
    opened: OpenEncoder
    decode: Any
    space: Space
    cache: EmbeddingCache | None
    decoders: DecoderFor
    batch_size: int | None
    precision: Precision
    problems: list[Problem]
    counts: Counts = field(default_factory=Counts)
    ours: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))

    def run(self, vectors: VectorRows, present: np.ndarray, bar: Progress) -> None:
        """Fill ``vectors`` and ``present``; what has been encoded is in the cache whatever ends the run."""
        size = int(np.clip(CHUNK_BYTES // (4 * self.opened.dim), *CHUNK_ROWS))
        start = 0
        while start < len(self.cells):
            cells = self._take(start, size)
            block, there = self._chunk(start, cells, bar)
            vectors.append(block)
            present[start : start + len(cells)] = there
            start += len(cells)

    def _take(self, start: int, size: int) -> list[Any | None]:
        """Return the next cells, fewer where they hold bytes; one that cannot be had is told and ``None``."""
        cells: list[Any | None] = []
        held = 0
        for position in range(start, min(start + size, len(self.cells))):
            try:
                cell = self.cells[position]
            except ValueError as error:  # it was there when the table was read
                self._problem(position, [0], str(error))
                self.counts.missing -= 1  # as bad it is counted, not as missing
                cell = None
            cells.append(cell)
            held += len(cell.data or b"") if isinstance(cell, Media) else 0
            if held > HELD_BYTES:
                break
        return cells

    def _chunk(self, start: int, cells: Sequence[Any | None], bar: Progress) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of some rows and which of them are there."""
        block = np.zeros((len(cells), self.opened.dim), np.float32)
        there = np.zeros(len(cells), bool)
        keys, groups = self._groups(start, cells)
        todo = groups if self.cache is None else self._known(self.cache, groups, block, there)
        bar.update(len(cells) - sum(len(places) for _, places in todo))
        keeper = _Keeper(self.cache, self.space)
        try:
            for (key, places), vector in self._encode(start, cells, todo):
                if keys.holds(places[0]):
                    keeper.add(key, vector)
                if vector is not None:
                    block[places] = vector
                    there[places] = True
                    self.counts.duplicates += len(places) - 1
                else:
                    self.counts.missing += len(places)
                bar.update(len(places))
        finally:  # Ctrl-C and errors too: what is encoded is kept
            keeper.flush()
        self.ours = np.union1d(self.ours, _prefixes(keeper.all_keys)) if self.cache is not None else self.ours
        return block, there

    def _groups(self, start: int, cells: Sequence[Any | None]) -> tuple[Keys, list[tuple[bytes, list[int]]]]:
        """Return each content with the rows that hold it, in order; missing and unreadable rows are counted here."""
        if self.opened.fitted:  # never kept, and cheaper to encode than to hash
            places = [position for position, cell in enumerate(cells) if cell is not None]
            self.counts.missing += len(cells) - len(places)
            return Keys(keys=[]), [(b"", [position]) for position in places]
        found = ContentKeys(self.cache).of(cells)
        for position, reason in found.unreadable.items():
            self._problem(start, [position], reason)
        groups: dict[bytes, list[int]] = {}
        for position, key in enumerate(found.keys):
            if key is not None:
                groups.setdefault(key, []).append(position)
        self.counts.missing += found.keys.count(None) - len(found.unreadable)
        return found, list(groups.items())

    def _known(
        self, cache: EmbeddingCache, groups: list[tuple[bytes, list[int]]], block: np.ndarray, there: np.ndarray
    ) -> list[tuple[bytes, list[int]]]:
        """Fill in what the cache knows; return the rest."""
        keys = [key for key, _ in groups]
        found = cache.get_many(self.space, keys)
        sizes = np.array([len(places) for _, places in groups], np.int64)
        hits = np.flatnonzero(found.hit)
        rows = [place for number in hits for place in groups[number][1]]
        block[rows] = (
            found.vectors if len(rows) == len(hits) == len(groups) else found.vectors[np.repeat(hits, sizes[hits])]
        )
        there[rows] = True
        ours = np.isin(_prefixes(keys), self.ours) & found.hit
        self.counts.duplicates += int(sizes[ours].sum())
        self.counts.cached += int(sizes[found.hit & ~ours].sum())
        self.counts.missing += int(sizes[found.absent].sum())
        return [groups[number] for number in np.flatnonzero(~found.hit & ~found.absent)]

    def _encode(
        self, start: int, cells: Sequence[Any | None], todo: list[tuple[bytes, list[int]]]
    ) -> Iterator[tuple[tuple[bytes, list[int]], np.ndarray | None]]:
        """Yield each group with its vector, in whatever order is fastest; ``None`` where the sample holds nothing."""
        encoder = self.opened.encoder
        size = self.batch_size or int(getattr(encoder, "batch_size", DEFAULT_BATCH))
        nothing: list[int] = []
        media = bool(todo) and isinstance(cells[todo[0][1][0]], Media)
        window = size * SORTED_BATCHES if media else len(cells)
        decoder = self.decoders(len(todo), media=media)
        ahead = decoder.ahead(self.decode, ((i, cells[places[0]]) for i, (_, places) in enumerate(todo)), 2 * size)
        place = partial(self._place, start, todo)
        with closing(ahead) as decoded:
            usable = self._usable(start, cells, todo, decoded, nothing)
            for batch in batches(usable, size, getattr(encoder, "length", None), window):
                vectors = encode_batch(self.opened, batch, place)
                self.counts.encoded += len(batch)
                if self.cache is not None:
                    vectors = rounded(self.opened, batch, vectors, self.precision, place)
                for (number, _), vector in zip(batch, vectors, strict=True):
                    yield todo[number], vector
        for number in nothing:
            yield todo[number], None

    def _usable(
        self,
        start: int,
        cells: Sequence[Any | None],
        todo: list[tuple[bytes, list[int]]],
        decoded: Iterator[tuple[int, Any]],
        nothing: list[int],
    ) -> Iterator[tuple[int, Any]]:
        """Yield the samples there are; note cells that hold nothing, and those that cannot be used."""
        for number, sample in decoded:
            if sample is None:
                nothing.append(number)
            elif isinstance(sample, Exception):
                places = todo[number][1]
                self._problem(start, places, reason_of(sample, self.opened.modality))
            else:
                yield number, sample

    def _problem(self, start: int, places: Sequence[int], reason: str) -> None:
        """Note that rows cannot be used, each by its own number."""
        self.counts.bad += len(places)
        for place in places:
            position = start + place
            self.problems.append(
                Problem(
                    reason=reason,
                    row=int(self.rows[position]),
                    id=self.ids[position],
                    column=self.label,
                    value=self.raw(position),
                )
            )

    def _place(self, start: int, todo: list[tuple[bytes, list[int]]], number: int) -> str:
        """Return how messages call a sample."""
        position = start + todo[number][1][0]
        return f"input {self.name!r}, row {self.rows[position]} (id {self.ids[position]!r})"


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


def reason_of(error: Exception, modality: str) -> str:
    """Return why a cell cannot be used: the decoder's own reason, or what broke in it."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, ValueError) and type(error) in (ValueError, UnicodeDecodeError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror.lower()}"
    return f"does not decode as {modality} ({type(error).__name__}: {error})"


def _prefixes(keys: Sequence[bytes]) -> np.ndarray:
    """Return eight bytes of each key: enough to tell this run's from others, at eight bytes a row."""
    return np.frombuffer(b"".join(key[:8] for key in keys), np.uint64)
