"""Cells that name a file: resolved, kept inside the data folder, measured - before anything opens them."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmsdk.protocols import Media

MAX_BYTES = 256 << 20
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
# protocols that open no local file, whatever stands behind the colon
REMOTE = frozenset(
    {"http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "ftp", "sftp", "ssh", "hdfs", "hf"}
    | {"webhdfs", "memory"}
)
# what lets such cells pass, on the command line and in Python
_TAKEN_BY = "load, fit, worth, cross_validate and transcribe"
SKIP_BAD_ROWS = f'--on-bad-row skip (in Python on_bad_row="skip" of {_TAKEN_BY})'
ALLOW_OUTSIDE = f"--allow-outside (in Python allow_outside=True of {_TAKEN_BY})"
ALLOW_REMOTE = f"--allow-remote (in Python allow_remote=True of {_TAKEN_BY})"
OUTSIDE = f"lies outside the data folder; move it there, or allow it with {ALLOW_OUTSIDE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is allowed, and what becomes of a bad row.

    :param on_bad_row: ``"error"`` names every bad row and stops; ``"skip"`` takes a bad cell as missing, leaves a row
        out where it needs an id of its own and has none, and says both.
    :param allow_outside: paths may leave the data folder.
    :param allow_remote: cells may be addresses such as ``https://`` and ``s3://``.
    :param max_bytes: the largest file that is opened.
    """

    on_bad_row: Literal["error", "skip"] = "error"
    allow_outside: bool = False
    allow_remote: bool = False
    max_bytes: int = MAX_BYTES


