"""What a run writes of itself: run.json, its fingerprints, and the tables of parts and answers."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from mmsdk.app.aligning import map_arrays
from mmsdk.app.directory import PREDICTIONS, SPLITS
from mmsdk.app.encoders import fingerprints
from mmsdk.app.origins import components_used, plugins_used
from mmsdk.app.predictions import prediction_table
from mmsdk.confidence import saved_document
from mmsdk.embed import open_modality
from mmsdk.files import atomic_write
from mmsdk.model import net_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk.app.application import App
    from mmsdk.app.draft import Draft, Origin
    from mmsdk.config import InputConfig
    from mmsdk.data import Table

TOLD = ("torch", "numpy", "faiss-cpu", "faiss-gpu", "implicit", "pyarrow", "scikit-learn")  # versions, where installed


def run_document(draft: Draft, origin: Origin) -> dict[str, Any]:
    """Return what run.json holds."""
    pipeline, trained = draft.pipeline, draft.trained
    assert trained is not None
    assert pipeline.net is not None
    return {
        "mmsdk": version("mmsdk"),
        "title": origin.title,
        "synthetic": origin.synthetic,
        "command": origin.command or f"mmsdk.fit(<application of run.json>, data={draft.samples.table.name!r})",
        "recipe": None if origin.recipe is None else dict(origin.recipe),
        "card": None,
        "fingerprint": run_fingerprint(draft),
        "application": draft.application.model_dump(mode="json"),
        "inputs": _inputs(draft),
        "tasks": _tasks(draft),
        "heads": pipeline.net.heads_beside(),
        "align": None if draft.alignment is None else draft.alignment.document(),
        "ranking": None if draft.ranking is None else draft.ranking.document(),
        "search": draft.searched,
        "choice": None if draft.choice is None else draft.choice.as_json(),
        "confidence": None if draft.confidence is None else saved_document(draft.confidence),
        "data": _data(draft),
        "training": {"best_epoch": trained.best_epoch, "epochs": len(trained.history), "history": trained.history},
        "readings": pipeline.net.readings(),
        "efficiency": draft.meter.document(draft),
        "seed": draft.application.training.seed,
        "device": pipeline.device,
        "head_device": pipeline.net.device.type,
        "threads": draft.embeddings.stats.threads,
        "components": components_used(draft.application),
        "plugins": plugins_used(draft.application, pipeline.encoders.values()),
        "versions": {name: version(name) for name in TOLD if _has(name)} | {"python": platform.python_version()},
    }


def _inputs(draft: Draft) -> dict[str, Any]:
    """Return input -> what encodes it."""
    return {
        name: {
            "modality": encoder.modality,
            "modality_fingerprint": _modality_fingerprint(draft.application.inputs[name]),
            "encoder": encoder.name,
            "origin": encoder.origin,
            "fingerprint": encoder.fingerprint,
            "dim": encoder.dim,
            "state": encoder.state(),
            "tuned": _tuned(draft, name),
        }
        for name, encoder in draft.pipeline.encoders.items()
    }


def _modality_fingerprint(entry: InputConfig) -> str:
    """Return what a run must find again of what reads the cells of an input."""
    return open_modality(entry.modality, entry.decode).fingerprint


def _tasks(draft: Draft) -> dict[str, Any]:
    """Return task -> its type, its metric and its state."""
    return {
        name: {"type": draft.application.tasks[name].type, "metric": target.task.metric, "state": target.task.state()}
        for name, target in draft.targets.items()
    }


def _data(draft: Draft) -> dict[str, Any]:
    """Return what the run was fitted on."""
    samples = draft.samples
    parts, counts = np.unique(samples.split.astype(str), return_counts=True)
    return {
        "name": samples.table.name,
        "columns": list(samples.table.names),
        "numbers": dict(draft.pipeline.numbers),
        "listed": list(draft.pipeline.listed or ()),
        "units": {name: list(units) for name, units in (draft.pipeline.units or {}).items()},
        "understood": [asdict(one) for one in draft.understood],
        "table": table_fingerprint(samples.table),
        "fingerprint": _data_fingerprint(draft),
        "rows": len(samples),
        "split": dict(zip(parts.tolist(), counts.tolist(), strict=True)),
    }


def _tuned(draft: Draft, name: str) -> dict[str, Any] | None:
    """Return what tuning made of an encoder, ``None`` where it stayed frozen."""
    adapter = draft.adapters.get(name)
    if adapter is None:
        return None
    return {"modules": list(adapter.modules), "rank": adapter.rank, "probe": draft.verdicts.get(name)}


def _has(distribution: str) -> bool:
    """Return whether a distribution is installed."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def run_fingerprint(draft: Draft) -> str:
    """Return what tells this run's vectors from any other's: encoders, their states, and the weights."""
    assert draft.pipeline.net is not None
    digest = hashlib.blake2b(digest_size=16)
    states = {name: encoder.state() for name, encoder in draft.pipeline.encoders.items()}
    digest.update(json.dumps([fingerprints(draft.pipeline.encoders), states], sort_keys=True, default=str).encode())
    for name, array in sorted(net_arrays(draft.pipeline.net).items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for name, array in sorted(map_arrays(draft.pipeline.maps).items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    if draft.ranking is not None:
        for name, array in sorted(draft.ranking.ranker.arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _data_fingerprint(draft: Draft) -> str:
    """Return what tells this data from any other: the cells of the table, and who took what."""
    digest = hashlib.blake2b(table_fingerprint(draft.samples.table).encode(), digest_size=16)
    if draft.ranking is not None:
        pairs = draft.ranking.interactions
        digest.update("\0".join(pairs.user_ids).encode())
        for array in (pairs.users, pairs.items, pairs.weights, pairs.times):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def table_fingerprint(table: Table) -> str:
    """Return a hash of the cells of a table and the names and types of its columns."""
    digest = hashlib.blake2b(digest_size=16)
    columns = table.columns.combine_chunks()
    with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), "w"), columns.schema) as stream:
        stream.write_table(columns)
    return digest.hexdigest()


class _Sink(io.RawIOBase):
    """A file that is only hashed."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Hash some bytes."""
        self._digest.update(data)
        return memoryview(data).nbytes


def write_tables(draft: Draft, app: App, folder: Path) -> None:
    """Write which row was in which part, and the answers for the rows that were held out."""
    samples = draft.samples
    with atomic_write(folder / SPLITS) as path:
        pa_parquet.write_table(pa.table({"id": list(samples.ids), "split": samples.split.astype(str)}), path)
    if not draft.targets:
        return
    held = next((part for part in ("test", "val") if (samples.split == part).any()), None)
    rows = np.flatnonzero(samples.split == held)
    predictions = app.answer(draft.embeddings, samples.table)
    table = prediction_table(
        [samples.ids[r] for r in rows],
        [predictions[r] for r in rows],
        draft.application.id,
        ruled=draft.pipeline.rules.tasks,
    )
    with atomic_write(folder / PREDICTIONS) as path:
        pa_parquet.write_table(table, path)
