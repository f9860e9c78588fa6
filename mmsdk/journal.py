"""An append-only file of JSON lines, each holding the hash of the one before, so that a change is found out."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

START = "0" * 64
CHUNK, MOST_LINE = 1 << 16, 1 << 24
KEY = ".key"


class Journal:
    """A log that is only ever added to. Several processes may add to one; each waits for its turn.

    A line is one JSON object: ``n`` (its number, from 0), ``time`` (UTC), ``prev`` (SHA-256 of the line before, without
    its end), and what it says. ``append`` returns when the lines are on the disk. A line that a kill cut short stays as
    it is: the next one says so (``torn``, the hash of the fragment) and takes its number. Whoever can write the file
    can write it anew from any line on; keep the head (the hash of the last line) somewhere else, and :func:`verify`
    against it.

    :param path: of the log; beside it lies ``<path>.key``, a secret by which values are hashed (see :meth:`hashed`).
    :raises DataError: the system cannot lock files, or the key of a log that has lines is gone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._secret = self._key()

    def append(self, entries: Sequence[Mapping[str, Any]]) -> str:
        """Add entries, all or (after a kill) the first of them; return the hash of the last line.

        :param entries: JSON values; ``n``, ``time``, ``prev`` and ``torn`` are the journal's own keys.
        """
        with self._locked() as handle:
            number, head, fragment = _end(handle)
            time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines = [b""] if fragment else []
            torn = [{"torn": hashlib.sha256(fragment).hexdigest()}] if fragment else []
            for entry in (*torn, *entries):
                line = _line({"n": number, "time": time, "prev": head, **entry})
                head, number = hashlib.sha256(line).hexdigest(), number + 1
                lines.append(line)
            _write(handle, b"".join(line + b"\n" for line in lines))
            os.fsync(handle)
        return head

    def hashed(self, data: bytes) -> str:
        """Return the HMAC-SHA-256 of a value by the key of this log: nobody without the key can try out values.

        An age or a sex has few values, whose plain hash anybody could look up.
        """
        return hmac.new(self._secret, data, hashlib.sha256).hexdigest()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Yield the file, opened to read and to append, while nobody else has it."""
        try:
            import fcntl
        except ImportError:
            raise DataError(f"{self.path}: this system cannot lock files, which a log needs") from None
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)  # which unlocks

    def _key(self) -> bytes:
        """Return the secret of the log, made with it."""
        path = self.path.with_name(self.path.name + KEY)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as handle:
            if not path.exists():
                if os.fstat(handle).st_size:
                    raise DataError(f"{self.path} has lines and {path.name} is gone, by which its values are hashed")
                made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(made, "w", encoding="ascii") as stream:
                    stream.write(secrets.token_hex(32))
                    stream.flush()
                    os.fsync(stream.fileno())
        try:
            found = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except ValueError:
            found = b""
        if len(found) != 32:
            raise DataError(f"{path} is no key of a log: expected 64 hex digits")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check of a journal found.

    :param lines: whole lines that follow one another.
    :param head: the hash of the last of them.
    :param problem: the first place where the log was changed, in words; empty where it is whole.
    :param torn: bytes at the end that a kill left; they were never acknowledged.
    """

    lines: int
    head: str
    problem: str = ""
    torn: int = 0

    @property
    def whole(self) -> bool:
        """Return whether nothing was changed."""
        return not self.problem


def verify_journal(path: str | os.PathLike[str], *, head: str | None = None) -> Checked:
    """Follow a journal from its first line to its last.

    :param head: a hash that was the head once and was kept elsewhere: it must still be among the lines, so that an end
        that was cut off or written anew is found out too.
    :raises DataError: the file cannot be read.
    """
    number, last, seen, void = 0, START, {START}, False
    place = 0
    for place, (line, ended, after) in enumerate(_lines(Path(path)), 1):
        if not ended:
            return _checked(number, last, seen, head, torn=len(line))
        if _entry(after).get("torn") == hashlib.sha256(line).hexdigest():
            void = True  # what a kill left, as the next line says
            continue
        entry = _entry(line)
        follows = entry.get("n") == number and entry.get("prev") == last and ("torn" in entry) == void
        if not follows:
            problem = f"line {place} does not follow the one before it: one of them was changed, or lines are missing"
            return _checked(number, last, seen, None, problem)
        last, number, void = hashlib.sha256(line).hexdigest(), number + 1, False
        seen.add(last)
    return _checked(number, last, seen, head)


def _checked(lines: int, last: str, seen: set[str], head: str | None, problem: str = "", torn: int = 0) -> Checked:
    """Return what was found; a head that is not among the lines is a problem."""
    if head is not None and head not in seen:
        problem = f"no line has the hash {head[:12]}...: the end was cut off or written anew"
    return Checked(lines=lines, head=last, problem=problem, torn=torn)


def _lines(path: Path) -> Iterator[tuple[bytes, bool, bytes]]:
    """Yield each line without its end, whether it had one, and the line after it.

    :raises DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            line = stream.readline(MOST_LINE)
            while line:
                after = stream.readline(MOST_LINE)
                yield line.rstrip(b"\n"), line.endswith(b"\n"), after.rstrip(b"\n")
                line = after
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _entry(line: bytes) -> dict[str, Any]:
    """Return a line as the JSON object it is; nothing where it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(entry: Mapping[str, Any]) -> bytes:
    """Return an entry as a line."""
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _end(handle: int) -> tuple[int, str, bytes]:
    """Return the number that comes next, the head, and what a kill left after the last whole line.

    :raises DataError: the last line is no line of a journal.
    """
    tail = _tail(handle)
    whole, _, fragment = tail.rpartition(b"\n")
    line = whole.rpartition(b"\n")[2]
    if not line:
        return 0, START, fragment
    entry = _entry(line)
    if not isinstance(entry.get("n"), int) or "prev" not in entry:
        raise DataError("the last line of the log is none of its own: it was changed; begin another log")
    return entry["n"] + 1, hashlib.sha256(line).hexdigest(), fragment


def _tail(handle: int) -> bytes:
    """Return the end of a file: its last whole line, with the end of the one before, and what follows it."""
    size = os.lseek(handle, 0, os.SEEK_END)
    tail = b""
    while size and tail.rpartition(b"\n")[0].count(b"\n") < 1 and len(tail) < 2 * MOST_LINE:
        step = min(CHUNK, size)
        size -= step
        tail = os.pread(handle, step, size) + tail
    return tail


def _write(handle: int, data: bytes) -> None:
    """Write all bytes."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
