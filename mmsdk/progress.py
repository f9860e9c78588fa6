"""What long work says on stderr while it runs: bars on a terminal, one-line notes, nothing when asked to be quiet."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_quiet = False


class Progress(Protocol):
    """A bar: ``update(n)`` when n more are done."""

    def update(self, n: float = 1) -> object:
        """Move the bar on by ``n``."""
        ...


class _Silent:
    """The bar nobody sees."""

    def update(self, n: float = 1) -> None:
        """Do nothing."""


def configure(*, quiet: bool) -> None:
    """Set for the whole process whether bars and notes are shown."""
    global _quiet  # noqa: PLW0603 - the process has one stderr
    _quiet = quiet


def is_quiet() -> bool:
    """Return what :func:`configure` was told last; not quiet at the start."""
    return _quiet


@contextlib.contextmanager
def progress(total: float | None, label: str, quiet: bool = False, *, unit: str = "it") -> Iterator[Progress]:
    """Yield a bar on stderr; a silent one when stderr is no terminal, or ``quiet``, or the process is quiet.

    :param total: how many there are, ``None`` when nobody knows.
    :param label: what is being done: ``"embedding photo"``.
    :param unit: what one step is: ``"row"``.
    """
    if quiet or _quiet or not sys.stderr.isatty():
        yield _Silent()
        return
    from tqdm import tqdm  # costs 30 ms, and most commands show no bar

    with tqdm(total=total, desc=label, unit=unit, leave=False, dynamic_ncols=True, file=sys.stderr) as bar:
        yield bar


def note(text: str, quiet: bool = False) -> None:
    """Write one line on stderr, whether or not it is a terminal; nothing when ``quiet``, or under ``--quiet``."""
    if not (quiet or _quiet):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return seconds as ``0.3 s``, ``45 s``, ``12 min`` or ``3 h 20 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
