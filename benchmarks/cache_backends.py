"""Compare what could hold the embedding cache: LMDB, SQLite blobs, an append-only file with a SQLite index.

``python benchmarks/cache_backends.py [--rows 200000] [--dim 768]`` writes float16 vectors in batches of 1,000, each
committed so that ``kill -9`` cannot take it back, then reads all of them in random order in batches of 1,000.
Ratios are against the append-only file; the last row is ``mmsdk.embed.EmbeddingCache`` itself, which adds checksums.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 1000
SAFETY = {
    "append-only file + SQLite index": "data fsynced before the index commits: a torn tail is never referenced",
    "LMDB": "copy-on-write B+tree: the last committed root stands; needs a map size up front, never shrinks",
    "SQLite blobs": "write-ahead log: an uncommitted batch is rolled back; every vector is written twice",
    "mmsdk.embed.EmbeddingCache": "as the first row, and a checksum a vector: a damaged record is a miss",
}


class Backend(Protocol):
    """What is measured: one committed batch in, one batch out."""

    def put(self, keys: list[bytes], vectors: np.ndarray) -> None: ...

    def get(self, keys: list[bytes]) -> np.ndarray: ...


class AppendFile:
    """Vectors in one file, written and fsynced; then their row numbers in SQLite, committed."""

    def __init__(self, folder: Path, dim: int) -> None:
        self.dim, self.rows = dim, 0
        self.file = os.open(folder / "vectors", os.O_RDWR | os.O_CREAT)
        self.db = sqlite3.connect(folder / "index", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self.db.execute("CREATE TABLE entry(key BLOB PRIMARY KEY, slot INTEGER) WITHOUT ROWID")

    def put(self, keys: list[bytes], vectors: np.ndarray) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        os.pwrite(self.file, vectors.tobytes(), self.rows * self.dim * 2)
        os.fsync(self.file)
        self.db.executemany("INSERT INTO entry VALUES (?,?)", enumerate_from(keys, self.rows))
        self.db.execute("COMMIT")
        self.rows += len(keys)

    def get(self, keys: list[bytes]) -> np.ndarray:
        marks = ",".join("?" * len(keys))
        found = dict(self.db.execute(f"SELECT key, slot FROM entry WHERE key IN ({marks})", keys))
        size = self.dim * 2
        data = b"".join(os.pread(self.file, size, found[key] * size) for key in keys)
        return np.frombuffer(data, np.float16).reshape(len(keys), self.dim)


def enumerate_from(keys: list[bytes], start: int) -> list[tuple[bytes, int]]:
    return [(key, slot) for slot, key in enumerate(keys, start)]


class Lmdb:
    """Key to bytes in LMDB, its default durability."""

    def __init__(self, folder: Path, dim: int) -> None:
        import lmdb

        self.dim = dim
        self.env: Any = lmdb.open(str(folder), map_size=1 << 36)

    def put(self, keys: list[bytes], vectors: np.ndarray) -> None:
        with self.env.begin(write=True) as transaction:
            transaction.cursor().putmulti([(key, row.tobytes()) for key, row in zip(keys, vectors, strict=True)])

    def get(self, keys: list[bytes]) -> np.ndarray:
        with self.env.begin(buffers=True) as transaction:
            data = b"".join(transaction.get(key) for key in keys)
        return np.frombuffer(data, np.float16).reshape(len(keys), self.dim)


class SqliteBlobs:
    """Key to blob in SQLite with its write-ahead log."""

    def __init__(self, folder: Path, dim: int) -> None:
        self.dim = dim
        self.db = sqlite3.connect(folder / "blobs", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self.db.execute("CREATE TABLE entry(key BLOB PRIMARY KEY, vector BLOB)")

    def put(self, keys: list[bytes], vectors: np.ndarray) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(
            "INSERT INTO entry VALUES (?,?)", [(k, r.tobytes()) for k, r in zip(keys, vectors, strict=True)]
        )
        self.db.execute("COMMIT")

    def get(self, keys: list[bytes]) -> np.ndarray:
        marks = ",".join("?" * len(keys))
        found = dict(self.db.execute(f"SELECT key, vector FROM entry WHERE key IN ({marks})", keys))
        return np.frombuffer(b"".join(found[key] for key in keys), np.float16).reshape(len(keys), self.dim)


class Shipped:
    """What mmsdk ships."""

    def __init__(self, folder: Path, dim: int) -> None:
        from mmsdk.embed import EmbeddingCache, Space

        self.space = Space(fingerprint="benchmark", dim=dim, precision="fp16")
        self.cache = EmbeddingCache(folder)

    def put(self, keys: list[bytes], vectors: np.ndarray) -> None:
        self.cache.put_many(self.space, keys, vectors.astype(np.float32))

    def get(self, keys: list[bytes]) -> np.ndarray:
        return self.cache.get_many(self.space, keys).vectors


BACKENDS: dict[str, Callable[[Path, int], Backend]] = {
    "append-only file + SQLite index": AppendFile,
    "LMDB": Lmdb,
    "SQLite blobs": SqliteBlobs,
    "mmsdk.embed.EmbeddingCache": Shipped,
}


def made_up(rows: int, dim: int) -> Iterator[tuple[list[bytes], np.ndarray]]:
    """Yield batches of random vectors, made anew each time so that memory stays small."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, BATCH):
        yield names(range(start, min(start + BATCH, rows))), rng.standard_normal((BATCH, dim), np.float32).astype("f2")


