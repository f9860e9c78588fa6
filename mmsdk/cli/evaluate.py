"""``mmsdk evaluate``: a run scored on labelled rows it has not seen."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.figures import headlines, print_metrics
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import open_run, run
from mmsdk.plugins import resolve


@click.command()
@run
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@options.device
@options.as_json
@options.reading
def evaluate(
    *, run: str, data: str, device: str, as_json: bool, on_bad_row: str, allow_outside: bool, allow_remote: bool
) -> None:
    """Score RUN on the labelled rows of DATA; rows it was made with are left out."""
    app = open_run(run, device=device, on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    metrics = resolve("mmsdk.app.evaluating:evaluate")(app, data)
    if as_json:
        print_json(metrics)
    else:
        print_metrics(metrics, headlines(app.document))
