"""Writing that is whole or absent, the hash of a file, and where the cache lies."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError, MmsdkError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

PARTIAL = ".partial"


class PlaceError(MmsdkError, OSError):
    """The folder that something is to be written into cannot be made."""


def check_output(path: str | os.PathLike[str], endings: Collection[str], *read: str | os.PathLike[str]) -> Path:
    """Return the file that ``--out`` names, or refuse it before any work is done.

    :param endings: what can be written, such as ``(".csv", ".json")``.
    :param read: the files that the answer is made from.
    :raises ConfigError: another ending, a place that cannot be written, or the very file that is read.
    """
    target = Path(path)
    if target.suffix not in endings:
        raise ConfigError(
            f"--out {target}: cannot write {target.suffix or 'no ending'!r}; expected {', '.join(endings)}"
        )
    if target.exists() and any(Path(one).exists() and target.samefile(one) for one in read):
        raise ConfigError(f"--out {target}: this is the file that is read, which would be lost; name another file")
    folder = next(one for one in target.absolute().parents if one.exists())
    if target.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"--out {target}: no file can be written there; name another place")
    return target


def json_text(document: Any, *, indent: int | None = 2) -> str:
    """Return a document as strict JSON, which any reader takes; NaN and infinities, which JSON lacks, as null."""
    return json.dumps(_strict(document), ensure_ascii=False, indent=indent, allow_nan=False)


def _strict(value: Any) -> Any:
    """Return values as JSON has them: mappings, lists, texts, numbers, null."""
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return _strict(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new name beside ``path``; what is written there becomes ``path`` when the block ends well.

    The file is flushed to the disk before it is renamed, so that a reader (or the next start after a power cut) finds
    the old file or the new one, never a torn one. The yielded name ends as ``path`` does, because many writers look at
    the ending. Missing parent folders are made. A block that raises leaves nothing behind.

    :param path: the file to write; a device such as ``/dev/stdout`` is yielded as it is.
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    _make_folder(target.parent)
    partial = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{PARTIAL}{target.suffix}")
    try:
        partial.touch()
        mode = partial.stat().st_mode
        partial.unlink()
        yield partial
        if partial.stat().st_mode != mode:  # safetensors writes for the owner alone, whatever the umask lets
            partial.chmod(mode)
        _flush(partial)
        partial.replace(target)
        _flush_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str], *, resume: bool = False) -> Iterator[Path]:
    """Yield a new folder beside ``path``; it becomes ``path``, replacing what was there, when the block ends well.

    :param path: the folder to make; missing parents are made.
    :param resume: the folder is ``<path>.partial``; it survives a block that raises (or a kill), and the next call
        yields it again with what it holds. Otherwise the name is random and a failure removes it.
    """
    target = Path(path)
    _make_folder(target.parent)
    partial = target.with_name(target.name + PARTIAL if resume else f".{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    partial.mkdir(exist_ok=resume)
    try:
        yield partial
    except BaseException:
        if not resume:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    for file in partial.rglob("*"):
        _flush_folder(file) if file.is_dir() else _flush(file)
    _flush_folder(partial)
    _swap(partial, target)


def hash_file(path: str | os.PathLike[str]) -> str:
    """Return the blake2b-256 of a file's bytes as 64 hex digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def weights_fingerprint(files: Iterable[Path], /, **facts: object) -> str:
    """Return the cache key of an encoder as 64 hex digits: its files, and all else that changes its vectors.

    :param files: weights, configuration, preprocessing; each counts with its name and bytes, in any order. A file is
        read once a process while its size and time stay the same; a file of the Hugging Face cache is named by the
        hash of its bytes and is not read at all.
    :param facts: what else changes the vectors, as JSON: the version of the encoder's code, pooling, lengths.
    """
    named = sorted((path.name, _content_hash(path)) for path in files)
    text = json.dumps({"files": named, "facts": facts}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def cache_home() -> Path:
    """Return the folder of every cache, not made here: ``MMSDK_CACHE_DIR``, else ours in the user's cache folder."""
    if chosen := os.environ.get("MMSDK_CACHE_DIR"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("mmsdk", appauthor=False)


def models_home() -> Path:
    """Return the folder of pulled models, not made here: ``MMSDK_MODELS_DIR``, else ``models`` in :func:`cache_home`.

    A folder in it that is named as an encoder, or as a hub id with ``--`` for ``/``, is used in place of the hub.
    """
    if chosen := os.environ.get("MMSDK_MODELS_DIR"):
        return Path(chosen).expanduser()
    return cache_home() / "models"


def _make_folder(path: Path) -> None:
    """Make a folder and its parents.

    :raises PlaceError: there can be none: a parent is a file, or nothing may be made there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(
            f"the folder {path} cannot be made: {error.strerror}; choose another place to write"
        ) from error


def _content_hash(path: Path) -> str:
    """Return the hash of a file's bytes, from its blob name in the Hugging Face cache where it has one."""
    real = path.resolve()
    if real.parent.name == "blobs" and len(real.name) == 64:
        return real.name
    stat = real.stat()
    return _hash_once(real, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _hash_once(path: Path, size: int, mtime_ns: int) -> str:
    """Return the hash of a file that has not changed since it was last asked for."""
    return hash_file(path)


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; the old one is moved aside first, so that it is never half deleted."""
    old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
    replaces = target.exists()
    if replaces:
        target.replace(old)
    try:
        new.replace(target)
    except OSError:
        if replaces:
            old.replace(target)
        raise
    _flush_folder(target.parent)
    if replaces:
        shutil.rmtree(old) if old.is_dir() else old.unlink()


def _flush(path: Path) -> None:
    """Wait until the bytes of ``path`` are on the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    """Wait until the names in ``path`` are on the disk; Windows cannot open a folder and needs no such thing."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
