"""``mmsdk.evaluate``: an application scored on labelled rows that it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.confiding import calibration_of, measure_promises
from mmsdk.app.directory import split_ids
from mmsdk.app.draft import Draft
from mmsdk.app.recording import table_fingerprint
from mmsdk.app.ruling import rule_metrics, tell_unread
from mmsdk.app.studies import add_slices
from mmsdk.data import Samples, group_cells, read_table
from mmsdk.data.table import plain_id
from mmsdk.errors import DataError, RunError
from mmsdk.evaluate import Scoring, score_tasks
from mmsdk.evaluate.alignment import Judging, score_alignment
from mmsdk.evaluate.bootstrap import RESAMPLES
from mmsdk.model import encode_targets
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.app.application import App
    from mmsdk.config import Application
    from mmsdk.data import Table
    from mmsdk.embed import Embeddings
    from mmsdk.model import Target

ALL_UP_TO = 4  # inputs whose every subset is scored: those of eight would take twice as long as all the rest


def evaluate(
    app: App, data: Any, *, root: Path | None = None, seed: int = 0, slices: Sequence[str] = ()
) -> dict[str, Any]:
    """Score the tasks of a run on new rows, or on the rows of its own table that were held out.

    Rows that the run learned from (``train``) or was chosen by (``val``) are never scored: they are left out, and where
    nothing else is left, refused. A task that no row to score has a label of is left out, as long as another is left.

    :param data: a table with the columns of the tasks, of one at least.
    :param root: the folder that relative paths start from.
    :param seed: of the bootstrap that the intervals come from.
    :param slices: columns by whose values the rows are scored apart, beside those of ``evaluation.slices``; one of
        these that the table lacks is passed over.
    :returns: ``{task: {"test": {metric: {value, low, high, n}}, "baselines": {...}, "paired": {...}, "subsets": {...},
        "added": {...}, "worse": {...}, "slices": [...], "rules": {...}, "confidence": {...}}}``, and for each pair of
        aligned inputs
        ``{"align a+b": {"test": {...}, "baselines": {...}, "paired": {...}}}``, as in ``metrics.json``, of these rows:
        what each subset of the inputs that any of them has is worth (of more than four inputs each alone and each left
        out), where the run is weak, what its rules changed, how often its sets hold the truth, what was declined, and
        who finds whom. Canonical correlations, linear models and the median are left out: they come from the rows that
        the run learned from.
    :raises DataError: every row was used to make the run, or none has a label of any task.
    :raises RunError: the run has nothing to score. A recommender is scored when it is fitted, on pairs held out then.
    """
    if not app.tasks and not app.pipeline.maps:
        raise RunError(
            f"{app.folder} has no task to score; a recommender is scored when it is fitted, see metrics.json there"
        )
    table = app.pipeline.table(data, root=root) if not isinstance(data, str | Path) else read_table(data, root=root)
    identity = [app.application.id] if app.application.id else []
    columns = [entry.column for entry in app.application.tasks.values()]
    table.require([*identity, *slices, *(columns if not set(columns) & set(table.names) else ())])
    samples, _ = app.pipeline.read(table, partial=True)
    samples = replace(samples, split=np.where(_unseen(app, samples), "test", "").astype(object))
    group = app.application.split.group
    groups = group_cells(samples.table.cells(group)) if group in samples.table.names else None
    scoring = Scoring(groups=groups, resamples=RESAMPLES, seed=seed, baselines=False, all_up_to=ALL_UP_TO)
    before = app.pipeline.unaligned(samples)
    embeddings = app.pipeline.aligned(before)
    found = _scored(app, samples, embeddings, scoring, slices) if app.tasks else {}
    return found | _alignment(app, before, embeddings, samples.split, scoring)


def _scored(
    app: App, samples: Samples, embeddings: Embeddings, scoring: Scoring, slices: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the figures of every task, as a fit takes them of its test rows, and what its promises came to."""
    fresh, net = samples.split == "test", app.pipeline.net
    assert net is not None
    asked = samples.table.take(np.flatnonzero(fresh))
    tell_unread(app.pipeline.rules.fired(asked, len(asked)), asked, quiet=app.pipeline.quiet)
    draft = Draft(
        application=_sliced(app.application, samples.table, slices, quiet=app.pipeline.quiet),
        pipeline=app.pipeline,
        samples=samples,
        embeddings=embeddings,
        targets=_targets(app, samples, fresh),
        confidence=app.confidence,
    )
    found = score_tasks(
        net, draft.targets, embeddings, samples.split, scoring=scoring, confidence=calibration_of(draft)
    )
    for name, one in rule_metrics(draft, scoring).items():
        found[name]["rules"] = one
    add_slices(found, draft, {name: one.labelled_rows(fresh) for name, one in draft.targets.items()}, scoring.groups)
    if app.confidence is not None:
        by, tests = app.confidence.by, np.flatnonzero(fresh)
        cells = samples.table.cells(by) if by in samples.table.names else None
        promised = measure_promises(
            app.confidence, app.pipeline, draft.targets, embeddings, tests, by=cells, scoring=scoring
        )
        for name, one in promised.items():
            found[name]["confidence"] = one
    return found


