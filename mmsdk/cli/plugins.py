"""``mmsdk plugins``: what is installed, what is broken and why, and whether a plugin keeps its promises."""

from __future__ import annotations

from typing import Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import finish, width
from mmsdk.plugins import KINDS, get_registry, report, resolve


@click.group()
def plugins() -> None:
    """Show and check what is installed."""


@plugins.command("list")
@click.option("--kind", type=click.Choice(list(KINDS)), default=None, help="List components of one kind instead.")
@options.as_json
@options.quiet
def list_(kind: str | None, as_json: bool) -> None:
    """List the plugins, or with --kind the components of one kind."""
    registry = get_registry()
    if kind is None:
        print_json(report.rows_as_json(registry.rows)) if as_json else click.echo(
            report.rows_as_text(registry.rows, width())
        )
        return
    entries = registry.entries(kind)
    if as_json:
        print_json(report.entries_as_json(kind, entries))
    else:
        click.echo(report.entries_as_text(entries, width()) or f"No {kind} is installed.")


@plugins.command()
@click.argument("name")
@options.as_json
@options.quiet
def check(name: str, as_json: bool) -> None:
    """Run the conformance checks on the plugin NAME; exit 1 when one fails."""
    results = resolve("mmsdk.testing:check_plugin")(name)
    if as_json:
        print_json({"plugin": name, "ok": all(result.ok for result in results), "checks": [_row(r) for r in results]})
    else:
        _print(name, results)
    finish(all(result.ok for result in results))


def _row(result: Any) -> dict[str, str]:
    """Return one result as JSON values."""
    return {
        "component": result.component,
        "check": result.check,
        "status": result.status,
        "detail": result.detail,
    }


def _print(name: str, results: list[Any]) -> None:
    """Print failures in full, skips with their reason, and the counts."""
    for result in results:
        if result.status != "passed":
            click.echo(f"{result.status}: {result.component} {result.check}")
            click.echo(click.wrap_text(result.detail, width(), "  ", "  ", preserve_paragraphs=True))
    counts = {status: sum(result.status == status for result in results) for status in ("passed", "failed", "skipped")}
    click.echo(f"{name}: " + ", ".join(f"{n} {status}" for status, n in counts.items() if n or status != "skipped"))
