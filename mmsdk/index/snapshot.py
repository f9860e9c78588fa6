"""The disposable half of an index: a FAISS file that covers the store up to some place, built, carried on and read."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mmsdk.errors import StoreError
from mmsdk.files import atomic_write
from mmsdk.index.tune import tune
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmsdk.index.choose import Choice
    from mmsdk.index.exact import Floats, Keys
    from mmsdk.index.store import StoreState
    from mmsdk.protocols import VectorIndex
    from mmsdk.specs import IndexSpec

BLOCK = 65_536
SAMPLE = 262_144
ENDS = 65_536
GONE_SHARE = 0.2
OUTGROWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store keeps about the file.

    :ivar covered: places from here on are not in it: the tail.
    :ivar clean: items removed after this change are still in it.
    :ivar count: vectors in it, the removed ones among them.
    :ivar trained: how many there were when it was last trained.
    :ivar ends: hash of its first and last 64 KiB, by which a torn or a foreign file is known.
    """

    file: str
    type: str
    why: str
    generation: int
    covered: int
    clean: int
    count: int
    trained: int
    bytes: int
    ends: str
    recall: float | None
    seconds: float

    def stored(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Snapshot:
        """Read what :meth:`stored` returned."""
        return cls(**values)


def load(folder: Path, snapshot: Snapshot, dim: int, *, mmap: bool) -> VectorIndex:
    """Open a snapshot's file.

    :raises StoreError: it is missing, torn, or not the one the store knows.
    """
    path = folder / snapshot.file
    if not path.is_file():
        raise StoreError(f"{path}: missing")
    if path.stat().st_size != snapshot.bytes or _ends(path) != snapshot.ends:
        raise StoreError(f"{path}: torn, or not the file that was saved")
    index = cast("VectorIndex", get_registry().get("index", snapshot.type).load()(dim, snapshot.count))
    index.load(path, mmap=mmap)
    return index


def build(folder: Path, choice: Choice, state: StoreState, *, vectors: Floats, alive: Keys) -> Snapshot:
    """Train a new index on a sample, add every living item, and write it.

    :param alive: the places of living items, ascending.
    """
    began = time.perf_counter()
    index = get_registry().get("index", choice.type).load()(vectors.shape[1], len(alive))
    sample = np.sort(np.random.default_rng(0).choice(alive, min(SAMPLE, len(alive)), replace=False))
    index.train(np.asarray(vectors[sample]))
    _add(index, vectors, alive)
    recall = tune(index, vectors, alive)
    return _written(
        folder, index, state, type=choice.type, why=choice.why, clean=state.seq, count=len(alive),
        trained=len(alive), recall=recall, seconds=time.perf_counter() - began,
    )  # fmt: skip


def is_current(snapshot: Snapshot, tail: int, gone: int) -> bool:
    """Say whether writing it anew would change nothing: what cannot be taken out stays in until much is gone."""
    return not tail and (not gone or (not _removable(snapshot.type) and gone <= GONE_SHARE * snapshot.count))


def carries_on(snapshot: Snapshot, choice: Choice, living: int, gone: int) -> bool:
    """Say whether the file can be brought up to date instead of being built anew."""
    removable = _removable(snapshot.type)
    return (
        snapshot.type == choice.type
        and living <= OUTGROWN * snapshot.trained
        and (removable or gone <= GONE_SHARE * snapshot.count)
    )


def carry_on(
    folder: Path, old: Snapshot, choice: Choice, state: StoreState, *, vectors: Floats, alive: Keys
) -> Snapshot:
    """Read the file, take out what was removed, add the tail, and write the next one."""
    began = time.perf_counter()
    index = load(folder, old, vectors.shape[1], mmap=False)
    inside = int(np.searchsorted(alive, old.covered))
    clean, count = old.clean, old.count
    if _removable(old.type):
        index.remove(np.setdiff1d(np.arange(old.covered), alive[:inside], assume_unique=True))
        clean, count = state.seq, inside
    _add(index, vectors, alive[inside:])
    return _written(
        folder, index, state, type=old.type, why=choice.why, clean=clean, count=count + len(alive) - inside,
        trained=old.trained, recall=old.recall, seconds=time.perf_counter() - began,
    )  # fmt: skip


def _removable(type_name: str) -> bool:
    """Say whether vectors can be taken out of an index of this type."""
    return cast("IndexSpec", get_registry().get("index", type_name).spec).removable


def _add(index: VectorIndex, vectors: Floats, places: Keys) -> None:
    """Add in blocks, so that memory holds one block beside the index."""
    for start in range(0, len(places), BLOCK):
        part = places[start : start + BLOCK]
        index.add(part, np.asarray(vectors[part]))


def _written(folder: Path, index: VectorIndex, state: StoreState, **facts: Any) -> Snapshot:
    """Write under a name nobody has used, whole or not at all."""
    name = f"snapshot-{state.places}-{secrets.token_hex(4)}.{facts['type'].rpartition('/')[2]}"
    try:
        with atomic_write(folder / name) as partial:
            index.save(partial)
    except OSError as error:
        raise StoreError(
            f"{folder}: the snapshot cannot be written ({error.strerror or error}); make room and save again"
        ) from error
    path = folder / name
    return Snapshot(
        file=name,
        bytes=path.stat().st_size,
        ends=_ends(path),
        generation=state.generation,
        covered=state.places,
        **facts,
    )


def _ends(path: Path) -> str:
    """Hash the two ends of a file; all of a gigabyte would take longer than opening may."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        digest.update(stream.read(ENDS))
        stream.seek(max(path.stat().st_size - ENDS, 0))
        digest.update(stream.read(ENDS))
    return digest.hexdigest()
