"""The embedding cache: one vector per (encoder, content of the input), shared by every run and process of a user."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.database import Database
from mmsdk.embed.prune import prune
from mmsdk.embed.segments import Segments, checksum
from mmsdk.embed.spaces import DTYPES, ENTRY_BYTES, NOWHERE, Space
from mmsdk.errors import StoreError
from mmsdk.files import cache_home

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_MAX_BYTES = 20 * 2**30
SEGMENT_BYTES = 256 * 2**20
TOUCH_SECONDS = 3600  # "last used" is kept to the hour, so that reading hardly ever writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the cache knows of some keys: ``vectors (n, dim)`` float32, zero where not ``hit``.

    ``hit (n,)``: there is a vector. ``absent (n,)``: it is known that the input holds nothing.
    """

    vectors: np.ndarray
    hit: np.ndarray
    absent: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceInfo:
    """One encoder's share of the cache; ``used`` is the time of its last use (seconds since 1970)."""

    name: str
    fingerprint: str
    precision: str
    dim: int
    entries: int
    bytes: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """What lies in the cache: ``bytes`` of live entries, ``disk_bytes`` of the files, ``files`` with a known hash."""

    folder: Path
    entries: int
    bytes: int
    disk_bytes: int
    max_bytes: int
    files: int
    encoders: tuple[SpaceInfo, ...]


