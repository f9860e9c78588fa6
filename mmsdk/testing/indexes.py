# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every index type promises: the nearest keys, filters, removal, and files that read back.

An index is made as ``target(dim, count)``, ``count`` being about how many vectors it will hold.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.testing.checks import Skip, bind, expect
from mmsdk.testing.encoders import in_threads
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from mmsdk.specs import IndexSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

COUNT, DIM, K, FEW = 1_500, 16, 10, 20
RECALL = 0.7
METHODS = ("train", "add", "remove", "search", "save", "load")


class IndexSubject(Subject):
    """An index type under test, and unit vectors in clusters to fill it with."""

    @functools.cached_property
    def vectors(self) -> np.ndarray:
        """Return ``(COUNT, DIM)`` float32 unit vectors around 30 centres."""
        import numpy as np

        generator = np.random.default_rng(4)
        centres = generator.normal(size=(30, DIM))
        points = centres[generator.integers(0, 30, COUNT)] + 0.6 * generator.normal(size=(COUNT, DIM))
        unit: np.ndarray = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
        return unit

    @functools.cached_property
    def keys(self) -> np.ndarray:
        """Return ``(COUNT,)`` int64 keys that are no row numbers."""
        import numpy as np

        return np.arange(COUNT, dtype=np.int64) * 7 + 5_000_000_000

    def filled(self) -> Any:
        """Return a new index of all vectors, added in two batches."""
        index = self.target(DIM, COUNT)
        index.train(self.vectors)
        half = COUNT // 2
        index.add(self.keys[:half], self.vectors[:half])
        index.add(self.keys[half:], self.vectors[half:])
        return index

    @functools.cached_property
    def index(self) -> Any:
        """Return the filled index that checks only read."""
        return self.filled()


