"""``mmsdk label``: which rows to label next, as a file to fill in."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.runs import open_run, run
from mmsdk.files import check_output
from mmsdk.plugins import resolve


@click.command()
@run
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@click.option("--out", metavar="FILE", required=True, help="Where to write: .csv, .tsv, .jsonl or .parquet.")
@click.option("-k", default=50, show_default=True, metavar="N", help="How many rows to ask for.")
@click.option("--task", metavar="NAME", default=None, help="Whose label is asked for; every task where left out.")
@click.option(
    "--filled",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    default=None,
    help="Choose nothing: put the labels of this filled file into DATA, by id.",
)
@options.device
@options.as_json
@options.reading
def label(
    *,
    run: str,
    data: str,
    out: str,
    k: int,
    task: str | None,
    filled: str | None,
    device: str,
    as_json: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Choose the rows of DATA whose labels would teach RUN most."""
    path = check_output(out, resolve("mmsdk.app.predictions:FORMATS"), *([] if filled else [data]))
    app = open_run(run, device=device, on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    if filled is None:
        table = resolve("mmsdk.app.labelling:label")(app, data, k, task=task)
    else:
        table = resolve("mmsdk.app.labelling:fill_labels")(app, data, filled)
    flat = resolve("mmsdk.app.labelling:as_flat")(table) if path.suffix in (".csv", ".tsv") else table
    resolve("mmsdk.app.predictions:write_table")(path, flat, for_people=filled is None)
    if as_json:
        print_json({"out": str(path), "rows": table.num_rows, "columns": table.column_names})
        return
    columns = [app.application.tasks[one].column for one in ([task] if task else app.tasks)]
    click.echo(f"{table.num_rows} rows written to {path}")
    click.echo(f"fill in: {', '.join(columns)}" if filled is None else "fit again with it as the data")
