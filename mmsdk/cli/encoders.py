"""``mmsdk encoders``: which encoders there are and whose weights are here, and fetching weights into a folder."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import width
from mmsdk.cli.text import megabytes
from mmsdk.plugins import resolve
from mmsdk.progress import note

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADINGS = ("encoder", "modalities", "dim", "licence", "size", "weights")


@click.group()
def encoders() -> None:
    """Show the encoders; fetch the weights of one into a folder."""


@encoders.command("list")
@options.as_json
@options.quiet
def list_(as_json: bool) -> None:
    """List the registered encoders: what they take, their licence and size, and whether their weights are here."""
    found = resolve("mmsdk.app.pulling:known_encoders")()
    if as_json:
        print_json({"encoders": [dataclasses.asdict(one) for one in found]})
        return
    rows = [_row(one) for one in found]
    for line in _table([HEADINGS, *rows]) or _paragraphs(rows):
        click.echo(line)


@encoders.command()
@click.argument("name")
@click.option("--to", metavar="DIR", default=None, help="The folder; by default one that is found by itself.")
@options.as_json
@options.quiet
def pull(name: str, to: str | None, as_json: bool) -> None:
    """Fetch the model of the encoder NAME, with the hash of each file.

    NAME is a registered encoder, or any model: transformers:HUB-ID, transformers:HUB-ID@REVISION. The same command
    goes on with a download that was interrupted. Without --to the folder lies in MMSDK_MODELS_DIR, else in `models` of
    the cache folder, where the encoder looks first.
    """
    note(f"fetching the model of {name}")
    found = resolve("mmsdk.app.pulling:pull")(name, to)
    facts = found.manifest
    if as_json:
        print_json({"folder": str(found.folder), "bytes": found.size, **facts})
        return
    licence = facts["licence"] or "licence unknown"
    click.echo(f"{facts['repo']} at {facts['revision']}")
    click.echo(f"{len(facts['files'])} files, {megabytes(found.size)}; {licence}")
    click.echo(f"in {found.folder}")
    if to is not None:
        scheme = resolve("mmsdk.embed.models:model_of")(name).scheme
        click.echo(f"as an encoder: {scheme}:{found.folder}")


def _row(one: Any) -> tuple[str, ...]:
    """Return an encoder in words."""
    dim = str(one.dim) if one.dim else "learned"
    size = megabytes(one.size) if one.size else ""
    return one.name, ", ".join(one.modalities), dim, one.licence, size, one.state


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return aligned lines; none where the terminal is too narrow for them. What an extra lacks may be cut."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    most = width()
    if sum(widths) + 2 * len(widths) + len("to fetch") > most:
        return []
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return [line if len(line) <= most else f"{line[: most - 1]}…" for line in lines]


def _paragraphs(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a name and an indented line of facts each."""
    lines = []
    for name, modalities, dim, licence, size, state in rows:
        numbers = f"{dim} numbers" if dim.isdigit() else "numbers as learned"
        facts = "; ".join(part for part in (modalities, numbers, licence, size, state) if part)
        lines.append(name)
        lines += textwrap.wrap(facts, width(), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return lines