def index_checks(spec: IndexSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one index type."""
    functions = [
        check_target_resolves,
        check_import_is_offline,
        check_answers_the_right_shape,
        check_best_come_first,
        check_finds_the_nearest,
        check_fewer_than_k,
        check_few_vectors,
        check_only_allowed_keys,
        check_removed_keys_are_gone,
        check_file_round_trips,
        check_searches_in_threads,
    ]
    yield from bind(f"index {spec.name}", IndexSubject(spec, probe), functions)


def check_target_resolves(subject: IndexSubject) -> None:
    """The target has the members of an index."""
    asked = [name for name in METHODS if name != "remove" or subject.spec.removable]
    missing = [name for name in asked if not callable(getattr(subject.target, name, None))]
    expect(not missing, f"{subject.spec.target} has no method {', '.join(missing)}")


def check_answers_the_right_shape(subject: IndexSubject) -> None:
    """Scores ``(n, k)`` floating, keys ``(n, k)`` int64, and keys that were added."""
    import numpy as np

    for count in (1, 5):
        scores, keys = subject.index.search(subject.vectors[:count], K)
        expect(scores.shape == keys.shape == (count, K), f"answers are {scores.shape} and {keys.shape}")
        expect(keys.dtype == np.int64, f"keys are {keys.dtype}, expected int64")
        expect(np.issubdtype(scores.dtype, np.floating), f"scores are {scores.dtype}, expected floating")
        expect(bool(np.isin(keys, subject.keys).all()), "keys come back that nobody added")


def check_best_come_first(subject: IndexSubject) -> None:
    """Higher scores are nearer, and the nearest come first; no key comes twice."""
    import numpy as np

    scores, keys = subject.index.search(subject.vectors[:50], K)
    expect(bool((np.diff(scores, axis=1) <= 1e-5).all()), "scores do not descend")
    expect(all(len(set(row)) == K for row in keys.tolist()), "a key comes twice in one answer")


def check_finds_the_nearest(subject: IndexSubject) -> None:
    """Of the ten nearest by inner product, it finds most; a vector finds itself."""
    import numpy as np

    queries = subject.vectors[::30]
    truth = subject.keys[np.argsort(-(queries @ subject.vectors.T), axis=1)[:, :K]]
    _, keys = subject.index.search(queries, K)
    recall = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(truth.tolist(), keys.tolist(), strict=True)]))
    expect(recall >= RECALL, f"recall of the {K} nearest is {recall:.2f}, expected {RECALL} or more")


def check_fewer_than_k(subject: IndexSubject) -> None:
    """Where there are fewer than k, the places left have key -1, and come last."""
    index = subject.target(DIM, COUNT)
    index.train(subject.vectors)
    index.add(subject.keys[:3], subject.vectors[:3])
    _, keys = index.search(subject.vectors[:1], 5)
    expect(keys.shape == (1, 5), f"keys are {keys.shape}, expected (1, 5)")
    found = [key for key in keys[0].tolist() if key != -1]
    expect(set(found) <= set(subject.keys[:3].tolist()), f"keys {keys[0].tolist()} hold some that nobody added")
    expect(keys[0].tolist() == found + [-1] * (5 - len(found)), f"keys {keys[0].tolist()} do not end in -1")
    expect(len(found) >= 1, "finds none of the three vectors it holds")


def check_few_vectors(subject: IndexSubject) -> None:
    """Twenty vectors are enough to train on, and each is found."""
    keys, vectors = subject.keys[:FEW], subject.vectors[:FEW]
    index = subject.target(DIM, FEW)
    index.train(vectors)
    index.add(keys, vectors)
    _, found = index.search(vectors, 1)
    expect(float((found[:, 0] == keys).mean()) > RECALL, f"of {FEW} vectors most are not found")


def check_only_allowed_keys(subject: IndexSubject) -> None:
    """With ``allowed``, only those keys come back; with none allowed, none."""
    import numpy as np

    allowed = subject.keys[::10]
    _, keys = subject.index.search(subject.vectors[:20], K, allowed)
    expect(bool(np.isin(keys[keys != -1], allowed).all()), "keys come back that are not allowed")
    expect(bool((keys[:, 0] != -1).all()), "nothing is found among the allowed keys")
    _, keys = subject.index.search(subject.vectors[:2], K, allowed[:0])
    expect(bool((keys == -1).all()), "keys come back though none is allowed")


def check_removed_keys_are_gone(subject: IndexSubject) -> None:
    """Removed keys are found no more, and the others still are."""
    import numpy as np

    if not subject.spec.removable:
        raise Skip("removable=False: the store keeps tombstones and compacts")
    index, gone = subject.filled(), subject.keys[::2]
    index.remove(gone)
    _, keys = index.search(subject.vectors[:50], K)
    expect(not np.isin(keys, gone).any(), "removed keys come back")
    expect(bool((keys[1::2, 0] == subject.keys[1:50:2]).mean() > RECALL), "what was kept is found no more")


def check_file_round_trips(subject: IndexSubject) -> None:
    """What ``save`` wrote, ``load`` reads, mapped or not, and then answers the same."""
    import numpy as np

    scores, keys = subject.index.search(subject.vectors[:20], K)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index"
        subject.index.save(file)
        expect(file.is_file(), "save(path) writes no file at path")
        for mmap in (False, True):
            other = subject.target(DIM, COUNT)
            other.load(file, mmap=mmap)
            again, same_keys = other.search(subject.vectors[:20], K)
            expect(np.array_equal(keys, same_keys), f"keys differ after load(mmap={mmap})")
            expect(np.allclose(scores, again, atol=1e-5), f"scores differ after load(mmap={mmap})")
            del other


def check_searches_in_threads(subject: IndexSubject) -> None:
    """Several threads search one index at once and get the same."""
    import numpy as np

    _, expected = subject.index.search(subject.vectors[:50], K)
    for _, keys in in_threads(lambda: subject.index.search(subject.vectors[:50], K)):
        expect(np.array_equal(keys, expected), "threads that search at once get other answers")