def names(positions: Any) -> list[bytes]:
    """Return the keys of positions: as random as content hashes are."""
    return [hashlib.blake2b(int(i).to_bytes(8, "little"), digest_size=32).digest() for i in positions]


def measure(make: Callable[[Path, int], Backend], rows: int, dim: int, place: Path | None) -> tuple[float, ...]:
    """Return put wall, put CPU, get wall, get CPU (seconds) and bytes on disk."""
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        backend, spent = make(folder, dim), [0.0] * 4
        for keys, vectors in made_up(rows, dim):
            wall, cpu = time.perf_counter(), time.process_time()
            backend.put(keys, vectors)
            spent[0] += time.perf_counter() - wall
            spent[1] += time.process_time() - cpu
        order = np.random.default_rng(1).permutation(rows)
        for start in range(0, rows, BATCH):
            keys = names(order[start : start + BATCH])
            wall, cpu = time.perf_counter(), time.process_time()
            backend.get(keys)
            spent[2] += time.perf_counter() - wall
            spent[3] += time.process_time() - cpu
        disk = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
        return (*spent, float(disk))
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--folder", type=Path, help="where to write; the default is the system's temporary folder")
    args = parser.parse_args()
    print(f"{args.rows:,} x {args.dim} float16, batches of {BATCH:,}, random reads; {os.cpu_count()} cores")
    print(f"{'backend':34}{'put/s':>9}{'get/s':>9}{'put CPU s':>11}{'get CPU s':>11}{'MB':>7}{'put x':>7}{'get x':>7}")
    first: tuple[float, ...] | None = None
    for name, make in BACKENDS.items():
        try:
            spent = measure(make, args.rows, args.dim, args.folder)
        except ImportError as error:
            print(f"{name:34} not measured: {error}")
            continue
        first = first or spent
        print(
            f"{name:34}{args.rows / spent[0]:9,.0f}{args.rows / spent[2]:9,.0f}{spent[1]:11.2f}{spent[3]:11.2f}"
            f"{spent[4] / 1e6:7,.0f}{spent[0] / first[0]:7.2f}{spent[2] / first[2]:7.2f}",
            flush=True,
        )
    print("put x, get x: wall seconds against the first row. kill -9:")
    for name, why in SAFETY.items():
        print(f"  {name}: {why}")


if __name__ == "__main__":
    main()
