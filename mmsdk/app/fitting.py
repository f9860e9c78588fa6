"""``mmsdk.fit``: from an application and a table to a whole run directory."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmsdk.app.aligning import align_inputs, alignment_metrics, check_alignment, map_arrays
from mmsdk.app.application import App
from mmsdk.app.choosing import AUTO, check_choice, check_judges, choose
from mmsdk.app.confiding import calibration_of, check_confidence, confide, measure_confidence
from mmsdk.app.decided import told_decisions
from mmsdk.app.device import device_of
from mmsdk.app.directory import CARD, CHECKPOINT, METRICS, REPORT, new_run, write_json, write_text
from mmsdk.app.draft import Draft, Origin
from mmsdk.app.efficiency import Meter
from mmsdk.app.encoders import open_encoders
from mmsdk.app.gathering import gather_report, told_readings
from mmsdk.app.heads import fit_beside, write_boosters
from mmsdk.app.inspecting import media_inputs
from mmsdk.app.joint import in_joint_space
from mmsdk.app.loading import load
from mmsdk.app.members import with_room
from mmsdk.app.memory import write_pairs
from mmsdk.app.own_words import recipe_card, recipe_sections
from mmsdk.app.pipeline import Pipeline
from mmsdk.app.ranking import fit_ranking
from mmsdk.app.recording import run_document, write_tables
from mmsdk.app.resolving import resolve_application
from mmsdk.app.ruling import check_rules, rule_metrics, teach_rules
from mmsdk.app.searching import check_search, search
from mmsdk.app.sharing import share_metrics
from mmsdk.app.suiting import suit_encoders
from mmsdk.app.threads import learning_threads
from mmsdk.app.tuning import check_tuning, tune_inputs
from mmsdk.app.understood import understand
from mmsdk.audit import Finding, audit_columns, audit_duplicates, audit_groups, audit_labels, audit_reports
from mmsdk.confidence import saved_arrays
from mmsdk.data import Policy, hidden_columns, let_go, read_interactions, require_training
from mmsdk.errors import ConfigError
from mmsdk.evaluate import Scoring, score_tasks
from mmsdk.evaluate.bootstrap import RESAMPLES
from mmsdk.heads import read_options, require_boosting
from mmsdk.index import try_index
from mmsdk.model import (
    Run,
    net_arrays,
    offered_options,
    open_task,
    prepare_targets,
    refuse_unread,
    save_run,
    try_task,
)
from mmsdk.plugins import get_registry
from mmsdk.progress import note
from mmsdk.report import render_card, render_report
from mmsdk.report.inputs import worse_lines
from mmsdk.report.promises import broken_lines
from mmsdk.train import TrainResult, fit_heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mmsdk.config import Application
    from mmsdk.data import Samples
    from mmsdk.embed import Embeddings
    from mmsdk.errors import Problem
    from mmsdk.model import Target

SAID = ("label-spelling",)  # findings that the terminal says as well: they change what is learned


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
    :param device: ``auto`` takes CUDA where there is one; a head so small that the CPU trains it faster stays there.
    :param overwrite: replace the run that lies at ``out``; it is refused where left out.
    :param on_bad_row: ``error`` names every bad row and stops; ``skip`` takes bad cells as missing, leaves rows without
        an id of their own out, and says how many of each.
    :param allow_outside: cells may name files outside the folder of the table.
    :param allow_remote: cells may be addresses such as ``https://`` and ``s3://``.
    :param quiet: nothing on stderr.
    :param origin: what a recipe tells of itself, for the report.
    :returns: the application, loaded from ``out``.
    :raises MmsdkError: what the user can mend: :class:`mmsdk.ConfigError`, :class:`mmsdk.DataError`, ...
    """
    resolved = resolve_application(application, data=data, seed=seed, overrides=overrides)
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    source = resolved.data if data is None else data
    if source is None:
        raise ConfigError("no data: name the table with data: in the application file, or with --data")
    check_names(resolved)
    folder, origin = None if out is None else Path(out), origin or Origin()
    with new_run(folder, overwrite=overwrite) as partial:
        for line in told_decisions(resolved, folder, synthetic=origin.synthetic, whole=not sys.stderr.isatty()):
            note(line, quiet)
        pipeline = open_pipeline(resolved, device, policy, quiet=quiet)
        with contextlib.closing(pipeline):
            _make(resolved, pipeline, source, partial, origin)
    return load(
        folder or partial,
        device=device,
        quiet=quiet,
        on_bad_row=on_bad_row,
        allow_outside=allow_outside,
        allow_remote=allow_remote,
    )


