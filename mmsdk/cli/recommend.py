"""``mmsdk recommend``: what goes with a history."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.runs import ids_of, open_run, print_hits, run


@click.command()
@run
@click.option("--history", metavar="ID,ID,...", default="", help="What was taken, oldest first; empty for a newcomer.")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--where", metavar="FILTER", help="Only items that fit, such as 'price < 20'.")
@options.device
@options.as_json
@options.quiet
def recommend(*, run: str, history: str, k: int, where: str | None, device: str, as_json: bool) -> None:
    """Recommend items of RUN, never one of the history."""
    print_hits(open_run(run, device=device).recommend(ids_of(history), k, where), as_json=as_json)
