"""``mmsdk explain``: why a run answers a row as it does."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import open_run, run
from mmsdk.cli.shell import width
from mmsdk.cli.text import clipped, padded
from mmsdk.plugins import resolve
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.explain import Check, Evidence, Explanation

SHOWN = 8
NAME, BAR = 26, 20
GO_BY = "go by what each input adds, above"
MARKS = {True: "ok  ", False: "FAIL", None: "–   "}


@click.command()
@run
@click.option("--id", "item", metavar="ID", help="A row of the run, or of --data.")
@click.option("--data", metavar="TABLE", type=click.Path(exists=True, dir_okay=False), help="The table --id is in.")
@click.option("--row", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="A row as a JSON object.")
@click.option("--task", metavar="NAME", help="Which answer; the first task where left out.")
@click.option("--label", metavar="LABEL", help="Explain this label, not the answered one.")
@click.option(
    "--scale",
    type=click.Choice(["probability", "log-odds"]),
    default="probability",
    show_default=True,
    help="What is divided up among the inputs.",
)
@click.option(
    "--check", metavar="TABLE", type=click.Path(exists=True, dir_okay=False), help="Check explanations of rows."
)
@click.option("--rows", type=click.IntRange(min=5), default=40, show_default=True, help="How many rows --check takes.")
@click.option("--out", metavar="FILE.html", type=click.Path(dir_okay=False), help="Draw it as a page.")
@click.option("-k", type=click.IntRange(min=0), default=5, show_default=True, help="How many nearest training rows.")
@options.device
@options.as_json
@options.reading
def explain(
    *,
    run: str,
    item: str | None,
    data: str | None,
    row: str | None,
    task: str | None,
    label: str | None,
    scale: str,
    check: str | None,
    rows: int,
    out: str | None,
    k: int,
    device: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Say why RUN answers a row as it does: what each input is worth, what in it, which training rows are like it."""
    if sum(one is not None for one in (item, row, check)) != 1:
        raise click.UsageError("expected one of --id, --row and --check.")
    if data is not None and item is None:
        raise click.UsageError("--data needs --id.")
    app = open_run(run, device=device, **reading)
    if check is not None:
        _check(app.explainer.check(check, task=task, scale=scale, most=rows), as_json=as_json)
        return
    asked = resolve("mmsdk.app.explained_rows:asked_row")(app, item, data, row)
    found = app.explainer.explain(**asked, task=task, label=label, scale=scale, k=k)
    if out is not None:
        resolve("mmsdk.app.explained_page:write_page")(app, found, out)
    if as_json:
        print_json(found.explanation.as_json())
        return
    for line in _lines(found.explanation):
        click.echo(line)


def _check(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print the checks; a failed one is exit code 1."""
    if as_json:
        print_json([one.document() for one in checks])
    for one in () if as_json else checks:
        ahead, alike = one.ahead, one.randomised
        if ahead is None:
            click.echo(f"{MARKS[None]} {one.of}, {one.method}: fewer than five rows had a choice, not checked")
            continue
        click.echo(f"{MARKS[one.passed]} {one.of}, {one.method}, {ahead.n} rows")
        click.echo(
            f"     falls by {one.named:.4f} without what is named, by {one.random:.4f} at random; "
            f"ahead {quoted(asdict(ahead), '.4f')}"
        )
        said = "not to be had: only half is checked" if alike is None else f"{alike.value:.2f}"
        click.echo(f"     rank correlation with random weights {said}")
    if any(one.passed is False for one in checks):
        raise click.exceptions.Exit(1)


def _lines(found: Explanation) -> list[str]:
    """Return an explanation for a terminal."""
    about = f"{found.task}: {found.label if found.label is not None else f'{found.score:.4g}'}"
    abstained = " (abstained; its likeliest label is explained)" if found.output.get("abstained") else ""
    lines = [f"{about}{abstained}, {found.unit} {found.score:.3f}; {found.base:.3f} knowing nothing"]
    lines += [found.ruled()] if found.ruled() else []
    most = max((abs(one.value) for one in found.shares), default=0.0)
    lines += ["", "what each input adds" + ("" if found.exact else " (sampled)")]
    lines += [_bar(one.input, one.value, most) for one in sorted(found.shares, key=lambda one: -abs(one.value))]
    for evidence in found.evidence:
        lines += ["", *_evidence(evidence)]
    for title, rows in (("nearest training rows", found.neighbours), (f"typical of {found.label}", found.prototypes)):
        if rows:
            lines += ["", title]
            lines += [f"  {one.id}  cosine {one.similarity:.2f}  {one.told}" for one in rows]
    for looked in found.attention:
        lines += ["", *_wrapped(f"{looked.name}: what the network weighs, which it need not use; {GO_BY}", 0)]
        lines += [_bar(name, value, 1.0) for name, value in looked.weights.items()]
    return lines


def _evidence(evidence: Evidence) -> list[str]:
    """Return the pieces that matter most, and whether they pass the checks."""
    ranked = sorted(evidence.pieces, key=lambda one: -abs(one.value))[:SHOWN]
    most = abs(ranked[0].value) if ranked else 0.0
    lines = [f"in {evidence.input}, by {evidence.method} ({evidence.unit})"]
    lines += [_bar(one.name, one.value, most) for one in ranked]
    if evidence.deleted is not None:
        deleted = evidence.deleted
        lines += _wrapped(
            f"without the {deleted.pieces} named first it falls by {deleted.named:.3f}, without as many at random by "
            f"{deleted.random:.3f}, as many others being gone already"
        )
    if evidence.randomised is not None:
        lines += _wrapped(_beside_random_weights(evidence.randomised))
    return lines


def _beside_random_weights(alike: float) -> str:
    """Return how networks that have learned nothing order the pieces, and what to make of it."""
    found = "otherwise, as they should"
    if alike >= resolve("mmsdk.explain.checking:ALIKE"):
        found = "much the same: do not rely on this order"
    return f"networks of random weights order them {found} (rank correlation {alike:.2f})"


def _wrapped(line: str, indent: int = 2) -> list[str]:
    """Return a sentence as lines no wider than the terminal."""
    return click.wrap_text(line, width(), " " * indent, " " * (indent + 2)).splitlines()


def _bar(name: str, value: float, most: float) -> str:
    """Return ``name  +0.123 ######``, no wider than the terminal."""
    pad = min(NAME, max(width() - 20, 8))  # a narrow terminal cuts names before it takes the bars away
    size = round(min(BAR, max(width() - pad - 11, 0)) * abs(value) / most) if most else 0
    return f"  {padded(clipped(name, pad), pad)} {value:+.4f} {('#' if value >= 0 else '-') * size}".rstrip()
