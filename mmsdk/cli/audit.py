"""``mmsdk audit``: check that an audit log is whole."""

from __future__ import annotations

import dataclasses

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.plugins import resolve


@click.group()
def audit() -> None:
    """Check the log of answers that predict --audit writes."""


@audit.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--head", metavar="HASH", help="A hash that was the last one once: it must still be there.")
@options.as_json
@options.quiet
def verify(*, file: str, head: str | None, as_json: bool) -> None:
    """Say whether FILE is whole: no line changed, left out or put in; exit code 1 where not."""
    found = resolve("mmsdk.journal:verify_journal")(file, head=head)
    if as_json:
        print_json({**dataclasses.asdict(found), "whole": found.whole})
    else:
        torn = f"; {found.torn} bytes at the end were cut short by a kill" if found.torn else ""
        click.echo(f"{found.lines} lines, {'whole' if found.whole else found.problem}{torn}")
        click.echo(f"head {found.head}")
    if not found.whole:
        raise click.exceptions.Exit(1)
