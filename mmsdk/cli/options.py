"""Options that several commands share: one word means one thing everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from mmsdk import progress
from mmsdk.cli.output import nothing_else

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def _hush(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Tell the process to be quiet; the outermost command starts from loud."""
    if value or ctx.parent is None:
        progress.configure(quiet=value)


data = click.option("--data", metavar="PATH", default=None, help="Your table: CSV, TSV, JSONL or Parquet.")
"""``data: str | None``."""

out = click.option("--out", metavar="PATH", default=None, help="Where to write.")
"""``out: str | None``."""

preset = click.option("--preset", metavar="NAME", default=None, help="A named choice of encoders.")
"""``preset: str | None``."""

settings = click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set a key of the application; may be repeated."
)
"""``settings: tuple[str, ...]``, for ``mmsdk.config.parse_set``."""

seed = click.option("--seed", type=int, default=None, metavar="N", help="Seed of everything random.")
"""``seed: int | None``."""

device = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="Compute on."
)
"""``device: str``."""

dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done and fetched; do nothing.")
"""``dry_run: bool``."""


def _alone(ctx: click.Context, _: click.Parameter, asked: bool) -> bool:
    """Keep stdout for the document, from here to the end of the command."""
    if asked:
        ctx.with_resource(nothing_else())
    return asked


as_json = click.option(
    "--json", "as_json", is_flag=True, callback=_alone, help="Print one JSON document and nothing else."
)
"""``as_json: bool``."""

quiet = click.option(
    "--quiet", is_flag=True, expose_value=False, callback=_hush, help="No progress and no notes on stderr."
)
"""No parameter: ``mmsdk.progress`` is told."""

on_bad_row = click.option(
    "--on-bad-row",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="Refuse the table, or take bad cells for missing ones.",
)
"""``on_bad_row: str``."""

allow_outside = click.option("--allow-outside", is_flag=True, help="Let paths leave the folder of the table.")
"""``allow_outside: bool``."""

allow_remote = click.option("--allow-remote", is_flag=True, help="Let cells name s3:// and http(s):// files.")
"""``allow_remote: bool``."""

overwrite = click.option("--overwrite", is_flag=True, help="Replace an existing run.")
"""``overwrite: bool``."""


def reading(command: F) -> F:
    """Add what every command that reads a table takes: bad rows, outside, remote, quiet."""
    for option in (quiet, allow_remote, allow_outside, on_bad_row):
        command = option(command)
    return command


def fitting(command: F) -> F:
    """Add what every command that makes a run takes."""
    for option in (reading, overwrite, as_json, dry_run, device, seed, settings, preset, out, data):
        command = option(command)
    return command
