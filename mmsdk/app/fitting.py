"""``mmsdk.fit``: from an application and a table to a whole run directory."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from mmsdk.app.application import App
from mmsdk.app.device import device_of
from mmsdk.app.directory import CARD, CHECKPOINT, METRICS, PREDICTIONS, REPORT, SPLITS, new_run, write_json, write_text
from mmsdk.app.encoders import fingerprints, open_encoders
from mmsdk.app.gathering import gather_report
from mmsdk.app.inspecting import media_inputs
from mmsdk.app.loading import load
from mmsdk.app.pipeline import Pipeline
from mmsdk.app.predictions import prediction_table
from mmsdk.app.ranking import RankingRun, fit_ranking
from mmsdk.app.threads import learning_threads
from mmsdk.audit import Finding, audit_columns, audit_duplicates, audit_labels
from mmsdk.config import Application, describe_defaults, load_application
from mmsdk.data import Policy, require_training
from mmsdk.errors import ConfigError
from mmsdk.evaluate import Scoring, score_tasks
from mmsdk.files import atomic_write
from mmsdk.model import Run, Target, build_net, make_task, net_arrays, prepare_targets, save_run
from mmsdk.plugins import get_registry
from mmsdk.progress import note
from mmsdk.report import render_card, render_report
from mmsdk.train import TrainResult, fit_heads

if TYPE_CHECKING:
    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings

Sections = Callable[[App], Iterable[tuple[str, str]]]
RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run comes from, for its report: a title, the command that repeats it, whether its data is made up."""

    title: str = "mmsdk run"
    command: str = ""
    synthetic: bool = False
    sections: Sections | None = None


@dataclass(slots=True, kw_only=True)
class Draft:
    """What fitting has come to so far."""

    application: Application
    pipeline: Pipeline
    samples: Samples
    embeddings: Embeddings
    targets: dict[str, Target] = field(default_factory=dict)
    trained: TrainResult | None = None
    ranking: RankingRun | None = None
    findings: list[Finding] = field(default_factory=list)


def fit(
    application: Application | Mapping[str, Any] | str | Path,
    data: Any = None,
    out: str | Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: Literal["auto", "cpu", "cuda"] | str = "auto",
    overwrite: bool = False,
    on_bad_row: Literal["error", "skip"] = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
    quiet: bool = False,
    origin: Origin | None = None,
) -> App:
    """Fit an application and write its run directory.

    Encoders run once for content that the cache does not hold; the head trains on the vectors; the run is scored on
    rows it never saw, indexed, and described in ``report.html``. A fit that was interrupted goes on from
    ``<out>.partial`` when it is called again with the same words.

    :param application: an application file, or the same as a dict.
    :param data: the table: a path, a DataFrame, a ``datasets.Dataset``, a list of dicts; default: the application's.
    :param out: the run directory; a temporary one where left out.
    :param overrides: dotted keys laid over the application (``{"fusion.dim": 128}``).
    :param seed: sets ``training.seed`` and ``split.seed``.
    :param device: ``auto`` takes CUDA where there is one.
    :returns: the application, loaded from ``out``.
    :raises MmsdkError: what the user can mend: :class:`mmsdk.ConfigError`, :class:`mmsdk.DataError`, ...
    """
    seeds = {} if seed is None else {"training.seed": seed, "split.seed": seed}
    resolved = load_application(application, {**seeds, **(overrides or {})})
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    source = resolved.data if data is None else data
    if source is None:
        raise ConfigError("no data: name the table with data: in the application file, or with --data")
    if isinstance(data, str | Path):
        resolved = resolved.model_copy(update={"data": str(Path(data).resolve())})
    _check_names(resolved)
    folder = None if out is None else Path(out)
    with new_run(folder, overwrite=overwrite) as partial:
        note(_defaults_line(resolved), quiet)
        pipeline = Pipeline(
            application=resolved,
            encoders=open_encoders(resolved, device_of(device)),
            device=device_of(device),
            policy=policy,
            quiet=quiet,
        )
        draft = _prepare(pipeline, source)
        with learning_threads(len(draft.samples), pipeline.device, quiet=quiet):
            _learn(draft, partial)
            _write(draft, partial, origin or Origin())
    return load(folder or partial, device=device, quiet=quiet)


def _check_names(application: Application) -> None:
    """Refuse a component that nobody installed before any work is done; encoders are opened first of all anyway.

    :raises PluginError: an unknown fusion, task type or index type.
    """
    registry = get_registry()
    registry.get("fusion", application.fusion.type)
    for entry in application.tasks.values():
        registry.get("task", entry.type)
    if application.index.type != "auto":
        registry.get("index", application.index.type)


