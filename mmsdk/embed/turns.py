"""One process at a time encodes for one encoder, so that two fits over the same rows encode each of them once."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FOLDER = "turns"


@contextlib.contextmanager
def turn(folder: Path | None, names: Iterable[str], waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the turns of some names within the block; wait while another process or thread holds one.

    A turn ends with its process, however that ends. Where the system has no ``flock`` (Windows), or the folder takes
    no lock, nobody waits: then two processes may encode the same row, and the cache keeps one of the answers.

    :param folder: of the cache; without one nobody waits.
    :param names: fit for file names; taken in one order, so that nobody waits in a circle.
    :param waiting: called before waiting for somebody.
    """
    with contextlib.ExitStack() as stack:
        paths = [folder / FOLDER / name for name in sorted(set(names))] if folder is not None else []
        for path in paths:
            handle = _locked(path, waiting)
            if handle is not None:
                stack.callback(os.close, handle)  # which unlocks
        yield


def _locked(path: Path, waiting: Callable[[], None]) -> int | None:
    """Return an open file that is locked, ``None`` where that cannot be had."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    except BaseException:  # Ctrl-C while waiting
        os.close(handle)
        raise
    return handle
