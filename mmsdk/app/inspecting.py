"""``mmsdk inspect``: the application a table suggests, and an audit of its data before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmsdk.app.encoders import open_encoders
from mmsdk.app.pipeline import Pipeline
from mmsdk.audit import Finding, audit_columns, audit_duplicates, audit_groups, audit_labels
from mmsdk.config import Application, load_application
from mmsdk.data import Policy, Table, group_cells, inspect_table, read_table
from mmsdk.plugins import get_registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a look at a table gives: the guessed application, as a dict and as commented YAML, and the audit."""

    application: dict[str, Any]
    yaml: str
    findings: list[Finding]


def inspect(
    data: Any,
    *,
    target: str | None = None,
    allow_outside: bool = False,
    allow_remote: bool = False,
    quiet: bool = False,
) -> Inspection:
    """Guess an application for a table and audit its data.

    Media are embedded with the offline encoders (through the cache) to find duplicates across the split. A cell that
    cannot be used is a finding, not an error: that is what an audit is for.

    :param data: a path, or whatever :func:`mmsdk.read_table` takes.
    :param target: the column that is to be learned; guessed by the names of the columns where left out.
    :param allow_outside, allow_remote, quiet: as of :func:`mmsdk.fit`.
    """
    table = data if isinstance(data, Table) else read_table(data)
    guessed = inspect_table(table, target=target)
    findings: list[Finding] = []
    if guessed.application.get("inputs"):
        policy = Policy(on_bad_row="skip", allow_outside=allow_outside, allow_remote=allow_remote)
        findings = _audit(table, load_application(guessed.application), policy, quiet)
    return Inspection(application=guessed.application, yaml=guessed.to_yaml(), findings=findings)


def _audit(table: Table, application: Application, policy: Policy, quiet: bool) -> list[Finding]:
    """Return what is wrong with the data of a guessed application."""
    pipeline = Pipeline(application=application, encoders={}, device="cpu", policy=policy, quiet=quiet)
    samples, problems = pipeline.read(table, partial=False)
    media = media_inputs(application)
    embeddings = None
    if media:
        entries = {name: entry for name, entry in application.inputs.items() if name in media}
        pipeline.encoders = open_encoders(application.model_copy(update={"inputs": entries}), "cpu")
        embeddings = pipeline.embed(samples)
        problems = [*problems, *embeddings.stats.problems]
        pipeline.close()
    findings = list(audit_columns(samples, problems))
    used = [column for entry in application.inputs.values() for column in entry.columns]
    for name, task in application.tasks.items():
        if task.type == "classification":
            findings += audit_labels(samples, name, task.column, used)
    if application.tasks and (group := application.split.group):
        findings += audit_groups(samples.split, group_cells(samples.table.cells(group)), group)
    return findings if embeddings is None else [*findings, *audit_duplicates(samples, embeddings, media)]


def media_inputs(application: Application) -> list[str]:
    """Return the inputs whose cells are files."""
    registry = get_registry()
    found = []
    for name, entry in application.inputs.items():
        spec: Any = registry.get("modality", entry.modality).spec
        if spec.media:
            found.append(name)
    return found
