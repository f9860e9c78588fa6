"""Making the embedding cache smaller: drop what was used longest ago, then move what stays together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.embed.segments import checksum
from mmsdk.embed.spaces import DTYPES, ENTRY_BYTES, NOWHERE

if TYPE_CHECKING:
    import sqlite3

    from mmsdk.embed.cache import EmbeddingCache

KNOWN_FILES = 5_000_000  # hashes of files remembered; about 200 bytes each


def prune(cache: EmbeddingCache, max_bytes: int) -> int:
    """Drop the least recently used entries until ``max_bytes`` hold the rest; return how many went."""
    with cache.database.transaction() as sql:
        dropped = _drop(sql, max_bytes)
        sql.execute("DELETE FROM file WHERE path IN (SELECT path FROM file LIMIT -1 OFFSET ?)", (KNOWN_FILES,))
    while (segment := _worst(cache, max_bytes)) is not None:
        _compact(cache, *segment)
    _sweep(cache)
    with cache.database.explained():
        cache.database.read("PRAGMA incremental_vacuum")
        cache.database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    return dropped


def _sizes(sql: sqlite3.Connection) -> dict[int, int]:
    """Return the bytes of one vector in each space."""
    rows = sql.execute("SELECT id, precision, dim FROM space")
    return {number: dim * DTYPES[precision].itemsize for number, precision, dim in rows}


def _drop(sql: sqlite3.Connection, max_bytes: int) -> int:
    """Delete entries, oldest use first, until the live ones fit."""
    sizes = _sizes(sql)
    groups = [
        (used, space, segment, count, ENTRY_BYTES + (sizes[space] if segment != NOWHERE else 0))
        for used, space, segment, count in sql.execute(
            "SELECT used, space, segment, COUNT(*) FROM entry GROUP BY used, space, segment ORDER BY used"
        )
    ]
    excess = sum(count * size for *_, count, size in groups) - max_bytes
    dropped = 0
    for used, space, segment, count, size in groups:
        if excess <= 0:
            break
        going = min(count, -(-excess // size))
        sql.execute(
            "DELETE FROM entry WHERE space=?1 AND key IN"
            " (SELECT key FROM entry WHERE space=?1 AND used=?2 AND segment=?3 LIMIT ?4)",
            (space, used, segment, going),
        )
        excess -= going * size
        dropped += going
    return dropped


def _worst(cache: EmbeddingCache, max_bytes: int) -> tuple[int, int, int] | None:
    """Return (segment, space, bytes of a vector) of the file with the most dead bytes; ``None`` when all is well.

    Files without a live vector always go; others are rewritten only as long as the files do not fit.
    """
    with cache.database.transaction() as sql:
        sizes = _sizes(sql)
        live = dict(sql.execute("SELECT segment, COUNT(*) FROM entry GROUP BY segment"))
        files = [
            (sizes[space] * (rows - live.get(number, 0)), number, space, rows)
            for number, space, rows in sql.execute("SELECT id, space, rows FROM segment")
        ]
        stored = sum(sizes[space] * rows for _, _, space, rows in files) + ENTRY_BYTES * sum(live.values())
        empty = [file for file in files if not live.get(file[1], 0)]
        dead, number, space, _ = max(empty or files, default=(0, 0, 0, 0))
        return (number, space, sizes[space]) if empty or (dead and stored > max_bytes) else None


def _compact(cache: EmbeddingCache, segment: int, space: int, size: int) -> None:
    """Move the live vectors of a segment to the end of the space's newest other one; then delete its file."""
    with cache.database.transaction() as sql:
        entries = sql.execute(
            "SELECT slot, crc, key FROM entry WHERE space=? AND segment=? ORDER BY slot", (space, segment)
        ).fetchall()
        sql.execute("DELETE FROM segment WHERE id=?", (segment,))
        rows = cache.segments.read(segment, [slot for slot, _, _ in entries], size) if entries else []
        whole = [
            (key, bytes(row))
            for (_, crc, key), row in zip(entries, rows, strict=True)
            if row is not None and checksum(key, row) == crc
        ]
        places = cache.append(sql, space, size, memoryview(b"".join(row for _, row in whole)))
        moved = [(*place, space, key) for place, (key, _) in zip(places, whole, strict=True)]
        sql.executemany("UPDATE entry SET segment=?, slot=? WHERE space=? AND key=?", moved)
        sql.execute("DELETE FROM entry WHERE space=? AND segment=?", (space, segment))  # damaged ones
    cache.segments.remove(segment)


def _sweep(cache: EmbeddingCache) -> None:
    """Delete files no segment owns: left by a writer or a pruning that was killed, or held open by Windows."""
    with cache.database.transaction() as sql:  # the lock keeps new files from appearing
        owned = {number for (number,) in sql.execute("SELECT id FROM segment")}
        for number in set(cache.segments.numbers()) - owned:
            cache.segments.remove(number)
