"""A row as a picture in a page: what a recipe shows beside its own figures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.embed import open_modality
from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.app.application import App

THUMBNAIL = 112


def picture_data_uri(app: App, row: Mapping[str, Any], size: int = THUMBNAIL, *, root: Path | None = None) -> str:
    """Return a thumbnail of a row as a ``data:`` address for ``<img src>``; empty where it has no picture.

    :param row: by column, as ``Hit.row`` and ``app.index.rows`` give it; paths start from the folder of the table that
        the application names, and a file that is gone is no picture.
    :param size: pixels of the longer side.
    :param root: the folder that paths start from, where the row is of another table.
    """
    data = app.application.data
    root = root or (Path(data).parent if data is not None else None)
    for name, entry in app.application.inputs.items():
        modality = open_modality(entry.modality, entry.decode)
        if not hasattr(modality.component, "thumbnail") or not any(row.get(column) for column in entry.columns):
            continue
        try:
            samples, _ = app.pipeline.read(
                [{column: row.get(column) for column in entry.columns}], root=root, partial=True
            )
        except DataError:
            continue
        sample = modality.sample(samples.inputs[name].cells, 0)
        if sample is not None:
            return encoded(modality.component.thumbnail(sample, size))
    return ""


def encoded(picture: bytes) -> str:
    """Return the bytes of a PNG or JPEG as a ``data:`` address."""
    kind = "png" if picture[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