def _defaults_line(application: Application) -> str:
    """Return what the run chose by itself, a line a block."""
    blocks: dict[str, list[str]] = {}
    for line in describe_defaults(application):
        key, _, value = line.partition(" = ")
        block, _, name = key.rpartition(".")
        blocks.setdefault(block or "application", []).append(f"{name} {value}")
    return "\n".join(f"by default, {block}: {', '.join(lines)}" for block, lines in blocks.items())


def _prepare(pipeline: Pipeline, source: Any) -> Draft:
    """Read, split, audit and embed."""
    application = pipeline.application
    samples, problems = pipeline.read(source, partial=False)
    pipeline.columns = samples.table.names
    if not application.tasks:
        samples.split[samples.split == "test"] = "train"  # nothing is predicted, so nothing need be held out
    require_training(samples)
    embeddings = pipeline.embed(samples)
    note(_embedded(embeddings), pipeline.quiet)
    draft = Draft(application=application, pipeline=pipeline, samples=samples, embeddings=embeddings)
    for name, entry in application.tasks.items():
        task = make_task(
            get_registry().get("task", entry.type).load(),
            {"separator": entry.separator, "label_smoothing": application.training.label_smoothing},
        )
        draft.targets[name], found = prepare_targets(
            task,
            samples.table.cells(entry.column),
            samples.split,
            name=name,
            column=entry.column,
            ids=samples.ids,
            weight=entry.weight,
            on_bad_row=pipeline.policy.on_bad_row,
        )
        problems += found
    draft.findings += audit_columns(samples, [*problems, *embeddings.stats.problems])
    draft.findings += _audit_split(draft)
    return draft


def _audit_split(draft: Draft) -> Iterable[Finding]:
    """Yield what threatens the figures: duplicates across the split, labels given away."""
    application = draft.application
    used = [column for entry in application.inputs.values() for column in entry.columns]
    for name, task in application.tasks.items():
        if task.type == "classification":
            yield from audit_labels(draft.samples, name, task.column, used)
    if application.tasks:
        yield from audit_duplicates(draft.samples, draft.embeddings, media_inputs(application))


def _embedded(embeddings: Embeddings) -> str:
    """Return a line about what embedding took."""
    stats = embeddings.stats
    parts = ", ".join(f"{name} by {one.encoder}" for name, one in stats.inputs.items())
    return f"embedded {parts}: {stats.encoded} encoded, {stats.cached} from the cache, {stats.seconds:.1f} s"


def _learn(draft: Draft, folder: Path) -> None:
    """Train the head, and the ranker where there are interactions."""
    application, pipeline = draft.application, draft.pipeline
    pipeline.net = build_net(
        {name: pipeline.encoders[name].dim for name in draft.embeddings.values},
        {name: target.task for name, target in draft.targets.items()},
        get_registry().get("fusion", application.fusion.type).load(),
        application.fusion,
        dropout=application.training.dropout,
        seed=application.training.seed,
    )
    draft.trained = fit_heads(
        draft.embeddings,
        draft.targets,
        pipeline.net,
        application.training,
        draft.samples.split,
        folder=folder / CHECKPOINT,
        device=pipeline.device,
        quiet=pipeline.quiet,
    )
    if application.interactions is not None:
        draft.ranking = fit_ranking(pipeline, draft.samples, draft.embeddings)
        draft.findings += draft.ranking.findings


def _write(draft: Draft, folder: Path, origin: Origin) -> None:
    """Write everything a run holds, the report last."""
    pipeline = draft.pipeline
    assert pipeline.net is not None
    metrics = _metrics(draft)
    document = _document(draft, origin)
    arrays = net_arrays(pipeline.net)
    if draft.ranking is not None:
        arrays |= {f"ranker.{name}": one for name, one in draft.ranking.ranker.arrays().items()}
    save_run(folder, Run(document=document, arrays=arrays))
    write_json(folder / METRICS, metrics)
    ranker = draft.ranking.ranker if draft.ranking is not None else None
    app = App(folder, document, pipeline, {name: target.task for name, target in draft.targets.items()}, ranker)
    app.index.create(draft.application.fusion.dim, draft.application.index.type)
    app.index.fill(draft.samples, draft.embeddings, draft.ranking.items if draft.ranking is not None else None)
    app.index.save()
    _write_tables(draft, app, folder)
    sections = list(origin.sections(app)) if origin.sections is not None else []
    data = gather_report(draft, app, metrics, document, sections=sections)
    write_text(folder / REPORT, render_report(data))
    write_text(folder / CARD, render_card(data))
    app.close()


