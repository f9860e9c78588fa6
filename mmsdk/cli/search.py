"""``mmsdk search``: the rows of a run nearest to a text, a file or another row."""

from __future__ import annotations

from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.picking import picked, picking
from mmsdk.cli.runs import open_run, print_hits, query_of, run


@click.command()
@run
@click.option("--text", metavar="T", help="Words to look for.")
@click.option("--image", metavar="F", type=click.Path(exists=True, dir_okay=False), help="A picture to look for.")
@click.option("--audio", metavar="F", type=click.Path(exists=True, dir_okay=False), help="A sound to look for.")
@click.option("--id", "item", metavar="ID", help="A row of the index to look for the like of.")
@click.option(
    "--by",
    type=click.Choice(["content", "behaviour", "all"]),
    default="content",
    show_default=True,
    help="With --id: what looks and reads alike, what is taken together with it, or both.",
)
@picking
@options.device
@options.as_json
@options.quiet
def search(*, run: str, item: str | None, by: str, device: str, as_json: bool, **given: Any) -> None:
    """Search the index of RUN."""
    pick = picked(given)
    named = {modality: value for modality, value in given.items() if value is not None}
    if bool(named) == (item is not None):
        raise click.UsageError("expected --id, or one or more of --text, --image, --audio.")
    if by != "content" and item is None:
        raise click.UsageError("--by says how rows are like --id; give --id.")
    app = open_run(run, device=device, allow_outside=True)  # the person at the keyboard named the file
    hits = app.similar(item, by=by, **pick) if item is not None else app.search(query_of(app, named), **pick)
    print_hits(hits, as_json=as_json)
