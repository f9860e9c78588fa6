"""``mmsdk interactions``: tell a run who took what since it was fitted, and let it learn from that."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import open_run, run
from mmsdk.errors import listed


@click.group()
def interactions() -> None:
    """Add interactions to a run, and learn from them without fitting again."""


@interactions.command()
@run
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@click.option("--later", is_flag=True, help="Only keep them; 'learn' learns from all that were kept.")
@options.as_json
@options.reading
def add(
    *, run: str, data: str, later: bool, as_json: bool, on_bad_row: str, allow_outside: bool, allow_remote: bool
) -> None:
    """Add the rows of DATA, under the columns the run was fitted with, and learn from all there are.

    A row that is known (same user, item and time) counts once. Items must be in the index: add them first.
    """
    app = open_run(run, on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    found = app.interactions.add(data, learn=not later)
    facts = {
        "added": found.added,
        "known": found.known,
        "left_out": len(found.problems),
        "generation": found.generation,
        "seconds": found.seconds,
    }
    if as_json:
        print_json(facts)
        return
    for line in listed(found.problems, 5):
        click.echo(f"left out: {line}", err=True)
    click.echo(f"{found.added:,} added, {found.known:,} known, {len(found.problems):,} left out")
    if found.generation is not None:
        click.echo(_learned(found.seconds, found.generation))


@interactions.command()
@run
@options.as_json
@options.quiet
def learn(*, run: str, as_json: bool) -> None:
    """Learn from all interactions and items that were added."""
    found = open_run(run).interactions.learn()
    if as_json:
        print_json({"generation": found.generation, "seconds": found.seconds})
    else:
        click.echo(_learned(found.seconds, found.generation))


@interactions.command()
@run
@options.as_json
@options.quiet
def info(*, run: str, as_json: bool) -> None:
    """Show how many interactions the run was fitted on and how many came since."""
    facts = open_run(run).interactions.info()
    if as_json:
        print_json(facts)
        return
    click.echo(f"fitted on {facts['fitted']:,} pairs")
    click.echo(f"added since: {facts['added']:,} ({facts['not_learned']:,} not learned from yet)")
    click.echo(f"items added since: {facts['items_added']:,}")
    click.echo(f"recommends by generation {facts['generation']}")


def _learned(seconds: float, generation: int) -> str:
    """Return what learning came to."""
    return f"learned in {seconds:.1f} s; generation {generation} recommends now"