def _make(resolved: Application, pipeline: Pipeline, source: Any, folder: Path, origin: Origin) -> None:
    """Embed, tune, learn, calibrate and write, each stage metered."""
    meter = Meter(pipeline.device)
    with meter.stage("embed"):
        table = pipeline.table(source, known_only=False)
        draft = prepare(pipeline, table)
    draft.meter = meter
    draft.understood = understand(resolved, table.names, origin.unread)
    with meter.stage("tune"):
        tune_inputs(draft, folder / CHECKPOINT / "tune")
    if pipeline.head_device != pipeline.device:
        told = f"learning on the CPU, faster for so small a head; --device {pipeline.device} learns there"
        note(told, pipeline.quiet)
    with learning_threads(len(draft.samples), pipeline.head_device, quiet=pipeline.quiet):
        with meter.stage("learn"):
            learn(draft, folder)
        with meter.stage("confidence"):
            draft.confidence = confide(draft)
        _write(draft, folder, origin)


def check_names(application: Application) -> None:
    """Refuse a component that nobody installed before any work is done; encoders are opened first of all anyway.

    :raises PluginError: an unknown preset, fusion, aligner, task type or index type.
    :raises ConfigError: an option that the head or a task does not take.
    """
    registry = get_registry()
    registry.get("preset", application.preset)  # also where every encoder is named, and nobody would look for it
    if application.align is not None:
        registry.get("aligner", application.align.type)
    check_choice(application)
    check_search(application)
    if application.fusion.type != AUTO:
        registry.get("fusion", application.fusion.type)
    if application.head.type != AUTO:
        read_options(application.head.type, application.head.options)
        require_boosting(application.head.type)
    for one in application.inputs.values():
        if one.trainable is not None:
            registry.get("trainable", one.trainable.type)
    for name, entry in application.tasks.items():
        refuse_unread(registry.get("task", entry.type).load(), name, entry)
    if application.index.type != "auto":
        registry.get("index", application.index.type)


def open_pipeline(application: Application, device: str, policy: Policy, *, quiet: bool) -> Pipeline:
    """Open the encoders of an application and return what reads and embeds by it."""
    encoders = open_encoders(application, device_of(device))
    check_alignment(application)
    check_tuning(application, encoders)
    return Pipeline(
        application=with_room(in_joint_space(application, encoders), quiet=quiet),
        encoders=encoders,
        device=device_of(device),
        policy=policy,
        quiet=quiet,
        auto=device == "auto",
    )


