"""Samples that are decoded already (a camera, a microphone) to vectors: no cells, no cache, no files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.encoding import encode_batch, rounded
from mmsdk.embed.results import Embeddings, EmbedStats
from mmsdk.embed.sequences import Layout
from mmsdk.errors import DataError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.embed.encoders import OpenEncoder
    from mmsdk.embed.spaces import Precision

BATCH = 32


def embed_decoded(
    rows: Sequence[Mapping[str, Any]], encoders: Mapping[str, OpenEncoder], precision: Precision = "fp16"
) -> Embeddings:
    """Embed rows of decoded samples, by input; one that is left out or ``None`` is missing.

    Vectors are rounded as the cache rounds them, so that a sample answers the same whichever way it came.

    :param rows: input -> sample, each as the input's modality decodes it (:class:`mmsdk.Sound`, a text, an array ...).
    :param encoders: input -> encoder, open and ready.
    :raises DataError: a row names an input nobody knows.
    :raises EncoderError: an encoder cannot encode a sample.
    """
    for number, row in enumerate(rows, 1):
        for key in row:
            if key not in encoders:
                raise DataError(unknown("input", str(key), encoders, where=f"row {number}", listed="Known"))
    values, present = {}, {}
    for name, opened in encoders.items():
        given = [(place, row[name]) for place, row in enumerate(rows) if row.get(name) is not None]
        values[name], present[name] = _encoded(name, opened, given, len(rows), precision)
    return Embeddings(
        values=values,
        present=present,
        stats=EmbedStats(inputs={}),
        layouts={name: form for name, one in encoders.items() if isinstance(form := one.form, Layout)},
    )


def _encoded(
    name: str, opened: OpenEncoder, given: list[tuple[int, Any]], count: int, precision: Precision
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors ``(count, dim)`` and which there are of one input."""

    def place(row: int) -> str:
        return f"input {name!r}, row {row + 1}"

    vectors, there = np.zeros((count, opened.dim), np.float32), np.zeros(count, bool)
    size = min(int(getattr(opened.encoder, "batch_size", BATCH)), opened.most or BATCH)
    for start in range(0, len(given), size):
        batch = given[start : start + size]
        found, held = encode_batch(opened, batch, place)
        if not opened.fitted:
            found = rounded(opened, batch, found, precision, place)
        numbers = [row for row, _ in batch]
        vectors[numbers], there[numbers] = found, held
    vectors[~there] = 0.0
    return vectors, there
