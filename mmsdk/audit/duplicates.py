"""Rows that stand on both sides of a split: the same file, or one that the encoder can hardly tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.audit.finding import Finding
from mmsdk.index.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings

NEAR = 0.995  # cosine of two embeddings above which a person would call the two files the same
ROWS = 50_000
SHOWN = 3
BLOCK = 1024


def audit_duplicates(samples: Samples, embeddings: Embeddings, media: Sequence[str]) -> Iterator[Finding]:
    """Yield exact and near duplicates across the split, for each media input.

    Exact means identical vectors, which identical files have; near means a cosine of at least 0.995. Up to 50,000
    training rows are compared, drawn evenly.
    """
    vectors = embeddings.vectors()
    for name in media:
        train, held = (_rows(samples, embeddings, name, held=held) for held in (False, True))
        if len(train) == 0 or len(held) == 0:
            continue
        values = vectors[name]
        nearest, cosine = _nearest(values, train, held)
        exact = np.array([np.array_equal(values[a], values[b]) for a, b in zip(held, nearest, strict=True)])
        near = (cosine >= NEAR) & ~exact
        yield _finding(samples, name, "exact", exact, held, nearest)
        yield _finding(samples, name, "near", near, held, nearest)


def _rows(samples: Samples, embeddings: Embeddings, name: str, *, held: bool) -> np.ndarray:
    """Return the present rows of training, or those held out."""
    side = np.isin(samples.split, ("val", "test")) if held else np.isin(samples.split, ("train",))
    rows = np.flatnonzero(side & np.asarray(embeddings.present[name]))
    return rows if len(rows) <= ROWS else rows[np.linspace(0, len(rows) - 1, ROWS).astype(np.int64)]


def _nearest(values: np.ndarray, train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest training row of each held-out row, and its cosine."""
    known = unit_rows(np.asarray(values[train], dtype=np.float32))
    place, cosine = np.empty(len(held), dtype=np.int64), np.empty(len(held), dtype=np.float32)
    for start in range(0, len(held), BLOCK):
        part = slice(start, start + BLOCK)
        likeness = unit_rows(np.asarray(values[held[part]], dtype=np.float32)) @ known.T
        place[part], cosine[part] = likeness.argmax(axis=1), likeness.max(axis=1)
    return train[place], cosine


def _finding(
    samples: Samples, name: str, kind: str, found: np.ndarray, held: np.ndarray, nearest: np.ndarray
) -> Finding:
    """Return the line for one kind of duplicate."""
    if not found.any():
        title = f"no {kind} duplicates of {name} across the split"
        return Finding(severity="ok", code=f"{kind}-duplicates", title=title)
    pairs = [f"{samples.ids[held[i]]} ~ {samples.ids[nearest[i]]}" for i in np.flatnonzero(found)[:SHOWN]]
    title = f"{int(found.sum())} {kind} duplicates of {name} stand on both sides of the split"
    return Finding(severity="warning", code=f"{kind}-duplicates", title=title, detail=", ".join(pairs))
