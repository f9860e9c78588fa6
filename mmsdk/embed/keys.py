"""The content key of a cell: what the cell holds, hashed without decoding it, whatever it is called."""

from __future__ import annotations

import hashlib
import math
import os
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmsdk.files import hash_file
from mmsdk.protocols import Media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.embed.cache import EmbeddingCache

RACY_SECONDS = 2.0  # a file changed so recently may change again without its times showing it


def content_key(cell: Any) -> bytes:
    """Return 32 bytes that are equal for equal contents and for no others.

    :param cell: a :class:`mmsdk.Media` (the bytes of the file count, its name does not), or a tuple of raw values, of
        which type and order count: ``1``, ``1.0``, ``True`` and ``"1"`` are four things.
    :raises OSError: the file cannot be read.
    """
    if isinstance(cell, Media):
        if cell.path is not None:
            return bytes.fromhex(hash_file(cell.path))
        return hashlib.blake2b(cell.data or b"", digest_size=32).digest()
    return hashlib.blake2b(_canonical(cell), digest_size=32).digest()


def _canonical(value: Any) -> bytes:
    """Return a prefix-free spelling of a raw value: its type, its length, its bytes."""
    if isinstance(value, str):
        data, kind = value.encode("utf-8", "surrogatepass"), b"s"
    elif value is None or isinstance(value, bool | int | float):
        number = "nan" if isinstance(value, float) and math.isnan(value) else repr(value)
        data, kind = number.encode(), b"n"
    elif isinstance(value, bytes):
        data, kind = value, b"b"
    elif isinstance(value, list | tuple):
        if len(value) > 8 and all(type(item) is float for item in value):  # a vector in a cell: ten times faster
            data, kind = struct.pack(f"<{len(value)}d", *value), b"v"
        else:
            data, kind = b"".join(map(_canonical, value)), b"l"
    elif isinstance(value, dict):
        data, kind = b"".join(_canonical(item) for pair in value.items() for item in pair), b"d"
    elif hasattr(value, "tobytes"):
        data, kind = f"{value.dtype.str}{value.shape}".encode() + value.tobytes(), b"a"
    else:
        data, kind = f"{type(value).__name__}:{value!r}".encode(), b"o"
    return b"%b%d:%b" % (kind, len(data), data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The key of each cell, ``None`` for a missing one and for a file that cannot be read (``unreadable`` says why).

    ``signed``: path and signature of each file when its key was found.
    """

    keys: list[bytes | None]
    unreadable: dict[int, str] = field(default_factory=dict)
    signed: dict[int, tuple[str, str]] = field(default_factory=dict)

    def holds(self, position: int) -> bool:
        """Return whether the key still is the cell's: a file may have been written to since."""
        if position not in self.signed:
            return True
        path, signed = self.signed[position]
        try:
            return signature(path) == signed
        except OSError:
            return False


class ContentKeys:
    """Keys of many cells; the cache remembers the hash of a file by its path, size, times and inode."""

    def __init__(self, cache: EmbeddingCache | None = None) -> None:
        """Remember where hashes of files are kept; without a cache every file is read."""
        self._cache = cache

    def of(self, cells: Sequence[Any | None]) -> Keys:
        """Return the keys of cells; a file that cannot be read is told, not raised."""
        keys: list[bytes | None] = [None] * len(cells)
        unreadable: dict[int, str] = {}
        files: dict[int, str] = {}
        for position, cell in enumerate(cells):
            if isinstance(cell, Media) and cell.path is not None:
                files[position] = os.path.abspath(cell.path)  # noqa: PTH100 - resolve() asks the disk
            elif cell is not None:
                keys[position] = content_key(cell)
        signatures: dict[str, str] = {}
        signed: dict[int, tuple[str, str]] = {}
        digests = self._files(set(files.values()), signatures)
        for position, path in files.items():
            digest = digests[path]
            if isinstance(digest, OSError):
                unreadable[position] = _why(digest)
            else:
                keys[position], signed[position] = digest, (path, signatures[path])
        return Keys(keys=keys, unreadable=unreadable, signed=signed)

    def _files(self, paths: set[str], signatures: dict[str, str]) -> dict[str, bytes | OSError]:
        """Return the hash of each file, or what kept it from being read; note what each looked like before."""
        digests: dict[str, bytes | OSError] = {}
        for path in paths:
            try:
                signatures[path] = signature(path)
            except OSError as error:
                digests[path] = error
        if self._cache and signatures:
            digests.update(self._cache.known_files(signatures))
        fresh = []
        for path in sorted(signatures.keys() - digests.keys()):
            try:
                digests[path] = digest = bytes.fromhex(hash_file(path))
            except OSError as error:
                digests[path] = error
                continue
            if settled(path, signatures[path]):
                fresh.append((path, signatures[path], digest))
        if self._cache:
            self._cache.remember_files(fresh)
        return digests


def signature(path: str | os.PathLike[str]) -> str:
    """Return what changes when a file is replaced or written: inode, size, and both times."""
    stat = os.stat(path)  # noqa: PTH116 - a str, many times
    return f"{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"


def settled(path: str, signed: str) -> bool:
    """Return whether a file is as it was and old enough that a later change must show in its times."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - a str, many times
        return signature(path) == signed and time.time() - max(stat.st_mtime, stat.st_ctime) > RACY_SECONDS
    except OSError:
        return False


def _why(error: OSError) -> str:
    """Return the reason alone, lower case."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
