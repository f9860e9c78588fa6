"""What items are: centred unit vectors of each input, and which items lie near which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

NEIGHBOURS = 20
EXACT_UP_TO = 50_000  # items; inverted lists above
CHUNK = 1024  # queries compared at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One input of all items.

    :param mean: float32 ``(d,)``.
    :param vectors: float32 ``(n, d)``: centred, of length 1, rounded to half precision, as they are saved; 0 if absent.
    :param present: bool ``(n,)``.
    :param near: int64 ``(n, k)``: the nearest present items, itself among them; ``cosine``: float32 ``(n, k)``.
    :param spread: mean distance ``1 - cosine`` to the ``k``-th neighbour: the unit of the temperature.
    """

    mean: np.ndarray
    vectors: np.ndarray
    present: np.ndarray
    near: np.ndarray
    cosine: np.ndarray
    spread: float

    def place(self, values: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Return encoder vectors ``(m, d)`` of anything as vectors of this content."""
        if values.ndim != 2 or values.shape[1] != len(self.mean):
            raise DataError(f"expected vectors of shape (n, {len(self.mean)}), got {values.shape}")
        return _centred(values, self.mean, present)

    def with_rows(self, vectors: np.ndarray, present: np.ndarray) -> Content:
        """Return the content of other items, placed ``(n, d)``; the mean and the unit of distance stay.

        Neighbours are found anew, so that it costs as much as :func:`prepare`.
        """
        near, cosine = nearest(vectors, vectors, present, NEIGHBOURS)
        return Content(mean=self.mean, vectors=vectors, present=present, near=near, cosine=cosine, spread=self.spread)

    def nearest(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest items of placed vectors and their cosines, each ``(m, k)``."""
        return nearest(vectors, self.vectors, self.present, NEIGHBOURS)


def prepare(
    vectors: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray], n_items: int
) -> tuple[dict[str, Content], dict[str, str]]:
    """Return the contents of the inputs that tell items apart, and why the others were left out.

    Neighbours depend on no interactions, so one call serves every split.

    :param vectors: input -> ``(n_items, d)`` of finite numbers, whatever where absent.
    :param present: input -> bool ``(n_items,)``; an input that is missing here is present everywhere.
    :raises DataError: shapes that do not fit, values that are no numbers, fewer than two items.
    """
    if n_items < 2:
        raise DataError(f"ranking needs at least 2 items, and the table has {n_items}")
    if not vectors:
        raise DataError("ranking needs at least one input of the items; name one under inputs")
    contents: dict[str, Content] = {}
    dropped: dict[str, str] = {}
    for name, values in vectors.items():
        mask = np.asarray(present[name], bool) if name in present else np.ones(n_items, bool)
        _check_input(name, values, mask, n_items)
        reason = _useless(values, mask)
        if reason:
            dropped[name] = reason
        else:
            contents[name] = _content(values, mask)
    return contents, dropped


def nearest(queries: np.ndarray, vectors: np.ndarray, present: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` present rows of highest cosine (fewer where there are not so many), each ``(m, k)``.

    Exact, in chunks, up to 50,000 rows; inverted lists of FAISS above, which miss a few.
    """
    rows = np.flatnonzero(present)
    k = min(k, len(rows))
    if len(vectors) > EXACT_UP_TO and len(queries) > CHUNK:
        return _nearest_faiss(queries, vectors[rows], rows, k)
    kept = vectors if len(rows) == len(vectors) else vectors[rows]
    near = np.empty((len(queries), k), np.int64)
    cosine = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), CHUNK):
        part = slice(start, start + CHUNK)
        similar = queries[part] @ kept.T
        top = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        near[part], cosine[part] = rows[top], np.take_along_axis(similar, top, 1)
    return near, cosine


def _nearest_faiss(queries: np.ndarray, vectors: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return approximate neighbours by FAISS inverted lists."""
    import faiss

    cells = int(4 * np.sqrt(len(vectors)))
    index: Any = faiss.index_factory(vectors.shape[1], f"IVF{cells},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // (64 * cells))])
    index.add(vectors)
    index.nprobe = max(8, cells // 32)
    cosine, places = index.search(queries, k)
    return rows[np.maximum(places, 0)], np.where(places < 0, -1.0, cosine).astype(np.float32)


def _content(values: np.ndarray, present: np.ndarray) -> Content:
    """Return the content of one input."""
    mean = np.asarray(values[present], np.float32).mean(0)
    vectors = _centred(values, mean, present)
    near, cosine = nearest(vectors, vectors, present, NEIGHBOURS)
    spread = max(float(np.mean(1 - cosine[present].min(1))), 1e-3)
    return Content(mean=mean, vectors=vectors, present=present, near=near, cosine=cosine, spread=spread)


def _centred(values: np.ndarray, mean: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return centred rows of length 1; 0 where absent, or where nothing but rounding is left."""
    rows = np.where(present[:, None], np.asarray(values, np.float32) - mean, np.float32(0))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    floor = 1e-5 * (np.linalg.norm(mean) + 1e-12)
    unit = np.where(length > floor, rows / np.maximum(length, 1e-30), np.float32(0))
    return unit.astype(np.float16).astype(np.float32)


def _check_input(name: str, values: np.ndarray, present: np.ndarray, n_items: int) -> None:
    """Refuse an input whose arrays do not fit the catalogue."""
    if values.ndim != 2 or len(values) != n_items or values.shape[1] == 0 or present.shape != (n_items,):
        raise DataError(
            f"input {name!r}: vectors of shape {values.shape} with a mask of shape {present.shape}; "
            f"expected ({n_items}, d) and ({n_items},), one row an item"
        )
    if not np.isfinite(values[present]).all():
        raise DataError(f"input {name!r}: a vector holds NaN or infinity; look at the cells its encoder was given")


def _useless(values: np.ndarray, present: np.ndarray) -> str:
    """Return why an input cannot tell items apart, or nothing."""
    if present.sum() < 2:
        return "fewer than two items have it"
    known = np.asarray(values[present], np.float32)
    if float(np.ptp(known, axis=0).max()) <= 1e-6 * max(float(np.abs(known).max()), 1e-12):
        return "it is the same for every item"
    return ""
