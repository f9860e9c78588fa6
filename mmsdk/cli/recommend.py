"""``mmsdk recommend``: what goes with a history, and with what the user says or shows now."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.runs import ids_of, open_run, print_hits, query_of, run


@click.command()
@run
@click.option("--history", metavar="ID,ID,...", default="", help="What was taken, oldest first; empty for a newcomer.")
@click.option("--text", metavar="T", help="What the user says or searches for now.")
@click.option("--image", metavar="F", type=click.Path(exists=True, dir_okay=False), help="What the user shows now.")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--where", metavar="FILTER", help="Only items that fit, such as 'price < 20'.")
@options.device
@options.as_json
@options.quiet
def recommend(
    *, run: str, history: str, k: int, where: str | None, device: str, as_json: bool, **given: str | None
) -> None:
    """Recommend items of RUN, never one of the history."""
    named = {modality: value for modality, value in given.items() if value is not None}
    app = open_run(run, device=device, allow_outside=bool(named))  # the person at the keyboard named the file
    query = query_of(app, named) if named else None
    print_hits(app.recommend(ids_of(history), k, where, query=query), as_json=as_json)
