"""``mmsdk cache``: how large the embedding cache is, and making it smaller."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.text import megabytes, parse_size
from mmsdk.plugins import resolve


@click.group()
def cache() -> None:
    """Show and prune the embedding cache."""


@cache.command()
@options.as_json
@options.quiet
def info(as_json: bool) -> None:
    """Show where the cache lies and how much it holds."""
    facts = _open().info()
    if as_json:
        print_json(dataclasses.asdict(facts))
        return
    click.echo(f"folder: {facts.folder}")
    click.echo(f"vectors: {facts.entries:,}, {megabytes(facts.bytes)} ({megabytes(facts.disk_bytes)} on the disk)")
    click.echo(f"at most: {megabytes(facts.max_bytes)}")
    for encoder in facts.encoders:
        click.echo(
            f"{encoder.name}\n  {encoder.entries:,} x {encoder.dim} {encoder.precision}, {megabytes(encoder.bytes)}"
        )


@cache.command()
@click.option("--max-size", default="10GB", show_default=True, metavar="SIZE", help="Keep at most this much.")
@options.as_json
@options.quiet
def prune(max_size: str, as_json: bool) -> None:
    """Drop what was used longest ago until the cache fits."""
    limit = parse_size(max_size)
    found = _open()
    dropped = found.prune(limit)
    now = found.info()
    if as_json:
        print_json({"dropped": dropped, "entries": now.entries, "bytes": now.bytes, "max_bytes": limit})
    else:
        click.echo(f"{dropped:,} vectors dropped; {now.entries:,} kept, {megabytes(now.bytes)} of {megabytes(limit)}")


def _open() -> Any:
    """Return the embedding cache of this user."""
    return resolve("mmsdk.embed:EmbeddingCache")()
