"""Files of equally long vectors, one beside the other: written at a place, read at places, each checked."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RUN_ROWS = 4096  # neighbours are read in one call, up to this many
OPEN_FILES = 64


def checksum(key: bytes, vector: bytes | memoryview) -> int:
    """Return the CRC-32 of a vector under its key, so that a whole vector of another input does not pass either."""
    return zlib.crc32(vector, zlib.crc32(key))


class Segments:
    """The vector files of a cache folder; numbers are given by the database, which alone says what is valid."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; files are opened when first read."""
        self.folder = folder
        self._handles: dict[int, int] = {}
        self._lock = threading.Lock()

    def path(self, segment: int) -> Path:
        """Return where segment ``segment`` lies."""
        return self.folder / f"{segment:08d}.v1.vectors"

    def numbers(self) -> list[int]:
        """Return the segments that have a file, known to the database or not."""
        return [int(path.name.split(".")[0]) for path in self.folder.glob("*.v1.vectors")]

    def write(self, segment: int, offset: int, data: memoryview) -> None:
        """Write at a byte offset and wait for the disk; bytes there belong to nobody (a writer that was killed)."""
        path = self.path(segment)
        new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            file.seek(offset)
            while data:  # a nearly full disk takes a part and refuses the rest
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        if new and os.name != "nt":
            self._flush_folder()

    def read(self, segment: int, slots: Sequence[int], size: int) -> list[memoryview | None]:
        """Return the bytes of each slot, ``None`` where the file is gone, short or unreadable.

        :param slots: ascending.
        """
        rows: list[memoryview | None] = []
        places = np.asarray(slots)
        for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
            for start in range(0, len(run), RUN_ROWS):
                part = run[start : start + RUN_ROWS]
                view = memoryview(self._pread(segment, int(part[0]) * size, len(part) * size))
                whole = len(view) // size
                rows += [view[i * size : (i + 1) * size] for i in range(whole)]
                rows += [None] * (len(part) - whole)
        return rows

    def remove(self, segment: int) -> None:
        """Delete a file; one that Windows still holds open is left for the next pruning."""
        self.forget(segment)
        with contextlib.suppress(OSError):
            self.path(segment).unlink()

    def forget(self, *segments: int) -> None:
        """Close the handles of some segments, of all when none is named."""
        with self._lock:
            for segment in segments or tuple(self._handles):
                if (handle := self._handles.pop(segment, None)) is not None:
                    os.close(handle)

    def _pread(self, segment: int, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes, fewer where there are no more."""
        with self._lock:
            try:
                if segment not in self._handles:
                    if len(self._handles) >= OPEN_FILES:
                        os.close(self._handles.pop(next(iter(self._handles))))
                    self._handles[segment] = os.open(self.path(segment), os.O_RDONLY | getattr(os, "O_BINARY", 0))
                return _read_at(self._handles[segment], length, offset)
            except OSError:
                return b""

    def _flush_folder(self) -> None:
        """Make the name of a new file outlast a power cut."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read_at(handle: int, length: int, offset: int) -> bytes:
    """Read at an offset; Windows has no ``pread``, and the caller holds a lock anyway."""
    if hasattr(os, "pread"):
        return os.pread(handle, length, offset)
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, length)
