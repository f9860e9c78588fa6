"""The SQLite file of a store: its tables, its connections, and its errors as sentences."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import deque
from typing import TYPE_CHECKING

from mmsdk.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 1
WAIT_SECONDS = 60.0

# `key` is the item's place in the vector file and is never given to another item before a compaction.
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE items (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row TEXT NOT NULL);
CREATE TABLE removed (key INTEGER PRIMARY KEY, id TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE columns (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Database:
    """A pool of connections to one SQLite file; every thread borrows one, a forked process opens its own."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.path = path
        self._pool: deque[sqlite3.Connection] = deque()
        self._inherited: list[deque[sqlite3.Connection]] = []
        self._pid = os.getpid()

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; statements on it commit by themselves."""
        if self._pid != os.getpid():  # a connection must not be used, nor closed, on the other side of a fork
            self._inherited.append(self._pool)
            self._pool, self._pid = deque(), os.getpid()
        try:
            connection = self._pool.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except sqlite3.Error as error:
            raise self.refused(error) from error
        finally:
            self._pool.append(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the store throughout."""
        with self.read() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend the one writing connection; commit when the block ends well, else leave everything as it was.

        The lock is SQLite's own: it covers other threads and other processes, and dies with its owner.
        """
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, OSError):
                    raise StoreError(
                        f"{self.path.parent}: {_reason(error)}; nothing was changed, make room and try again"
                    ) from error
                if isinstance(error, UnicodeEncodeError):
                    raise StoreError(
                        f"{self.path.parent}: text that is no Unicode ({error.reason}); nothing was changed"
                    ) from error
                raise

    def close(self) -> None:
        """Close what is not lent; the last process to close folds the write-ahead log into the file."""
        while self._pool:
            self._pool.pop().close()

    def refused(self, error: sqlite3.Error) -> StoreError:
        """Return the sentence for what SQLite refused."""
        text = str(error)
        if "locked" in text or "busy" in text:
            advice = f"another process has been writing for {WAIT_SECONDS:.0f} s; wait for it, or end it"
        elif "full" in text or "disk I/O" in text or "readonly" in text:
            advice = "nothing was changed; make room on the disk, or make it writable, and try again"
        elif "unable to open" in text:
            advice = "the folder cannot be read, or not be written"
        else:
            advice = "the file is damaged; restore it from a backup, or build the index again"
        return StoreError(f"{self.path}: SQLite says '{text}'; {advice}")

    def _connect(self) -> sqlite3.Connection:
        """Open a connection: write-ahead log, and a commit that reaches the disk before it returns.

        Where the folder cannot be written (an image, a read-only mount) the file is opened as one that nobody changes.
        """
        writable = os.access(self.path.parent, os.W_OK)
        uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if writable else 'ro&immutable=1'}"
        try:
            connection = sqlite3.connect(
                uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self.refused(error) from error
        try:
            if writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            connection.close()
            raise self.refused(error) from error
        return connection


def _reason(error: OSError) -> str:
    """Return what the system says, with the file it says it of."""
    return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
