"""``mmsdk cache``: how large the embedding cache is, and making it smaller."""

from __future__ import annotations

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
    facts = dict(_open().info())
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        size = isinstance(value, int) and name.endswith("bytes")
        click.echo(f"{name.replace('_', ' ')}: {megabytes(value) if size else value}")


@cache.command()
@click.option("--max-size", default="10GB", show_default=True, metavar="SIZE", help="Keep at most this much.")
@options.as_json
@options.quiet
def prune(max_size: str, as_json: bool) -> None:
    """Drop what was used longest ago until the cache fits."""
    limit = parse_size(max_size)
    found = _open()
    before = _bytes(found.info())
    found.prune(limit)
    after = _bytes(found.info())
    if as_json:
        print_json({"bytes_before": before, "bytes": after, "max_bytes": limit})
    else:
        click.echo(f"{megabytes(before)} before, {megabytes(after)} now, at most {megabytes(limit)}")


def _open() -> Any:
    """Return the embedding cache of this user."""
    return resolve("mmsdk.embed:EmbeddingCache")()


def _bytes(facts: Any) -> int:
    """Return the size that the cache reports."""
    return int(facts["bytes"])
