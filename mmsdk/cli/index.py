"""``mmsdk index``: add and remove rows of a run, compact it, and look at it."""

from __future__ import annotations

from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import ids_of, open_run, run
from mmsdk.cli.text import megabytes


@click.group()
def index() -> None:
    """Add, remove and compact the rows of a run."""


@index.command()
@run
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@options.device
@options.as_json
@options.reading
def add(
    *, run: str, data: str, device: str, as_json: bool, on_bad_row: str, allow_outside: bool, allow_remote: bool
) -> None:
    """Embed the rows of DATA and add them; a known id is replaced."""
    app = open_run(run, device=device, on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    added = len(app.index.add(data))
    _say(app, as_json, {"added": added}, f"{added} rows added; {len(app.index)} in all")


@index.command()
@run
@click.option("--id", "ids", metavar="ID,ID,...", required=True, help="Which rows.")
@options.as_json
@options.quiet
def remove(*, run: str, ids: str, as_json: bool) -> None:
    """Remove rows by id."""
    app = open_run(run)
    asked = ids_of(ids)
    absent = [one for one in asked if one not in app.index]
    removed = app.index.remove(asked)
    told = f"; not there: {', '.join(absent)}" if absent else ""
    _say(app, as_json, {"removed": removed, "absent": absent}, f"{removed} rows removed; {len(app.index)} left{told}")


@index.command()
@run
@options.as_json
@options.quiet
def compact(*, run: str, as_json: bool) -> None:
    """Drop what was removed and build the snapshot anew."""
    app = open_run(run)
    app.index.compact()
    _say(app, as_json, {"compacted": True}, f"compacted; {len(app.index)} rows")


@index.command()
@run
@options.as_json
@options.quiet
def info(*, run: str, as_json: bool) -> None:
    """Show the type of the index and why, its size and fingerprint."""
    app = open_run(run)
    found = app.index.info()
    if as_json:
        print_json(found)
        return
    for name, facts in found.items():
        size = megabytes(sum(facts["bytes"].values()))
        click.echo(f"{name}: {facts['count']} rows x {facts['dim']} ({facts['metric']}), {facts['type']}, {size}")
        click.echo(f"  why {facts['type']}: {facts['why']}")
        click.echo(f"  fingerprint: {facts['fingerprint']}")


def _say(app: Any, as_json: bool, facts: dict[str, Any], sentence: str) -> None:
    """Print what happened."""
    if as_json:
        print_json({**facts, "count": len(app.index)})
    else:
        click.echo(sentence)