def _metrics(draft: Draft) -> dict[str, Any]:
    """Return what metrics.json holds."""
    metrics: dict[str, Any] = {}
    if draft.targets:
        assert draft.pipeline.net is not None
        note("scoring", draft.pipeline.quiet)
        group = draft.application.split.group
        groups = np.asarray(draft.samples.table.cells(group), dtype=object) if group else None
        scoring = Scoring(groups=groups, resamples=RESAMPLES, seed=draft.application.split.seed)
        parts = ("test",) if draft.application.training.refit else ("val", "test")  # what was learned judges nothing
        metrics |= score_tasks(
            draft.pipeline.net, draft.targets, draft.embeddings, draft.samples.split, scoring=scoring, parts=parts
        )
    if draft.ranking is not None:
        metrics |= draft.ranking.metrics
    return metrics


def _document(draft: Draft, origin: Origin) -> dict[str, Any]:
    """Return what run.json holds."""
    pipeline, samples, trained = draft.pipeline, draft.samples, draft.trained
    assert trained is not None
    assert pipeline.net is not None
    inputs = {
        name: {
            "modality": encoder.modality,
            "encoder": encoder.name,
            "origin": encoder.origin,
            "fingerprint": encoder.fingerprint,
            "dim": encoder.dim,
            "state": encoder.state(),
        }
        for name, encoder in pipeline.encoders.items()
    }
    tasks = {
        name: {"type": draft.application.tasks[name].type, "metric": target.task.metric, "state": target.task.state()}
        for name, target in draft.targets.items()
    }
    parts, counts = np.unique(samples.split.astype(str), return_counts=True)
    return {
        "mmsdk": version("mmsdk"),
        "title": origin.title,
        "synthetic": origin.synthetic,
        "command": origin.command or shlex.join(["mmsdk", *sys.argv[1:]]),
        "fingerprint": _fingerprint(draft),
        "application": draft.application.model_dump(mode="json"),
        "inputs": inputs,
        "tasks": tasks,
        "ranking": None if draft.ranking is None else draft.ranking.document(),
        "data": {
            "name": samples.table.name,
            "columns": list(samples.table.names),
            "fingerprint": _data_fingerprint(draft),
            "rows": len(samples),
            "split": dict(zip(parts.tolist(), counts.tolist(), strict=True)),
        },
        "training": {"best_epoch": trained.best_epoch, "epochs": len(trained.history), "history": trained.history},
        "seed": draft.application.training.seed,
        "device": pipeline.device,
        "threads": draft.embeddings.stats.threads,
        "versions": {
            name: version(name) for name in ("torch", "numpy", "faiss-cpu", "pyarrow", "scikit-learn") if _has(name)
        }
        | {"python": platform.python_version()},
    }


def _has(distribution: str) -> bool:
    """Return whether a distribution is installed."""
    from importlib.metadata import PackageNotFoundError

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _fingerprint(draft: Draft) -> str:
    """Return what tells this run's vectors from any other's: encoders, their states, and the weights."""
    assert draft.pipeline.net is not None
    digest = hashlib.blake2b(digest_size=16)
    states = {name: encoder.state() for name, encoder in draft.pipeline.encoders.items()}
    digest.update(json.dumps([fingerprints(draft.pipeline.encoders), states], sort_keys=True, default=str).encode())
    for name, array in sorted(net_arrays(draft.pipeline.net).items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    if draft.ranking is not None:
        for name, array in sorted(draft.ranking.ranker.arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _data_fingerprint(draft: Draft) -> str:
    """Return what tells this data from any other: the cells of the table, and who took what."""
    digest = hashlib.blake2b(digest_size=16)
    columns = draft.samples.table.columns.combine_chunks()
    with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), "w"), columns.schema) as stream:
        stream.write_table(columns)
    if draft.ranking is not None:
        pairs = draft.ranking.interactions
        digest.update("\0".join(pairs.user_ids).encode())
        for array in (pairs.users, pairs.items, pairs.weights, pairs.times):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
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


def _write_tables(draft: Draft, app: App, folder: Path) -> None:
    """Write which row was in which part, and the answers for the rows that were held out."""
    samples = draft.samples
    with atomic_write(folder / SPLITS) as path:
        pa_parquet.write_table(pa.table({"id": list(samples.ids), "split": samples.split.astype(str)}), path)
    if not draft.targets:
        return
    held = next((part for part in ("test", "val") if (samples.split == part).any()), None)
    rows = np.flatnonzero(samples.split == held)
    predictions = app.answer(draft.embeddings)
    table = prediction_table([samples.ids[r] for r in rows], [predictions[r] for r in rows], draft.application.id)
    with atomic_write(folder / PREDICTIONS) as path:
        pa_parquet.write_table(table, path)
