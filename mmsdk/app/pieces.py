"""The inputs of one row taken apart: decoded, and encoded again without some of their parts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.embed.decoded import embed_decoded
from mmsdk.embed.encoders import open_modality
from mmsdk.embed.within import relative
from mmsdk.explain import Apart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.data import Samples
    from mmsdk.embed import OpenModality

OTHERS = 64  # training rows that say what is usual of a vector


class Pieces:
    """Takes inputs of an application apart; what it reads of the training rows it reads once. Thread-safe.

    :param some_rows: so many training rows of the index, by column.
    """

    def __init__(self, app: App, some_rows: Callable[[int], Sequence[Mapping[str, Any]]]) -> None:
        self._app, self._some_rows = app, some_rows
        self._lock = threading.Lock()
        self._others: dict[str, list[Any]] = {}

    def root(self) -> Path | None:
        """Return the folder of the table that the run was fitted on."""
        data = self._app.application.data
        return Path(data).parent if data is not None else None

    def decoded(self, samples: Samples, inputs: Sequence[str]) -> dict[str, Any]:
        """Return the decoded samples of the row."""
        found = {}
        for name in inputs:
            column = samples.inputs[name]
            found[name] = open_modality(column.modality, column.decode).decode(column.cells[0])
        return found

    def apart(self, samples: Samples, name: str, decoded: Mapping[str, Any]) -> Apart | None:
        """Return one input ready to be taken apart; ``None`` where its modality cannot, or it has no parts."""
        column = samples.inputs[name]
        modality = open_modality(column.modality, column.decode)
        component = modality.component
        if not (hasattr(component, "parts") and hasattr(component, "without")):
            return None
        if len(component.parts(decoded[name])) < 2:
            return None
        return Apart(
            name=name,
            modality=column.modality,
            component=component,
            sample=decoded[name],
            encode=lambda batch: self._encode(name, batch),
            others=() if modality.media else self._usual(name, modality),
        )

    def _encode(self, name: str, batch: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of samples as the network gets them, and which there are."""
        pipeline = self._app.pipeline
        rows = [{name: sample} for sample in batch]  # rounded as those of a row are: a piece answers as the row would
        found = embed_decoded(rows, {name: pipeline.encoders[name]}, pipeline.application.precision)
        vectors, there = np.asarray(found.values[name]), np.asarray(found.present[name])
        if name in pipeline.usual:
            vectors = relative(vectors, there, [None] * len(batch), pipeline.usual[name])
        if name in pipeline.maps:
            vectors = pipeline.maps[name](vectors, there)
        return vectors, there

    def _usual(self, name: str, modality: OpenModality) -> list[Any]:
        """Return decoded samples of some training rows, from the rows that the index holds; read once."""
        with self._lock:
            if name not in self._others:
                rows = self._some_rows(OTHERS)
                self._others[name] = []
                if rows:
                    read, _ = self._app.pipeline.read(rows, root=self.root(), partial=True)
                    cells = read.inputs[name].cells
                    self._others[name] = [
                        sample for place in range(len(rows)) if (sample := modality.sample(cells, place)) is not None
                    ]
            return self._others[name]
