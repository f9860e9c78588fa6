"""``mmsdk recommend``: what goes with a history or completes a set, and with what the user says or shows now."""

from __future__ import annotations

from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.picking import picked, picking
from mmsdk.cli.runs import ids_of, open_run, print_hits, query_of, run


@click.command()
@run
@click.option(
    "--history",
    metavar="ID,ID,...",
    default="",
    help="What was taken, oldest first, or a set to complete, in any order; empty for a newcomer.",
)
@click.option("--text", metavar="T", help="What the user says or searches for now.")
@click.option("--image", metavar="F", type=click.Path(exists=True, dir_okay=False), help="What the user shows now.")
@click.option("--like", metavar="ID", help="The item that the user points at now.")
@click.option(
    "--query-weight",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="How much --text, --image and --like count beside the history; 1 alone.",
)
@click.option("--why", is_flag=True, help="Say why each item is there; the parts of its score with --json.")
@picking
@options.device
@options.as_json
@options.quiet
def recommend(
    *,
    run: str,
    history: str,
    like: str | None,
    query_weight: float | None,
    why: bool,
    device: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Recommend items of RUN, never one of the history.

    Like this, but cheaper and red: --like ID --text red --where 'price < 20'.
    """
    pick = picked(given)
    named = {modality: value for modality, value in given.items() if value is not None}
    app = open_run(run, device=device, allow_outside=bool(named))  # the person at the keyboard named the file
    asked = {"query": query_of(app, named) if named else None, "like": like, "query_weight": query_weight}
    hits = app.recommend(ids_of(history), **asked, **pick)
    reasons = {hit.id: app.why(hit.id, ids_of(history), **asked) for hit in hits} if why else {}
    print_hits(hits, as_json=as_json, why=reasons)
