"""The SQLite file of the embedding cache: which vector lies where, and which file had which content."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from mmsdk.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS space(
    id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL, precision TEXT NOT NULL, dim INTEGER NOT NULL,
    name TEXT NOT NULL, UNIQUE(fingerprint, precision, dim));
CREATE TABLE IF NOT EXISTS segment(
    id INTEGER PRIMARY KEY AUTOINCREMENT, space INTEGER NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entry(
    space INTEGER NOT NULL, key BLOB NOT NULL, segment INTEGER NOT NULL, slot INTEGER NOT NULL, crc INTEGER NOT NULL,
    used INTEGER NOT NULL, PRIMARY KEY(space, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file(path TEXT PRIMARY KEY, signature TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
"""
WAIT_SECONDS = 120  # as long as another process may hold the lock, pruning included
IN_LIMIT = 8000  # SQLite takes 32,766 values in one statement; beyond some thousands nothing is gained


class Database:
    """One connection, shared by the threads of one process and opened anew in a forked child."""

    def __init__(self, folder: Path) -> None:
        """Make ``folder`` and the tables where they are not there yet."""
        self.folder = folder
        self._lock = threading.RLock()
        self._owner = 0
        self._open()

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return every row of a query."""
        with self._lock, self.explained():
            return self._connection().execute(statement, values).fetchall()

    def read_in(self, statement: str, fixed: Sequence[Any], members: Sequence[Any]) -> list[Any]:
        """Return the rows of a query that ends in ``IN (...)``, asked in as few statements as SQLite takes."""
        rows: list[Any] = []
        for start in range(0, len(members), IN_LIMIT):
            part = members[start : start + IN_LIMIT]
            rows += self.read(f"{statement} ({','.join('?' * len(part))})", [*fixed, *part])
        return rows

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock of all processes; commit at the end, roll back when the block raises."""
        with self._lock, self.explained():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite has already rolled back when the disk is full
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection, unless it belongs to the process this one was forked from."""
        with self._lock:
            if self._owner == os.getpid():
                self._sqlite.close()
            self._owner = 0

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what SQLite and the system say into one sentence that names the folder and the way out."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the embedding cache {self.folder} cannot be used: {error}. {_advice(error)}") from error
        except OSError as error:
            raise StoreError(
                f"the embedding cache {self.folder} cannot be written: {error.strerror or error}. Make room or set "
                "MMSDK_CACHE_DIR to a folder that can be written; what was there before is intact"
            ) from error

    def _connection(self) -> sqlite3.Connection:
        """Return the connection of this process: SQLite's must not cross a fork."""
        if self._owner != os.getpid():
            self._open()
        return self._sqlite

    def _open(self) -> None:
        """Connect, in write-ahead mode so that readers and one writer do not wait for each other."""
        with self.explained():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sqlite = sqlite3.connect(
                self.folder / "entries.v1.sqlite", timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            if not self._sqlite.execute("SELECT 1 FROM sqlite_master WHERE name = 'file'").fetchone():
                _make(self._sqlite)
            self._sqlite.execute("PRAGMA synchronous=NORMAL")
            self._owner = os.getpid()


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables; when two processes come together SQLite refuses the write-ahead mode without waiting."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.executescript(f"PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; {SCHEMA}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _advice(error: sqlite3.DatabaseError) -> str:
    """Return what to do about an error of SQLite."""
    text = str(error)
    if "full" in text or "I/O" in text:
        return "Make room or set MMSDK_CACHE_DIR to another disk; what was there before is intact"
    if "locked" in text:
        return "Another process holds it; try again when that has ended"
    if "readonly" in text or "unable to open" in text:
        return "Set MMSDK_CACHE_DIR to a folder that can be written"
    return "It only saves time: delete that folder and it is made again"
