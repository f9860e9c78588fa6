"""The rankers of a run: the fitted one, and those that learned from later interactions; a reader sees the latest."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from typing import IO, TYPE_CHECKING

from mmsdk.app.directory import write_json
from mmsdk.errors import RunError
from mmsdk.files import PlaceError, atomic_folder, atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mmsdk.tasks.ranking import Ranker

LEARNED, LATEST, RANKER, STATE, ITEMS, LOCK = (
    "learned",
    "latest.json",
    "ranker.safetensors",
    "ranker.json",
    "items",
    "lock",
)


class Generations:
    """Generation 0 is the fitted ranker with ``index/items``; ``learned/N`` holds what came of it. Thread-safe.

    A generation is written whole before ``latest.json`` names it, so that a kill at any moment leaves the one before;
    another process finds the new one at its next question. The one before is kept for those who are still reading it.

    :param folder: the run directory; :param first: where the item vectors of the fit lie.
    :param fitted_ids: asked for the ids of the fitted catalogue, in its order, when they are needed.
    """

    def __init__(self, folder: Path, fitted: Ranker, first: Path, fitted_ids: Callable[[], Sequence[str]]) -> None:
        self.folder = folder / LEARNED
        self.fitted = fitted
        self._first = first
        self._fitted_ids = fitted_ids
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._number = 0
        self._ranker = fitted
        self._ids: Sequence[str] | None = None
        self._events = 0

    def latest(self) -> tuple[int, Ranker]:
        """Return the number of the latest generation, and its ranker."""
        with self._lock:
            stamp = self._stamp_now()
            if stamp != self._stamp:
                self._read()
                self._stamp = stamp
            return self._number, self._ranker

    def ids(self) -> Sequence[str]:
        """Return the ids of the catalogue of the latest generation, in its order."""
        self.latest()
        if self._ids is None:
            self._ids = self._fitted_ids()
        return self._ids

    def events(self) -> int:
        """Return how many later events the latest generation learned from."""
        self.latest()
        return self._events

    def items(self, number: int) -> Path:
        """Return where the item vectors of a generation lie."""
        return self._first if number == 0 else self.folder / str(number) / ITEMS

    def publish(self, ranker: Ranker, ids: Sequence[str], events: int, fill: Callable[[Path, int], None]) -> int:
        """Write the next generation, and name it the latest; return its number.

        :param events: how many later events it learned from.
        :param fill: called with the folder and the number to write the item vectors of.
        """
        from safetensors.numpy import save_file

        number = self.latest()[0] + 1
        shutil.rmtree(self.folder / str(number), ignore_errors=True)  # of a kill before it was named
        with atomic_folder(self.folder / str(number)) as partial:
            with atomic_write(partial / RANKER) as path:
                save_file(ranker.arrays(), path)
            write_json(partial / STATE, {"state": ranker.state(), "ids": list(ids), "events": events})
            fill(partial / ITEMS, number)
        write_json(self.folder / LATEST, {"generation": number})
        shutil.rmtree(self.folder / str(number - 2), ignore_errors=True)
        return number

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the right to publish; other processes wait.

        :raises PlaceError: the run lies where nothing may be written.
        """
        with self._lock_file() as stream:
            if os.name != "nt":  # no flock there
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _lock_file(self) -> IO[str]:
        """Open the file that is held while publishing."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return (self.folder / LOCK).open("w")
        except OSError as error:
            raise PlaceError(
                f"{self.folder.parent} cannot be changed ({error.strerror}); copy the run to where it may be written"
            ) from error

    def _stamp_now(self) -> tuple[int, int] | None:
        """Return what tells one ``latest.json`` from the next; nothing where there is none."""
        try:
            found = os.stat(self.folder / LATEST)  # noqa: PTH116 - on the way of every question, and twice as fast
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def _read(self) -> None:
        """Read what ``latest.json`` names."""
        from safetensors.numpy import load_file

        from mmsdk.tasks.ranking import Ranker

        try:
            number = int(json.loads((self.folder / LATEST).read_text("utf-8"))["generation"])
            folder = self.folder / str(number)
            document = json.loads((folder / STATE).read_text("utf-8"))
            arrays = load_file(folder / RANKER)
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"{self.folder} is damaged ({error}); delete that folder to go back to what was fitted, and add the "
                "interactions again"
            ) from error
        self._number, self._ranker, self._ids = number, Ranker.load(arrays, document["state"]), document["ids"]
        self._events = document["events"]