class EmbeddingCache:
    """A content-addressed cache of vectors on a local disk.

    Vectors are appended to plain files; a SQLite index says which are valid. A batch is written, flushed to the disk
    and only then committed, under SQLite's write lock, so that any number of processes may share the folder and
    ``kill -9`` loses at most the batch being written. Each vector carries a checksum: a damaged one is a miss.
    Safe for threads and across ``fork``. The folder must not lie on a network file system (SQLite's log needs shared
    memory).

    :param folder: where; the default is ``embeddings`` in the user's cache (``MMSDK_CACHE_DIR``).
    :param max_bytes: above it the least recently used entries are pruned.
    :param clock: seconds since 1970.
    :raises StoreError: the folder cannot be written, or its index is damaged.
    """

    def __init__(
        self,
        folder: Path | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the cache, making it where there is none."""
        self.folder = Path(folder) if folder is not None else cache_home() / "embeddings"
        self.max_bytes = max_bytes
        self.clock = clock
        self.database = Database(self.folder)
        self.segments = Segments(self.folder)

    def get_many(self, space: Space, keys: Sequence[bytes]) -> Found:
        """Look up keys; what is damaged counts as unknown.

        :raises StoreError: the index cannot be read.
        """
        found = Found(
            vectors=np.zeros((len(keys), space.dim), np.float32),
            hit=np.zeros(len(keys), bool),
            absent=np.zeros(len(keys), bool),
        )
        number = self._number(space)
        if number is None or not keys:
            return found
        missing = self._fill(space, number, keys, found)
        if missing:  # another process may have moved them to a new file while pruning: ask once more
            self._fill(space, number, keys, found)
        return found

    def put_many(
        self, space: Space, keys: Sequence[bytes], vectors: np.ndarray, *, absent: Sequence[bytes] = ()
    ) -> None:
        """Keep vectors, all of them or none; when it returns, ``kill -9`` cannot take them back.

        :param keys: one a vector; a key already known is replaced.
        :param vectors: ``(len(keys), dim)``, finite in the precision of ``space``.
        :param absent: keys of inputs whose decoded sample is nothing.
        :raises StoreError: the disk is full or cannot be written; what was there before is intact.
        """
        rows = np.ascontiguousarray(vectors, DTYPES[space.precision])
        if rows.shape != (len(keys), space.dim):
            raise ValueError(f"{len(keys)} keys of dim {space.dim} need as many vectors, not {rows.shape}")
        now = int(self.clock())
        with self.database.transaction() as sql:
            number = self._number(space) or _new_space(sql, space)
            places = self.append(sql, number, space.size, memoryview(rows.tobytes()))
            entries = [
                (number, key, segment, slot, checksum(key, row.tobytes()), now)
                for key, row, (segment, slot) in zip(keys, rows, places, strict=True)
            ]
            entries += [(number, key, NOWHERE, 0, 0, now) for key in absent]
            sql.executemany("INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?)", entries)
        if self._stored() > self.max_bytes:
            self.prune(self.max_bytes * 9 // 10)

    def append(self, sql: sqlite3.Connection, number: int, size: int, data: memoryview) -> list[tuple[int, int]]:
        """Write vectors after the last committed one, inside a transaction; return segment and slot of each."""
        places: list[tuple[int, int]] = []
        limit = max(1, SEGMENT_BYTES // size)
        while data:
            last = sql.execute("SELECT id, rows FROM segment WHERE space=? ORDER BY id DESC LIMIT 1", (number,))
            segment, rows = last.fetchone() or (0, limit)
            if rows >= limit:
                segment, rows = _insert(sql, "INSERT INTO segment(space, rows) VALUES (?,0)", (number,)), 0
            count = min(limit - rows, len(data) // size)
            self.segments.write(segment, rows * size, data[: count * size])
            sql.execute("UPDATE segment SET rows=? WHERE id=?", (rows + count, segment))
            places += [(segment, slot) for slot in range(rows, rows + count)]
            data = data[count * size :]
        return places

    def known_files(self, signatures: Mapping[str, str]) -> dict[str, bytes]:
        """Return the content hash of each path whose signature (size, times, inode) is as it was remembered."""
        rows = self.database.read_in("SELECT path, signature, hash FROM file WHERE path IN", (), list(signatures))
        return {path: digest for path, signature, digest in rows if signatures[path] == signature}

    def remember_files(self, files: Sequence[tuple[str, str, bytes]]) -> None:
        """Remember ``(path, signature, hash)`` of files, so that unchanged ones are not read again."""
        if files:
            with self.database.transaction() as sql:
                sql.executemany("INSERT OR REPLACE INTO file VALUES (?,?,?)", files)

    def info(self) -> CacheInfo:
        """Count what lies in the cache, in all and per encoder."""
        encoders = tuple(
            SpaceInfo(
                name=name, fingerprint=fingerprint, precision=precision, dim=dim, entries=entries,
                bytes=vectors * dim * DTYPES[precision].itemsize + entries * ENTRY_BYTES, used=used,
            )
            for name, fingerprint, precision, dim, entries, vectors, used in self.database.read(
                "SELECT name, fingerprint, precision, dim, COUNT(*), SUM(segment <> 0), MAX(used)"
                " FROM entry JOIN space ON space.id = entry.space GROUP BY space ORDER BY MAX(used) DESC, space"
            )
        )  # fmt: skip
        return CacheInfo(
            folder=self.folder,
            entries=sum(encoder.entries for encoder in encoders),
            bytes=sum(encoder.bytes for encoder in encoders),
            disk_bytes=sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file()),
            max_bytes=self.max_bytes,
            files=self.database.read("SELECT COUNT(*) FROM file")[0][0],
            encoders=encoders,
        )

    def prune(self, max_bytes: int | None = None) -> int:
        """Drop the least recently used entries until the rest fits, and give their room back to the disk.

        :returns: how many entries were dropped.
        :raises StoreError: there is no room even to move what stays.
        """
        return prune(self, self.max_bytes if max_bytes is None else max_bytes)

    def close(self) -> None:
        """Close the files; the cache must not be used afterwards."""
        self.segments.forget()
        self.database.close()

    def _number(self, space: Space) -> int | None:
        """Return the number of a space in the database."""
        statement = "SELECT id FROM space WHERE fingerprint=? AND precision=? AND dim=?"
        rows = self.database.read(statement, (space.fingerprint, space.precision, space.dim))
        return rows[0][0] if rows else None

    def _stored(self) -> int:
        """Return the bytes of all segments, live or not; cheap, since segments are few."""
        rows = self.database.read(
            "SELECT precision, dim, SUM(rows) FROM segment JOIN space ON space.id=space GROUP BY space"
        )
        return sum((dim * DTYPES[precision].itemsize + ENTRY_BYTES) * count for precision, dim, count in rows)

    def _fill(self, space: Space, number: int, keys: Sequence[bytes], found: Found) -> bool:
        """Fill in what is known and whole of the keys not found yet; return whether something known was not whole."""
        wanted: dict[bytes, list[int]] = {}
        for position, key in enumerate(keys):
            if not (found.hit[position] or found.absent[position]):
                wanted.setdefault(key, []).append(position)
        entries = self.database.read_in(
            "SELECT segment, slot, crc, key, used FROM entry WHERE space=? AND key IN", (number,), list(wanted)
        )
        self._touch(number, entries)
        entries.sort()
        damaged, start = False, 0
        while start < len(entries):
            segment = entries[start][0]
            end = start
            while end < len(entries) and entries[end][0] == segment:
                end += 1
            damaged |= self._read(space, entries[start:end], wanted, found)
            start = end
        return damaged

    def _read(self, space: Space, entries: Sequence[Any], wanted: Mapping[bytes, list[int]], found: Found) -> bool:
        """Read entries of one segment into ``found``; return whether one of them was not whole."""
        if entries[0][0] == NOWHERE:
            found.absent[[position for entry in entries for position in wanted[entry[3]]]] = True
            return False
        whole: list[memoryview] = []
        places: list[int] = []
        sources: list[int] = []
        rows = self.segments.read(entries[0][0], [entry[1] for entry in entries], space.size)
        for (_, _, crc, key, _), row in zip(entries, rows, strict=True):
            if row is None or checksum(key, row) != crc:
                continue
            places += wanted[key]
            sources += [len(whole)] * len(wanted[key])
            whole.append(row)
        if whole:
            vectors = np.frombuffer(b"".join(whole), DTYPES[space.precision]).reshape(-1, space.dim)
            found.vectors[places] = vectors if len(places) == len(whole) else vectors[sources]
            found.hit[places] = True
        return len(whole) < len(entries)

    def _touch(self, number: int, entries: Sequence[Any]) -> None:
        """Note that entries were used; not worth an error, nor a write more than once an hour."""
        now = int(self.clock())
        old = [(now, number, key) for _, _, _, key, used in entries if used < now - TOUCH_SECONDS]
        if not old:
            return
        try:
            with self.database.transaction() as sql:
                sql.executemany("UPDATE entry SET used=? WHERE space=? AND key=?", old)
        except StoreError:
            return


def _new_space(sql: sqlite3.Connection, space: Space) -> int:
    """Give a space its number."""
    row = (space.fingerprint, space.precision, space.dim, space.name)
    return _insert(sql, "INSERT INTO space(fingerprint, precision, dim, name) VALUES (?,?,?,?)", row)


def _insert(sql: sqlite3.Connection, statement: str, values: Sequence[Any]) -> int:
    """Insert one row and return the number SQLite gave it."""
    return int(sql.execute(statement, values).lastrowid or 0)
