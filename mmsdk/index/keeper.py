"""Keeping a store's snapshot in step with it: opening, refreshing, writing anew, packing."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mmsdk.errors import MmsdkError, StoreError
from mmsdk.index import snapshot as snapshots
from mmsdk.index.choose import Choice, choose
from mmsdk.index.snapshot import Snapshot
from mmsdk.index.store import Moved, Store, StoreState
from mmsdk.index.view import Names, View
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmsdk.protocols import VectorIndex

# The tail is searched exactly beside the snapshot; at these sizes that begins to be felt.
TAIL_ROWS = 20_000
TAIL_SHARE = 0.1
GONE_ROWS = 10_000
WASTED_SHARE = 0.5
RETRIES = 5
T = TypeVar("T")


class Keeper:
    """Hands out the newest :class:`View` of a store, and writes its snapshot when that pays."""

    def __init__(self, store: Store, *, mmap: bool) -> None:
        """Open nothing yet."""
        self.store = store
        self.lost = ""
        self._mmap = mmap
        self._refreshing = threading.Lock()
        self._saving = threading.Lock()
        self._seen: View | None = None

    def open(self) -> None:
        """Look at the store for the first time, and build a snapshot that is lost."""
        self.view()
        if self.lost:
            note(f"index {self.store.folder}: {self.lost}; building the snapshot again")
        self.save_where_due()

    def save(self) -> None:
        """Write the snapshot now, if it is behind."""
        with self._saving:
            self._save(self.view())

    def compact(self) -> None:
        """Pack the store, then write the snapshot."""
        with self._saving:
            self.pack()
            self._save(self.view())

    def close(self) -> None:
        """Let go of the files."""
        self._seen = None
        self.store.close()

    def steady(self, work: Callable[[View], T]) -> T:
        """Run on one state of the store, and again where another process compacted it meanwhile."""
        for _ in range(RETRIES):
            try:
                return work(self.view())
            except Moved:
                continue
        raise StoreError(f"{self.store.folder}: compacted {RETRIES} times during one search; try again")

    def view(self) -> View:
        """Return the newest state, reading only what changed since the last look."""
        seen = self._seen
        if seen is not None and seen.state.seq == self.store.seq():
            return seen
        with self._refreshing:
            return self._reload()

    def _reload(self) -> View:
        """Look at the store again; called with the lock held."""
        for _ in range(RETRIES):
            try:
                self._seen = view = self._looked(self._seen)
            except FileNotFoundError as error:  # another process compacted, or saved, between two looks
                missing = error
            else:
                return view
        raise StoreError(f"{missing.filename or missing}: missing; restore it from a backup, or build the index again")

    def _looked(self, seen: View | None) -> View:
        """Return the last view where nothing changed, the last carried on, or a new one."""
        state = self.store.state(-1 if seen is None else seen.state.seq)
        if seen is not None and seen.state.seq == state.seq:
            return seen
        return self._advanced(seen, state) or self._opened()

    def _advanced(self, seen: View | None, state: StoreState) -> View | None:
        """Return the last view carried on, or None where the files under it were exchanged."""
        if seen is None or seen.state.generation != state.generation or seen.state.snapshot != state.snapshot:
            return None
        alive = np.concatenate([seen.alive, np.ones(state.places - seen.state.places, bool)])
        alive[state.removed] = False
        return View(
            store=self.store, state=state, vectors=self.store.vectors(state), alive=alive,
            living=seen.living + state.places - seen.state.places - len(state.removed),
            gone=seen.gone + len(state.removed), snapshot=seen.snapshot, index=seen.index, names=seen.names,
        )  # fmt: skip

    def _opened(self) -> View:
        """Return a view made from the files alone."""
        state = self.store.state()
        vectors = self.store.vectors(state)
        found = Snapshot.restored(state.snapshot) if state.snapshot else None
        index: VectorIndex | None = None
        self.lost = ""
        if found is not None:
            try:
                index = snapshots.load(self.store.folder, found, vectors.shape[1], mmap=self._mmap)
            except Exception as error:  # a third-party type may raise anything; the store is whole
                if self.store.seq() != state.seq:
                    raise FileNotFoundError(self.store.folder / found.file) from error
                self.lost, found = str(error), None
        alive = np.ones(state.places, bool)
        alive[state.removed] = False
        seen = self._seen
        names = (
            seen.names if seen and seen.state.generation == state.generation else Names(self.store, state.generation)
        )
        covered, clean = (found.covered, found.clean) if found else (0, -1)
        return View(
            store=self.store, state=state, vectors=vectors, alive=alive, living=state.places - len(state.removed),
            gone=int(((state.removed >= covered) | (state.removed_at > clean)).sum()),
            snapshot=found, index=index, names=names,
        )  # fmt: skip

    def choice(self, view: View) -> Choice:
        """Return the type this many items deserve."""
        settings = self.store.settings
        return choose(settings.type, view.living, settings.dim)

    def _due(self, view: View) -> bool:
        """Say whether the tail, or what was removed, has grown enough to write the snapshot anew."""
        snapshot, choice = view.snapshot, self.choice(view)
        if self.lost or _wasteful(view):
            return True
        if snapshot is None:
            return choice.type != "flat" and view.tail > TAIL_ROWS
        if self.store.settings.type not in ("auto", snapshot.type):
            return True
        most_gone = max(GONE_ROWS, snapshots.GONE_SHARE * snapshot.count)
        return view.tail > max(TAIL_ROWS, TAIL_SHARE * snapshot.count) or view.gone > most_gone

    def save_where_due(self) -> None:
        """Write the snapshot anew, where due; where that fails searches are only slower, so it is only said."""
        if not self._due(self.view()) or not self._saving.acquire(blocking=False):
            return  # or another thread is at it
        try:
            if os.access(self.store.folder, os.W_OK):
                self._save(self.view())
        except (MmsdkError, OSError) as error:
            note(f"index {self.store.folder}: the snapshot was not written ({error}); searches are exact, and slower")
        finally:
            self._saving.release()

    def _save(self, view: View) -> None:
        """Write the snapshot this state deserves and make it the one in use; called with the lock held."""
        if _wasteful(view):
            self.pack()
            view = self.view()
        choice, old = self.choice(view), view.snapshot
        if old and old.type == choice.type and snapshots.is_current(old, view.tail, view.gone):
            return
        if choice.type == "flat":
            if view.state.snapshot:
                self._use(view, None)
            return
        folder, state, places = self.store.folder, view.state, view.places()
        if old and snapshots.carries_on(old, choice, view.living, view.gone):
            self._use(view, snapshots.carry_on(folder, old, choice, state, vectors=view.vectors, alive=places))
        else:
            self._use(view, snapshots.build(folder, choice, state, vectors=view.vectors, alive=places))

    def _use(self, view: View, new: Snapshot | None) -> None:
        """Name the new snapshot in the store, and delete the one it replaces."""
        folder = self.store.folder
        try:
            replaced = self.store.set_snapshot(view.state.generation, new.stored() if new else None)
        except StoreError:
            if new:
                (folder / new.file).unlink(missing_ok=True)
            raise
        if replaced:
            (folder / replaced).unlink(missing_ok=True)
        self.view()

    def pack(self) -> None:
        """Compact the store; a snapshot of the old keys is of no use after it."""
        self.store.compact()
        current = self.store.vector_file(self.view().state.generation)
        for pattern in ("snapshot-*", ".snapshot-*", "vectors-*.f32"):  # what a kill left behind goes too
            for stale in self.store.folder.glob(pattern):
                if stale != current:
                    with contextlib.suppress(OSError):
                        stale.unlink()


def _wasteful(view: View) -> bool:
    """Say whether more than half of the vector file is of removed items."""
    return view.state.places - view.living > max(TAIL_ROWS, WASTED_SHARE * view.state.places)
