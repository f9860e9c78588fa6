"""The truth of an index: ids and rows in SQLite, vectors in a file beside it that only grows until compaction.

A vector's place in the file is its item's key. An add writes the vectors past the last committed key, waits for the
disk, and commits the rows: a kill before the commit leaves bytes that nobody names and the next add overwrites. A new
vector for a known id takes a new key, so that what a key stands for never changes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mmsdk.errors import StoreError
from mmsdk.index.database import SCHEMA, SCHEMA_VERSION, Database
from mmsdk.index.where import with_moments

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from mmsdk.index.exact import Floats, Keys
    from mmsdk.index.where import Sql

FILE = "items.sqlite"
CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an index is told when it is made."""

    dim: int
    metric: str
    fingerprint: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """The store after ``seq`` changes: how many places of which vector file count, and what was removed since."""

    seq: int
    generation: int
    places: int
    removed: Keys
    removed_at: Keys
    snapshot: Mapping[str, Any] | None


class Moved(Exception):  # noqa: N818 - no error: the caller looks at the store again
    """Keys were given out anew since the caller looked."""


class Store:
    """Reads and writes of one folder. Thread-safe; any number of processes read while one writes."""

    def __init__(self, folder: Path, settings: Settings, database: Database) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.folder = folder
        self.settings = settings
        self.database = database

    @classmethod
    def create(cls, folder: Path, settings: Settings) -> Store:
        """Make an empty store.

        :raises StoreError: one is there already, or the folder cannot be written.
        """
        if (folder / FILE).exists():
            raise StoreError(f"{folder}: an index is here already; open it, or choose an empty folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: no index can be made here ({error.strerror})") from error
        database = Database(folder / FILE)
        values: dict[str, Any] = {name: getattr(settings, name) for name in Settings.__slots__}
        with database.write() as connection:
            for statement in SCHEMA.strip().split(";")[:-1]:
                connection.execute(statement)
            values |= {"schema": SCHEMA_VERSION, "seq": 0, "generation": 0, "places": 0, "snapshot": None}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
        return cls(folder, settings, database)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open what :meth:`create` made.

        :raises StoreError: there is none, it is damaged, or a newer mmsdk made it.
        """
        if not (folder / FILE).is_file():
            raise StoreError(
                f"{folder}: no index here ({FILE} is missing); build it with `mmsdk fit`, or check the path"
            )
        database = Database(folder / FILE)
        try:
            with database.read() as connection:
                values = dict(connection.execute("SELECT name, value FROM meta"))
        finally:  # what is refused below must leave nothing open; the pool opens again when asked
            database.close()
        if values.get("schema") != SCHEMA_VERSION:
            raise StoreError(
                f"{folder}: index of schema {values.get('schema')}, expected {SCHEMA_VERSION}; "
                "use the mmsdk that made it, or build it again"
            )
        return cls(folder, Settings(**{name: values[name] for name in Settings.__slots__}), database)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    # --- reading -----------------------------------------------------------------------------------------------

    def seq(self) -> int:
        """Return the number of the last change: what tells a reader that it is behind (5 us)."""
        with self.database.read() as connection:
            return cast("int", connection.execute("SELECT value FROM meta WHERE name = 'seq'").fetchone()[0])

    def state(self, since: int = -1) -> StoreState:
        """Return the store as it stands, with what was removed after change ``since``."""
        with self.database.snapshot() as connection:
            values = dict(connection.execute("SELECT name, value FROM meta"))
            gone = connection.execute("SELECT key, seq FROM removed WHERE seq > ? ORDER BY key", (since,)).fetchall()
        pairs = np.array(gone, np.int64).reshape(-1, 2)
        return StoreState(
            seq=values["seq"],
            generation=values["generation"],
            places=values["places"],
            removed=pairs[:, 0],
            removed_at=pairs[:, 1],
            snapshot=json.loads(values["snapshot"]) if values["snapshot"] else None,
        )

    def vectors(self, state: StoreState) -> Floats:
        """Return ``(places, dim)`` float32, mapped from the file; places of removed items hold their old vectors.

        :raises StoreError: the file is missing or shorter than the store says.
        """
        path, dim = self.vector_file(state.generation), self.settings.dim
        if not state.places:
            return np.empty((0, dim), np.float32)
        size = path.stat().st_size  # FileNotFoundError: compacted a moment ago, the caller looks again
        if size < state.places * dim * 4:
            raise StoreError(
                f"{path}: holds {size // (dim * 4):,} vectors, expected {state.places:,}; "
                "the file is damaged: restore it from a backup, or build the index again"
            )
        return np.memmap(path, np.float32, "r", shape=(state.places, dim))

    def vector_file(self, generation: int) -> Path:
        """Return the path of a generation's vectors; compaction begins a new one."""
        return self.folder / f"vectors-{generation}.f32"

    def keys(self, ids: Sequence[str], generation: int) -> dict[str, int]:
        """Return the keys of the ids that exist."""
        with self._at(generation) as connection:
            return {name: key for key, name in _chunked(connection, "SELECT key, id FROM items WHERE id IN", ids)}

    def names(self, keys: Sequence[int], generation: int) -> dict[int, str]:
        """Return the ids of keys, also of those removed since the last compaction."""
        with self._at(generation) as connection:
            found = dict(_chunked(connection, "SELECT key, id FROM items WHERE key IN", keys))
            missing = [key for key in keys if key not in found]
            return found | dict(_chunked(connection, "SELECT key, id FROM removed WHERE key IN", missing))

    def all_names(self, generation: int) -> list[tuple[int, str]]:
        """Return every key with its id, in the order of the keys."""
        with self._at(generation) as connection:
            return connection.execute("SELECT key, id FROM items ORDER BY key").fetchall()

    def matching(self, condition: Sql, generation: int) -> Keys:
        """Return the keys whose items satisfy a condition of :mod:`mmsdk.index.where`, ascending."""
        sql, values = condition
        with self._at(generation) as connection:
            with_moments(connection)
            # Safe: every value and every column's path in `sql` is a parameter.
            found = connection.execute(f"SELECT key FROM items WHERE {sql} ORDER BY key", values).fetchall()  # noqa: S608 - as said above
        return np.fromiter((key for (key,) in found), np.int64, len(found))

    def rows(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the rows of the ids that exist."""
        with self.database.read() as connection:
            return {
                name: json.loads(row)
                for name, row in _chunked(connection, "SELECT id, row FROM items WHERE id IN", ids)
            }

    def columns(self) -> tuple[str, ...]:
        """Return the name of every column any row ever had, sorted."""
        with self.database.read() as connection:
            return tuple(name for (name,) in connection.execute("SELECT name FROM columns ORDER BY name"))

    @contextlib.contextmanager
    def _at(self, generation: int) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees this generation's keys.

        :raises Moved: another process compacted the store, and keys mean other items now.
        """
        with self.database.snapshot() as connection:
            now = connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0]
            if now != generation:
                raise Moved
            yield connection

    # --- writing -----------------------------------------------------------------------------------------------

    def add(self, ids: Sequence[str], vectors: Iterable[Floats], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add items, or replace those whose ids are known; all of them or none.

        :param vectors: blocks of ``(m, dim)`` float32, together as many as ids.
        """
        texts = [_dumped(row, name) for name, row in zip(ids, rows, strict=True)]
        columns = {str(name) for row in rows for name in row}
        with self.database.write() as connection:
            seq, generation, places = self._counters(connection)
            if places:
                self._drop(connection, ids, seq + 1)
            self._append(self.vector_file(generation), places, vectors)
            connection.executemany(
                "INSERT INTO items VALUES (?, ?, ?)", zip(range(places, places + len(ids)), ids, texts, strict=True)
            )
            connection.executemany("INSERT OR IGNORE INTO columns VALUES (?)", ((name,) for name in columns))
            _set(connection, seq=seq + 1, places=places + len(ids))

    def remove(self, ids: Sequence[str]) -> int:
        """Remove the ids that exist; return how many did."""
        with self.database.write() as connection:
            seq, _, _ = self._counters(connection)
            gone = self._drop(connection, ids, seq + 1)
            if gone:
                _set(connection, seq=seq + 1)
        return gone

    def update(self, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> int:
        """Replace rows and leave the vectors; return how many of the ids exist."""
        texts = [_dumped(row, name) for name, row in zip(ids, rows, strict=True)]
        with self.database.write() as connection:
            seq, _, _ = self._counters(connection)
            before = connection.total_changes
            connection.executemany("UPDATE items SET row = ? WHERE id = ?", zip(texts, ids, strict=True))
            changed = connection.total_changes - before
            columns = {str(name) for row in rows for name in row}
            connection.executemany("INSERT OR IGNORE INTO columns VALUES (?)", ((name,) for name in columns))
            _set(connection, seq=seq + 1)
        return changed

    def set_type(self, wanted: str) -> None:
        """Remember another wanted index type."""
        with self.database.write() as connection:
            _set(connection, type=wanted)
        self.settings = Settings(
            dim=self.settings.dim, metric=self.settings.metric, fingerprint=self.settings.fingerprint, type=wanted
        )

    def set_snapshot(self, generation: int, snapshot: Mapping[str, Any] | None) -> str | None:
        """Name the file that searches use from now on; return the file it replaces, if any.

        :raises StoreError: the store was compacted since ``generation``, and the file speaks of other keys.
        """
        with self.database.write() as connection:
            now = dict(connection.execute("SELECT name, value FROM meta"))
            if now["generation"] != generation:
                raise StoreError(f"{self.folder}: another process compacted the index meanwhile; save again")
            # Other readers must look at the store again, so this counts as a change.
            _set(connection, snapshot=json.dumps(snapshot) if snapshot else None, seq=now["seq"] + 1)
        return json.loads(now["snapshot"])["file"] if now["snapshot"] else None

    def compact(self) -> None:
        """Give every item a new key without gaps, drop what was removed, and shrink both files."""
        with self.database.write() as connection:
            seq, generation, places = self._counters(connection)
            kept = np.fromiter((k for (k,) in connection.execute("SELECT key FROM items ORDER BY key")), np.int64)
            state = StoreState(
                seq=seq, generation=generation, places=places, removed=kept[:0], removed_at=kept[:0], snapshot=None
            )
            vectors = self.vectors(state)
            blocks = (np.asarray(vectors[kept[at : at + CHUNK]]) for at in range(0, len(kept), CHUNK))
            target = self.vector_file(generation + 1)
            target.unlink(missing_ok=True)
            self._append(target, 0, blocks)
            connection.execute(
                "CREATE TABLE packed (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row TEXT NOT NULL)"
            )
            connection.execute(
                "INSERT INTO packed SELECT row_number() OVER (ORDER BY key) - 1, id, row FROM items ORDER BY key"
            )
            connection.execute("DROP TABLE items")
            connection.execute("ALTER TABLE packed RENAME TO items")
            connection.execute("DELETE FROM removed")
            _set(connection, seq=seq + 1, generation=generation + 1, places=len(kept), snapshot=None)
        with contextlib.suppress(StoreError), self.database.read() as connection:
            connection.execute("VACUUM")  # refused while another process reads; the space is used again then
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _counters(self, connection: sqlite3.Connection) -> tuple[int, int, int]:
        values = dict(connection.execute("SELECT name, value FROM meta"))
        return values["seq"], values["generation"], values["places"]

    def _drop(self, connection: sqlite3.Connection, ids: Sequence[str], seq: int) -> int:
        """Move the ids that exist to ``removed``."""
        gone = 0
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            connection.execute(f"INSERT INTO removed SELECT key, id, ? FROM items WHERE id IN ({marks})", (seq, *part))  # noqa: S608 - only question marks are put in
            gone += connection.execute(f"DELETE FROM items WHERE id IN ({marks})", part).rowcount  # noqa: S608 - only question marks are put in
        return gone

    def _append(self, path: Path, places: int, blocks: Iterable[Floats]) -> None:
        """Write vectors from a place on and wait until they are on the disk."""
        start = places * self.settings.dim * 4
        if start and (size := path.stat().st_size) < start:
            raise StoreError(f"{path}: {size:,} bytes, expected {start:,}; restore it from a backup")
        with path.open("r+b" if path.exists() else "x+b") as stream:
            stream.seek(start)
            for block in blocks:
                stream.write(np.ascontiguousarray(block, np.float32).data)
            stream.flush()
            os.fsync(stream.fileno())


def _chunked(connection: sqlite3.Connection, select: str, values: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Run ``SELECT ... IN (?, ?, ...)`` for any number of values."""
    found: list[tuple[Any, Any]] = []
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK]
        found += connection.execute(f"{select} ({','.join('?' * len(part))})", part).fetchall()
    return found


def _set(connection: sqlite3.Connection, **values: Any) -> None:
    connection.executemany("UPDATE meta SET value = ? WHERE name = ?", ((v, k) for k, v in values.items()))


def _dumped(row: Mapping[str, Any], name: str) -> str:
    """Return a row as JSON; numpy scalars become plain ones, dates text, and NaN and infinities null."""
    try:
        try:
            return json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain)
        except ValueError:
            return json.dumps(_finite(row), ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"row of {name!r}: cannot be kept as JSON ({error}); give text, numbers, lists or None"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return _finite(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value
