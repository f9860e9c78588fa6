"""``mmsdk inspect``: a first application file for a table on stdout, and what is wrong with the data on stderr."""

from __future__ import annotations

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.plugins import resolve


@click.command()
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
@click.option("--task", metavar="COLUMN", default=None, help="The column to learn, whatever it is called.")
@options.as_json
@options.allow_outside
@options.allow_remote
@options.quiet
def inspect(*, data: str, task: str | None, as_json: bool, allow_outside: bool, allow_remote: bool) -> None:
    """Guess the inputs and tasks of DATA as an application file, and audit the data."""
    found = resolve("mmsdk.app.inspecting:inspect")(
        data, target=task, allow_outside=allow_outside, allow_remote=allow_remote
    )
    if as_json:
        print_json({"application": found.application, "findings": [_finding(one) for one in found.findings]})
        return
    for one in found.findings:
        click.echo(str(one), err=True)
    click.echo(found.yaml.rstrip())


def _finding(one: object) -> dict[str, str]:
    """Return a finding as JSON values."""
    return {name: getattr(one, name) for name in ("severity", "code", "title", "detail")}
