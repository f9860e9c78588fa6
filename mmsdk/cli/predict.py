"""``mmsdk predict``: answers for a table, as a table."""

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
@click.option("--excel", is_flag=True, help="Begin a CSV or TSV with the mark by which Excel knows UTF-8.")
@click.option("--audit", metavar="LOG", help="Add a line for each answer to an append-only log.")
@options.device
@options.as_json
@options.reading
def predict(
    *,
    run: str,
    data: str,
    out: str,
    excel: bool,
    audit: str | None,
    device: str,
    as_json: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Answer every row of DATA with RUN; any input may be missing."""
    path = check_output(out, resolve("mmsdk.app.predictions:FORMATS"), data)
    app = open_run(run, device=device, on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    table = resolve("mmsdk.app.predictions:predicted")(app, data, audit=audit)
    resolve("mmsdk.app.predictions:write_table")(path, table, for_people=excel)
    if as_json:
        print_json({"out": str(path), "rows": table.num_rows, "columns": table.column_names})
    else:
        click.echo(f"{table.num_rows} rows written to {path}: {', '.join(table.column_names)}")
        blind = resolve("mmsdk.app.predictions:rows_without_input")(table)
        if told := resolve("mmsdk.app.prediction:told_blind")(blind, table.num_rows, [*app.pipeline.encoders]):
            click.echo(told)
        for task in app.tasks:
            if f"{task}_abstained" in table.column_names and (count := sum(table[f"{task}_abstained"].to_pylist())):
                click.echo(f"{task}: {count} of {table.num_rows} rows declined, their answer left empty")