def _sliced(application: Application, table: Table, slices: Sequence[str], *, quiet: bool) -> Application:
    """Return the application with the columns to slice by: its own that the table has, and those asked for."""
    own = application.evaluation.slices
    if lost := [column for column in own if column not in table.names]:
        note(f"evaluation.slices: {table.name} has no column {', '.join(map(repr, lost))} to slice by", quiet)
    columns = list(dict.fromkeys([*(column for column in own if column not in lost), *slices]))
    return application.model_copy(update={"evaluation": application.evaluation.model_copy(update={"slices": columns})})


def _targets(app: App, samples: Samples, fresh: np.ndarray) -> dict[str, Target]:
    """Return the labels of the table as the tasks of the run encode them, of the tasks that fresh rows have any of.

    :raises DataError: there is no such task.
    """
    found, said = {}, []
    for name, entry in app.application.tasks.items():
        if entry.column in samples.table.names:
            found[name], problems = encode_targets(
                app.tasks[name],
                samples.table.cells(entry.column),
                name=name,
                column=entry.column,
                ids=samples.ids,
                on_bad_row=app.pipeline.policy.on_bad_row,
            )
            app.pipeline.tell_skipped(f"tasks.{name}", problems)
        if name not in found or not len(found[name].labelled_rows(fresh)):
            found.pop(name, None)
            said.append(f"tasks.{name}: no row to score has a label in column {entry.column!r}")
    if not found:
        raise DataError("; ".join(said))
    for one in said:
        note(f"{one}; the other tasks are scored", app.pipeline.quiet)
    return found


def _alignment(
    app: App, before: Embeddings, after: Embeddings, split: np.ndarray, scoring: Scoring
) -> dict[str, dict[str, Any]]:
    """Return how well the aligned inputs of the run lie together in these rows; nothing where it aligned none."""
    judging = Judging(
        groups=scoring.groups,
        resamples=scoring.beside().resamples,
        seed=scoring.seed,
        parts=("test",),
        directions=False,
    )
    return score_alignment(before, after, list(app.pipeline.maps), split, judging=judging)


def _unseen(app: App, samples: Samples) -> np.ndarray:
    """Return the bool mask of rows the run neither learned from nor was chosen by.

    A row is known by its id, also where a program wrote that otherwise (``7`` for ``007``). Of an application without
    ids only the whole table it was made with is recognised.
    """
    if app.application.id is None:
        if table_fingerprint(samples.table) == app.document["data"]["table"]:
            raise DataError(
                f"{samples.table.name} is the table {app.folder} was made with, and a score on it would flatter; give "
                "rows it has not seen, or read metrics.json for its test rows"
            )
        note("the application has no id column, so rows it was trained on cannot be recognised", app.pipeline.quiet)
        return np.ones(len(samples), dtype=bool)
    used = _used_ids(app.folder)
    fresh = np.array([plain_id(name) not in used for name in samples.ids], dtype=bool)
    if not fresh.any():
        raise DataError(
            f"all {len(samples)} rows were used to make {app.folder}, and a score on them would flatter; give rows it "
            "has not seen, or read metrics.json for its test rows"
        )
    if not fresh.all():
        note(
            f"left out {int((~fresh).sum())} rows that {app.folder} was made with; scoring {int(fresh.sum())}",
            app.pipeline.quiet,
        )
    return fresh


def _used_ids(folder: Path) -> set[str]:
    """Return the ids of the rows a run was made with, as they are recognised."""
    return {plain_id(name) for name, part in zip(*split_ids(folder), strict=True) if part in ("train", "val")}
