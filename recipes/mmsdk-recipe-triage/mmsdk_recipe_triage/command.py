"""``mmsdk triage``: the worklist of a run for new cases, as a page, a table or JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk import atomic_write, check_output, load
from mmsdk_recipe_triage.page import known_cases, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk_recipe_triage.worklist import Case

ENDINGS = (".html", ".csv", ".json")
TEXTS = ("possible", "fired", "unjudged", "missing")
COLUMNS = ("place", "id", "answer", "to_a_person", "level", "confidence", *TEXTS, "known")


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(exists=True, file_okay=False))
@click.argument("data", metavar="DATA", type=click.Path(exists=True))
@click.option("--out", metavar="FILE", required=True, help="Where to write: .html, .csv or .json.")
@click.option(
    "--evidence", type=click.IntRange(min=0), default=20, show_default=True, help="So many cases get evidence."
)
@click.option("--audit", metavar="LOG", help="Add a line for each answer to an append-only log.")
@click.option("--on-bad-row", type=click.Choice(["error", "skip"]), default="skip", show_default=True)
@click.option("--allow-outside", is_flag=True, help="Let paths leave the folder of the table.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def triage(
    *,
    run: str,
    data: str,
    out: str,
    evidence: int,
    audit: str | None,
    on_bad_row: Any,
    allow_outside: bool,
    as_json: bool,
) -> None:
    """Sort the cases of DATA by urgency with RUN: decision support under evaluation, not a medical device."""
    from mmsdk_recipe_triage.fhir import is_bundles, table_of
    from mmsdk_recipe_triage.worklist import worklist

    path = check_output(out, ENDINGS, data)
    app = load(run, quiet=True, on_bad_row=on_bad_row, allow_outside=allow_outside)
    try:
        table = table_of(Path(data)) if is_bundles(Path(data)) else Path(data)
        found = worklist(app, table, evidence=evidence, audit=Path(audit) if audit else None)
        text = _written(app, found, path.suffix, Path(data).name)
    finally:
        app.close()
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")
    people = sum(case.to_a_person for case in found)
    counts = {"rules": sum(bool(case.fired) for case in found), "known": sum(case.known for case in found)}
    told = {"out": str(path), "cases": len(found), "to_a_person": people, **counts}
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{len(found)} cases, {people} for a person to judge: {path}")
    if told["known"]:
        click.echo(known_cases(found), err=True)


def _written(app: Any, cases: Sequence[Case], ending: str, name: str) -> str:
    """Return the worklist as its ending says."""
    from mmsdk_recipe_triage.recipe import NOTICE

    notice = app.application.notice or NOTICE
    if ending == ".json":
        document = {"notice": notice, "model": app.document["fingerprint"], "cases": [one.document() for one in cases]}
        return json.dumps(document, ensure_ascii=False, indent=2)
    if ending == ".csv":
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, "notice"])
        writer.writerows([*_cells(place, case), notice] for place, case in enumerate(cases, 1))
        return "\ufeff" + stream.getvalue()  # the byte order mark without which Excel takes Chinese for something else
    order = next((tuple(one.order) for one in app.application.tasks.values() if one.order), ())
    told = "Most urgent first; rules before the rest." if order else "Nobody said an order: least sure first."
    return render(cases, title=f"Worklist: {name}", notice=notice, order=order, sorted_by=told)


def _cells(place: int, case: Case) -> list[Any]:
    """Return a case as a row."""
    confidence = "" if case.confidence is None else f"{case.confidence:.4f}"
    texts = ["|".join(getattr(case, name)) for name in TEXTS]
    return [place, case.id, case.answer or "", case.to_a_person, case.level, confidence, *texts, case.known]