def resolve_media(
    cell: Any,
    *,
    root: Path | None = None,
    allow_outside: bool = False,
    allow_remote: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Media:
    """Return the file that a cell names, checked.

    :param cell: a path, a ``data:`` or ``file://`` URL, an fsspec address, bytes, or a Hugging Face ``{bytes, path}``.
    :param root: the folder paths start from and may not leave, through ``..`` or a link; ``None``: the working
        directory.
    :raises ValueError: it cannot be used; the message is the reason alone.
    """
    policy = Policy(allow_outside=allow_outside, allow_remote=allow_remote, max_bytes=max_bytes)
    return Resolver(root, policy).resolve(cell)


class Resolver:
    """Resolves the cells of one table; each folder is looked up once. Safe for threads."""

    def __init__(self, root: Path | None, policy: Policy) -> None:
        """Note the folder, links in its own path resolved."""
        self.policy = policy
        self.root = os.path.realpath(root if root is not None else Path.cwd())
        self._folders: dict[str, str] = {}
        self._lock = threading.Lock()

    def resolve(self, cell: Any, *, fetch: bool = True) -> Media:
        """Return the file a cell names.

        :param fetch: read a remote file's bytes too; without, only its address is checked.
        :raises ValueError: it cannot be used.
        """
        if isinstance(cell, bytes):
            return self._bytes(cell, f"{len(cell)} bytes")
        if isinstance(cell, Mapping) and {"bytes", "path"} & set(cell):
            held = cell.get("bytes")
            return (
                self._bytes(held, str(cell.get("path") or "bytes"))
                if held is not None
                else self.resolve(cell.get("path"))
            )
        if not isinstance(cell, str):
            raise ValueError(  # noqa: TRY004 - the reason of a cell is a ValueError
                f"is no path but {type(cell).__name__}; give the path or the bytes of a file (what is decoded already "
                "goes to predict_samples)"
            )
        if cell[:5].lower() == "data:":
            return self._bytes(_data_url(cell, self.policy.max_bytes), _short(cell))
        scheme = SCHEME.match(cell)
        if scheme is None:
            return self._local(cell, cell)
        if scheme[1].lower() == "file":
            return self._local(_file_url(cell), cell)
        return self._remote(cell, scheme[1].lower(), fetch=fetch)

    def _bytes(self, data: bytes, name: str) -> Media:
        """Return bytes that the table itself holds."""
        if not data:
            raise ValueError("is empty")
        if len(data) > self.policy.max_bytes:
            raise ValueError(_too_large(len(data), self.policy.max_bytes))
        return Media(name=name, data=data)

    def _local(self, name: str, cell: str) -> Media:
        """Return a file on this machine."""
        if "\0" in name:
            raise ValueError("holds a NUL character, which no path does")
        path = os.path.join(self.root, name)  # noqa: PTH118 - a Path a cell costs more than the check itself
        try:
            real = self._real(path)
            if not self.policy.allow_outside and not self._inside(real):
                raise ValueError(OUTSIDE)
            self._measure(os.stat(real), name)  # noqa: PTH116
        except OSError as error:
            raise ValueError(_why(error, name)) from None
        if not os.access(real, os.R_OK):
            raise ValueError("cannot be read: permission denied")
        return Media(name=cell, path=Path(real))

    def _real(self, path: str) -> str:
        """Return the path with every link resolved; the folder's part is remembered."""
        folder, name = os.path.split(path)
        if name in {"", ".", ".."}:
            return os.path.realpath(path)
        with self._lock:
            known = self._folders.get(folder)
            if known is None:
                known = self._folders[folder] = os.path.realpath(folder)
        joined = os.path.join(known, name)  # noqa: PTH118
        return os.path.realpath(joined) if os.path.islink(joined) else joined  # noqa: PTH114

    def _inside(self, real: str) -> bool:
        """Return whether a resolved path lies in the data folder."""
        return real == self.root or real.startswith(self.root.rstrip(os.sep) + os.sep)

    def _measure(self, found: os.stat_result, name: str) -> None:
        """Refuse what is no file, or no usable one."""
        if stat.S_ISDIR(found.st_mode):
            raise ValueError("is a folder, expected a file")
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{name!r} is no regular file")
        if found.st_size == 0:
            raise ValueError("is an empty file")
        if found.st_size > self.policy.max_bytes:
            raise ValueError(_too_large(found.st_size, self.policy.max_bytes))

    def _remote(self, address: str, scheme: str, *, fetch: bool) -> Media:
        """Return a file of another machine, read whole into memory."""
        if scheme not in REMOTE or "::" in address:
            raise ValueError(f"begins with {scheme}://, which is not an address that can be read")
        if not self.policy.allow_remote:
            raise ValueError(f"is a remote address; allow it with {ALLOW_REMOTE}")
        return Media(name=address, data=_fetch(address, self.policy.max_bytes) if fetch else None)


def _fetch(address: str, max_bytes: int) -> bytes:
    """Read a remote file, at most the limit and one byte."""
    try:
        import fsspec
    except ImportError:
        raise ValueError("is a remote address, which needs fsspec: pip install 'mmsdk[remote]'") from None
    try:
        with fsspec.open(address, "rb") as stream:
            data: bytes = stream.read(max_bytes + 1)
    except Exception as error:
        raise ValueError(f"cannot be fetched: {type(error).__name__}: {error}") from None
    if not data:
        raise ValueError("is empty")
    if len(data) > max_bytes:
        raise ValueError(_too_large(len(data), max_bytes))
    return data


def _data_url(cell: str, max_bytes: int) -> bytes:
    """Return the bytes of a ``data:`` URL."""
    head, comma, body = cell.partition(",")
    if not comma:
        raise ValueError("is a data: URL without its comma")
    if len(body) > max_bytes * 3:
        raise ValueError(_too_large(len(body), max_bytes))
    raw = urllib.parse.unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return raw
    try:
        return base64.b64decode(re.sub(rb"\s", b"", raw), validate=True)
    except binascii.Error as error:
        raise ValueError(f"is a data: URL whose base64 is broken: {str(error).lower()}") from None


def _file_url(cell: str) -> str:
    """Return the path of a ``file://`` URL."""
    parts = urllib.parse.urlsplit(cell)
    if parts.netloc not in {"", "localhost"}:
        raise ValueError(f"names a file of another machine ({parts.netloc})")
    return urllib.parse.unquote(cell.partition("://")[2].removeprefix(parts.netloc))


def _why(error: OSError, name: str) -> str:
    """Return an operating system's reason in words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "does not exist" + ("; write folders with '/', not '\\'" if "\\" in name else "")
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _too_large(size: int, limit: int) -> str:
    """Return the reason for a file over the limit."""
    return f"is larger than the limit: {size:,} of {limit:,} bytes"


def _short(cell: str) -> str:
    """Return the head of a ``data:`` URL, for messages."""
    return cell if len(cell) <= 60 else cell[:57] + "..."
