"""What a pulled folder must hold: the list of its files that ``mmsdk encoders pull`` wrote beside them."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from mmsdk import EncoderError, hash_file

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "mmsdk-model.json"  # {"files": {name: {"hash": <hash_file>, "size": bytes}}, "repo": ..., "revision": ...}


def verify(name: str, folder: Path) -> None:
    """Refuse a folder whose files are not those that its list names; one without a list is taken as it is.

    :raises EncoderError: a file is absent, longer, shorter or other than the list says, or the list cannot be read.
    """
    listed = folder / MANIFEST
    if not listed.is_file():
        return
    for file, facts in _files(name, listed).items():
        _verify(name, folder, file, facts)


def _verify(name: str, folder: Path, file: str, facts: Any) -> None:
    """Refuse one file."""
    path = folder / file
    again = f"fetch the model again with `mmsdk encoders pull`, or delete {MANIFEST} if you changed it yourself"
    if not isinstance(facts, dict) or not isinstance(facts.get("hash"), str):
        raise EncoderError(f"{name}: {folder / MANIFEST} names no hash of {file}; {again}")
    if ".." in path.parts or not path.is_relative_to(folder) or not path.is_file():
        raise EncoderError(f"{name}: {path} is listed in {MANIFEST} and is not there; {again}")
    stat = path.stat()
    if facts.get("size", stat.st_size) != stat.st_size:
        raise EncoderError(f"{name}: {path} holds {stat.st_size:,} bytes, expected {facts['size']:,}; {again}")
    found = _hash_once(path, stat.st_size, stat.st_mtime_ns)
    if found != facts["hash"]:
        raise EncoderError(f"{name}: {path} has the hash {found}, expected {facts['hash']}; {again}")


def _files(name: str, listed: Path) -> dict[str, Any]:
    """Return file -> what the list says of it."""
    try:
        files = json.loads(listed.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{name}: {listed} cannot be read ({type(error).__name__}: {error})") from error
    if not isinstance(files, dict):
        raise EncoderError(f"{name}: {listed} cannot be read (files is no object)")
    return files


@functools.lru_cache(maxsize=4096)
def _hash_once(path: Path, size: int, mtime_ns: int) -> str:
    """Return the hash of a file that has not changed since it was last asked for."""
    return hash_file(path)
