"""``mmsdk transcribe``: what is said in sounds and videos, as a column of text or as cues with their times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.errors import ConfigError, listed
from mmsdk.files import check_output
from mmsdk.plugins import resolve
from mmsdk.progress import note


@click.command()
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@click.option("--encoder", metavar="NAME", required=True, help="Who listens: whisper-base, transformers:DIR ...")
@click.option("--out", metavar="FILE", required=True, help=".csv, .tsv, .jsonl, .parquet; of a recording .vtt or .txt.")
@click.option("--column", metavar="NAME", help="The column of sounds or videos, where DATA is a table.")
@click.option("--to", metavar="NAME", help="The new column; the other one's name with _text where left out.")
@click.option("--language", metavar="CODE", help="en, zh ...; the model tells by itself where left out.")
@options.device
@options.as_json
@options.reading
def transcribe(
    *,
    data: str,
    encoder: str,
    out: str,
    column: str | None,
    to: str | None,
    language: str | None,
    device: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Write down what is said in the sounds or videos of DATA: a table, or one recording."""
    endings = resolve("mmsdk.app.cues:CUES" if column is None else "mmsdk.app.predictions:FORMATS")
    path = check_output(out, endings, data)
    heard = {"language": language, "device": device}
    if column is None:
        if to is not None:
            raise ConfigError(f"--to {to}: there is no new column without --column, which says what to listen to")
        told = _recording(Path(data), path, encoder, heard)
    else:
        told = _table(data, path, encoder, {**heard, **reading, "column": column, "to": to})
    if as_json:
        print_json(told)
        return
    click.echo("; ".join(f"{key.replace('_', ' ')} {value}" for key, value in told.items()))


def _recording(data: Path, path: Path, encoder: str, heard: dict[str, Any]) -> dict[str, Any]:
    """Write down one recording; return what to tell of it."""
    found = resolve("mmsdk.app.transcribing:transcribe_recording")(data, encoder, **heard)
    resolve("mmsdk.app.cues:write_cues")(path, found)
    return {"out": str(path), "cues": len(found.spans)}


def _table(data: str, path: Path, encoder: str, given: dict[str, Any]) -> dict[str, Any]:
    """Write down a column; return what to tell of it."""
    found = resolve("mmsdk.app.transcribing:transcribe")(data, given.pop("column"), encoder, **given)
    resolve("mmsdk.app.predictions:write_table")(path, found.table)
    for line in listed(found.problems, 3):
        click.echo(line, err=True)
    if path.resolve().parent != Path(data).resolve().parent:
        note(f"{path} lies in another folder than {data}: relative paths in it are still meant from there")
    told = {"rows": found.table.num_rows, "column": found.column, "with_speech": found.said}
    return {"out": str(path), **told, "unread": len(found.problems)}