def prepare(pipeline: Pipeline, source: Any) -> Draft:
    """Read, split, audit and embed."""
    samples, problems = pipeline.read_to_learn(source)
    application = pipeline.application
    if told := hidden_columns(application.privacy):
        note("at the door: " + "; ".join(f"{name} {what}" for name, what in told.items()), pipeline.quiet)
    if not application.tasks:
        samples.split[samples.split == "test"] = "train"  # nothing is predicted, so nothing need be held out
    require_training(samples)
    check_rules(application, samples.table)
    pairs = application.interactions
    interactions = None if pairs is None else read_interactions(pairs, samples.ids, policy=pipeline.policy)
    let_go()
    targets, found = prepare_tasks(application, samples, pipeline.policy)
    pipeline.tell_skipped(samples.table.name, found)
    problems += found
    if application.index.type != AUTO:
        try_index(get_registry().get("index", application.index.type), application.fusion.dim, len(samples))
    suit_encoders(pipeline, samples)
    embeddings = pipeline.embed(samples)  # after what can be refused without it: it may take hours
    note(_embedded(embeddings), pipeline.quiet)
    counted = list(audit_reports(embeddings.stats))
    for finding in counted:
        note(str(finding), pipeline.quiet)
    draft = Draft(
        application=application, pipeline=pipeline, samples=samples, embeddings=embeddings, interactions=interactions
    )
    draft.targets = targets
    teach_rules(draft)
    check_confidence(draft)
    check_judges(draft)
    draft.findings += audit_columns(samples, [*problems, *embeddings.stats.problems])
    draft.findings += counted
    draft.findings += _audit_split(draft)
    for finding in draft.findings:
        if finding.code in SAID:
            note(str(finding), pipeline.quiet)
    return draft


def prepare_tasks(
    application: Application, samples: Samples, policy: Policy
) -> tuple[dict[str, Target], list[Problem]]:
    """Return what every task learned from the labels of the training rows, and the cells that were skipped."""
    targets, problems = {}, []
    for name, entry in application.tasks.items():
        kind = get_registry().get("task", entry.type)
        options = offered_options(application.training, entry)
        target, found = prepare_targets(
            open_task(kind, options),
            samples.table.cells(entry.column),
            samples.split,
            name=name,
            column=entry.column,
            ids=samples.ids,
            weight=entry.weight,
            on_bad_row=policy.on_bad_row,
        )
        try_task(kind, target)
        targets[name] = replace(target, options=options)
        problems += found
    return targets, problems


def _audit_split(draft: Draft) -> Iterable[Finding]:
    """Yield what threatens the figures: duplicates across the split, labels given away, few groups to be scored on."""
    application = draft.application
    used = [column for entry in application.inputs.values() for column in entry.columns]
    for name, task in application.tasks.items():
        if task.type == "classification":
            yield from audit_labels(draft.samples, name, task.column, used)
    if application.tasks and draft.groups is not None:
        yield from audit_groups(draft.samples.split, draft.groups, str(application.split.group))
    if application.tasks:
        yield from audit_duplicates(draft.samples, draft.embeddings, media_inputs(application))


def _embedded(embeddings: Embeddings) -> str:
    """Return a line about what embedding took."""
    stats = embeddings.stats
    parts = ", ".join(f"{name} by {one.encoder}" for name, one in stats.inputs.items())
    return f"embedded {parts}: {stats.encoded} encoded, {stats.cached} from the cache, {stats.seconds:.1f} s"


def learn(draft: Draft, folder: Path) -> None:
    """Do all learning that follows the embeddings; every fold of a cross-validation does the same.

    Align the inputs, train the head, and the ranker where there are interactions.
    """
    align_inputs(draft)
    choose(draft, folder, learn)
    search(draft, folder / CHECKPOINT, learn)
    application, pipeline = draft.application, draft.pipeline
    pipeline.net = draft.new_net()
    if any(True for _ in pipeline.net.parameters()):
        draft.trained = fit_heads(
            draft.embeddings,
            draft.targets,
            pipeline.net,
            application.training,
            draft.samples.split,
            folder=folder / CHECKPOINT,
            device=pipeline.head_device,
            quiet=pipeline.quiet,
        )
    else:
        note(f"nothing to train: {application.fusion.type} takes the vectors as they are", pipeline.quiet)
        pipeline.net.to(pipeline.head_device).eval()
        draft.trained = TrainResult(history=[], best_epoch=0)
    fit_beside(draft)
    if readings := pipeline.net.readings():
        note(f"{application.fusion.type}: {told_readings(readings)}", pipeline.quiet)
    if draft.interactions is not None:
        draft.ranking = fit_ranking(pipeline, draft.samples, draft.embeddings, draft.interactions)
        draft.findings += draft.ranking.findings


