"""``mmsdk doctor``: run every health check that plugins declare; exit 1 when one finds a fault."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import finish, width
from mmsdk.errors import PluginError
from mmsdk.plugins import get_registry
from mmsdk.specs import Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.plugins import Entry


@click.command()
@options.as_json
@options.quiet
def doctor(as_json: bool) -> None:
    """Look for faults in this installation; exit 1 when there is one."""
    found = []
    for row in _examine():
        found.append(row)
        if not as_json:
            _print(row)
    healthy = all(row.status != "fault" for row in found)
    if as_json:
        print_json({"ok": healthy, "checks": [_as_json(row) for row in found]})
    finish(healthy)


def _examine() -> Iterator[Health]:
    """Yield what every check finds; a check that fails is itself a fault."""
    for entry in get_registry().entries("health_check"):
        try:
            yield from _rows(entry)
        except Exception as error:
            yield Health(
                name=entry.spec.name,
                status="fault",
                detail=str(error) if isinstance(error, PluginError) else f"the check failed: {error!r}",
                hint=f"plugin {entry.plugin.origin}",
            )


def _rows(entry: Entry) -> Iterator[Health]:
    """Yield the rows of one check.

    :raises TypeError: it yielded something else.
    """
    for row in entry.load()():
        if not isinstance(row, Health):
            raise TypeError(f"expected Health rows, got {type(row).__name__}")
        yield row


def _as_json(row: Health) -> dict[str, str]:
    """Return one row as JSON values."""
    return {"name": row.name, "status": row.status, "detail": row.detail, "hint": row.hint}


def _print(row: Health) -> None:
    """Print one row, wrapped under its name."""
    lines = textwrap.wrap(f"{row.status:<5} {row.name}: {row.detail}", width(), subsequent_indent=" " * 6)
    if row.hint:
        lines += textwrap.wrap(row.hint, width(), initial_indent=" " * 6, subsequent_indent=" " * 6)
    click.echo("\n".join(lines))
