"""The cells of a column, chunk by chunk: each is read and decoded once, however many encoders want it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk.embed.batching import BATCH_BYTES, SORTED_BATCHES, Decoder, cut
from mmsdk.embed.keys import ContentKeys, Keys
from mmsdk.embed.turns import turn
from mmsdk.errors import Problem
from mmsdk.protocols import Media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mmsdk.embed.branch import Branch, Group
    from mmsdk.embed.cache import EmbeddingCache

CHUNK_BYTES = 16 * 2**20
CHUNK_ROWS = (256, 4096)
HELD_BYTES = 256 * 2**20  # of files that came as bytes, from a Parquet column or another machine


class DecoderFor(Protocol):
    """Gives what decodes so many cells."""

    def __call__(self, count: int, *, media: bool) -> Decoder:
        """Return it."""
        ...


@dataclass(slots=True, kw_only=True)
class ColumnRun:
    """One column on its way to vectors.

    :param branches: the encoders that want it, one an input.
    :param modality: of its cells, for messages.
    :param label: the user's name of it, for messages.
    :param ids: of the rows, for messages.
    :param rows: 1-based rows of the user's table, for messages.
    :param raw: position -> the cell as the user wrote it, for messages.
    :param decode: of the modality.
    :param cache: of the branches that keep anything.
    :param decoders: gives what decodes.
    :param waiting: called when another process encodes the same, before waiting for it.
    :param problems: what could not be used is added here.
    """

    branches: Sequence[Branch]
    modality: str
    label: str
    cells: Sequence[Any | None]
    ids: Sequence[str]
    rows: np.ndarray
    raw: Callable[[int], str | None]
    decode: Any
    cache: EmbeddingCache | None
    decoders: DecoderFor
    waiting: Callable[[], None]
    problems: list[Problem]

    def run(self) -> None:
        """Fill the branches; what has been encoded is in the cache whatever ends the run."""
        widest = max(branch.opened.dim for branch in self.branches)
        size = int(np.clip(CHUNK_BYTES // (4 * widest), *CHUNK_ROWS))
        start = 0
        while start < len(self.cells):
            cells = self._cells(start, size)
            self._chunk(start, cells)
            start += len(cells)

    def _cells(self, start: int, size: int) -> list[Any | None]:
        """Return the next cells, fewer where they hold bytes; one that cannot be had is told and ``None``."""
        cells: list[Any | None] = []
        held = 0
        for position in range(start, min(start + size, len(self.cells))):
            try:
                cell = self.cells[position]
            except ValueError as error:  # it was there when the table was read
                self._problem(position, [0], str(error), self.branches)
                self._count_missing(-1)  # as bad it is counted, not as missing
                cell = None
            cells.append(cell)
            held += len(cell.data or b"") if isinstance(cell, Media) else 0
            if held > HELD_BYTES:
                break
        return cells

    def _chunk(self, start: int, cells: Sequence[Any | None]) -> None:
        """Bring some rows to vectors."""
        keys, groups = self._groups(start, cells)
        every = range(len(groups))
        for branch in self.branches:
            branch.begin(len(cells))
            branch.bar.update(len(cells) - sum(len(places) for _, places in groups))
        todo = [branch.look_up(groups, every) for branch in self.branches]
        if any(todo):
            with self._turns(todo):
                todo = [one.look_up(groups, left) for one, left in zip(self.branches, todo, strict=True)]
                try:
                    self._encode(start, cells, groups, keys, [set(numbers) for numbers in todo])
                finally:  # Ctrl-C and errors too: what is encoded is kept, before anybody else has the turn
                    for branch in self.branches:
                        branch.keep()
        for branch in self.branches:
            branch.end(start)

    def _turns(self, todo: Sequence[Sequence[int]]) -> Any:
        """Return the turns of the branches that have something to encode and keep."""
        names = [
            branch.space.fingerprint
            for branch, numbers in zip(self.branches, todo, strict=True)
            if numbers and branch.cache is not None
        ]
        return turn(self.cache.folder if self.cache is not None else None, names, self.waiting)

    def _groups(self, start: int, cells: Sequence[Any | None]) -> tuple[Keys, list[Group]]:
        """Return each content with the rows that hold it, in order; missing and unreadable rows are counted here."""
        if all(branch.opened.fitted for branch in self.branches):  # never kept, and cheaper to encode than to hash
            places = [position for position, cell in enumerate(cells) if cell is not None]
            self._count_missing(len(cells) - len(places))
            return Keys(keys=[]), [(b"", [position]) for position in places]
        found = ContentKeys(self.cache).of(cells)
        for position, reason in found.unreadable.items():
            self._problem(start, [position], reason, self.branches)
        groups: dict[bytes, list[int]] = {}
        for position, key in enumerate(found.keys):
            if key is not None:
                groups.setdefault(key, []).append(position)
        self._count_missing(found.keys.count(None) - len(found.unreadable))
        return found, list(groups.items())

    def _count_missing(self, count: int) -> None:
        """Count missing rows, in every branch."""
        for branch in self.branches:
            branch.counts.missing += count

    def _encode(
        self, start: int, cells: Sequence[Any | None], groups: Sequence[Group], keys: Keys, todo: Sequence[set[int]]
    ) -> None:
        """Decode what any branch wants, and hand each its own, a window of samples after the other."""
        wanted = sorted(set().union(*todo))
        if not wanted:
            return
        media = isinstance(cells[groups[wanted[0]][1][0]], Media)
        size = max(branch.size for branch in self.branches)
        ordered = any(branch.length is not None for branch in self.branches)
        window = (size * SORTED_BATCHES if ordered else size) if media else len(cells)
        decoder = self.decoders(len(wanted), media=media)
        ahead = decoder.ahead(self.decode, ((number, cells[groups[number][1][0]]) for number in wanted), 2 * size)
        place = partial(self._place, start, groups)
        with closing(ahead) as decoded:
            for part in cut(self._usable(start, groups, keys, todo, decoded), window, BATCH_BYTES):
                for branch, numbers in zip(self.branches, todo, strict=True):
                    branch.encode([item for item in part if item[0] in numbers], groups, keys, place)

    def _usable(
        self,
        start: int,
        groups: Sequence[Group],
        keys: Keys,
        todo: Sequence[set[int]],
        decoded: Iterator[tuple[int, Any]],
    ) -> Iterator[tuple[int, Any]]:
        """Yield the samples there are; note cells that hold nothing, and those that cannot be used."""
        for number, sample in decoded:
            asked = [branch for branch, numbers in zip(self.branches, todo, strict=True) if number in numbers]
            if sample is None:
                for branch in asked:
                    branch.nothing(groups[number], keys)
            elif isinstance(sample, Exception):
                self._problem(start, groups[number][1], reason_of(sample, self.modality), asked)
            else:
                for branch, numbers in zip(self.branches, todo, strict=True):
                    if number in numbers and (reason := branch.refuses(sample)):
                        self._problem(start, groups[number][1], reason, [branch])
                        numbers.discard(number)
                yield number, sample

    def _problem(self, start: int, places: Sequence[int], reason: str, branches: Sequence[Branch]) -> None:
        """Note that rows cannot be used, each by its own number."""
        for branch in branches:
            branch.counts.bad += len(places)
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

    def _place(self, start: int, groups: Sequence[Group], number: int) -> str:
        """Return how messages call a sample."""
        position = start + groups[number][1][0]
        names = " and ".join(repr(branch.name) for branch in self.branches)
        return f"input {names}, row {self.rows[position]} (id {self.ids[position]!r})"


def reason_of(error: Exception, modality: str) -> str:
    """Return why a cell cannot be used: the decoder's own reason, or what broke in it."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, ValueError) and type(error) in (ValueError, UnicodeDecodeError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror.lower()}"
    return f"does not decode as {modality} ({type(error).__name__}: {error})"
