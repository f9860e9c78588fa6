"""Rows of vectors collected block by block: in memory while small, in an unnamed file on the disk beyond."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

IN_MEMORY_BYTES = 32 * 2**20


class VectorRows:
    """Collects ``(n, dim)`` float32 in order; peak memory does not grow with ``n``.

    :param folder: where the file lies; it has no name there, so that nothing stays behind however the process ends.
    """

    def __init__(self, rows: int, dim: int, folder: Path | None = None, *, in_memory: int = IN_MEMORY_BYTES) -> None:
        """Take the memory, or open the file."""
        self.shape = (rows, dim)
        self._done = 0
        self._folder = folder
        self._array: np.ndarray | None = None
        self._file: IO[bytes] | None = None
        if rows * dim * 4 <= in_memory:
            self._array = np.zeros(self.shape, np.float32)
        else:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - finish or close

    def append(self, block: np.ndarray) -> None:
        """Add the next rows.

        :raises StoreError: the disk is full.
        """
        if self._array is not None:
            self._array[self._done : self._done + len(block)] = block
        elif self._file is not None:
            self._guarded(self._file.write, np.ascontiguousarray(block, np.float32).data)
        self._done += len(block)

    def finish(self) -> np.ndarray:
        """Return the rows; of a file a private map, whose pages the system may drop; with it the file goes."""
        if self._done != self.shape[0]:
            raise ValueError(f"{self._done} rows of {self.shape[0]} were added")
        if self._array is not None:
            return self._array
        assert self._file is not None
        self._guarded(self._file.flush)
        with self._file as file:  # the map keeps what it needs
            return np.memmap(file, np.float32, mode="c", shape=self.shape)

    def close(self) -> None:
        """Give up the file of rows that are not wanted after all."""
        if self._file is not None:
            self._file.close()

    def _guarded(self, act: Any, *values: Any) -> None:
        """Do something with the file; say where there is no room."""
        try:
            act(*values)
        except OSError as error:
            place = self._folder or tempfile.gettempdir()
            raise StoreError(
                f"{self.shape[0]:,} vectors of dim {self.shape[1]} do not fit in {place}: {error.strerror or error}. "
                "Make room or set MMSDK_CACHE_DIR to another disk; what has been encoded stays in the cache"
            ) from error