def _write(draft: Draft, folder: Path, origin: Origin) -> None:
    """Write everything a run holds, the report last."""
    pipeline = draft.pipeline
    assert pipeline.net is not None
    with draft.meter.stage("score"):
        metrics = _metrics(draft)
    document = run_document(draft, origin)
    arrays = net_arrays(pipeline.net)
    for name, usual in pipeline.usual.items():
        arrays |= {f"within.{name}.{key}": one for key, one in asdict(usual).items()}
    arrays |= map_arrays(pipeline.maps)
    for name, adapter in draft.adapters.items():
        arrays |= {f"tune.{name}.{key}": one for key, one in adapter.arrays.items()}
    if draft.confidence is not None:
        arrays |= {f"confidence.{name}": one for name, one in saved_arrays(draft.confidence).items()}
    if draft.ranking is not None:
        arrays |= {f"ranker.{name}": one for name, one in draft.ranking.ranker.arrays().items()}
    write_boosters(pipeline.net, folder)
    write_json(folder / METRICS, metrics)
    ranker = draft.ranking.ranker if draft.ranking is not None else None
    tasks = {name: target.task for name, target in draft.targets.items()}
    app = App(folder, document, pipeline, tasks, ranker, draft.confidence)
    with contextlib.closing(app):
        app.index.create(draft.application.fusion.dim, draft.application.index.type)
        app.index.fill(draft.samples, draft.embeddings, draft.ranking.items if draft.ranking is not None else None)
        app.index.save()
        if draft.ranking is not None:
            write_pairs(folder, draft.ranking.interactions, draft.samples.ids, learned=draft.ranking.learned)
        write_tables(draft, app, folder)
        document["card"] = recipe_card(origin, app)
        save_run(folder, Run(document=document, arrays=arrays))
        data = gather_report(draft, app, metrics, document, sections=recipe_sections(origin, app))
        write_text(folder / REPORT, render_report(data))
        write_text(folder / CARD, render_card(data))


def _warn(draft: Draft, metrics: Mapping[str, Any]) -> None:
    """Say what the test rows showed to be bad."""
    for name, target in draft.targets.items():
        for line in worse_lines(metrics[name], target.task.metric):
            note(f"{name} gets worse for one more input: {line}", draft.pipeline.quiet)
        for line in broken_lines(metrics[name]):
            note(f"{name} breaks a promise: {line}", draft.pipeline.quiet)


def _metrics(draft: Draft) -> dict[str, Any]:
    """Return what metrics.json holds."""
    metrics: dict[str, Any] = {}
    groups = draft.groups
    if draft.targets:
        assert draft.pipeline.net is not None
        note("scoring", draft.pipeline.quiet)
        scoring = Scoring(groups=groups, resamples=RESAMPLES, seed=draft.application.split.seed)
        parts = ("test",) if draft.application.training.refit else ("val", "test")  # what was learned judges nothing
        metrics |= score_tasks(
            draft.pipeline.net,
            draft.targets,
            draft.embeddings,
            draft.samples.split,
            scoring=scoring,
            parts=parts,
            confidence=calibration_of(draft),
        )
        beside = {"rules": rule_metrics, "shares": share_metrics, "confidence": measure_confidence}
        for key, measure in beside.items():
            for name, found in measure(draft, scoring).items():
                metrics[name][key] = found
        from mmsdk.app.studies import add_studies  # which learns again, as is done here

        add_studies(metrics, draft, groups)
        _warn(draft, metrics)
    if draft.choice is not None:
        for name, one in draft.choice.table.items():
            for task, figures in one.items():
                metrics[task].setdefault("choice", {})[name] = figures
    if draft.ranking is not None:
        metrics |= draft.ranking.metrics
    return metrics | alignment_metrics(draft, groups, RESAMPLES)
