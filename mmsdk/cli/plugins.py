"""``mmsdk plugins``: what is installed, what is broken and why, whether a plugin keeps its promises, and a new one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import finish, width
from mmsdk.plugins import KINDS, get_registry, report, resolve
from mmsdk.plugins.scaffold import TEMPLATES, write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@click.group()
def plugins() -> None:
    """Show and check what is installed; write a new plugin."""


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
@click.option("--kind", type=click.Choice(TEMPLATES), required=True, help="What it adds.")
@click.option("--to", "folder", type=click.Path(file_okay=False), default=".", help="The folder to write it into.")
@options.as_json
@options.quiet
def new(name: str, kind: str, folder: str, as_json: bool) -> None:
    """Write a new plugin called NAME (shop-photos): a distribution that installs and whose tests pass."""
    target = write_plugin(kind, name, folder)
    files = sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())
    if as_json:
        print_json({"folder": str(target), "files": files})
        return
    click.echo(f"Wrote {len(files)} files into {target}\n\nTry next:")
    for line in _next_steps(kind, name, target):
        click.echo(f"  {line}")


def _next_steps(kind: str, name: str, target: Path) -> Iterator[str]:
    """Yield the commands that install, check and use a new plugin."""
    place = shlex.quote(str(target))
    yield f"python -m pip install -e {place}"
    yield f"mmsdk plugins check {name}"
    yield f"python -m pytest {place}"
    yield f"mmsdk recipe {name}" if kind == "recipe" else f"mmsdk plugins list --kind {kind}"


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
    """Print failures in full, skips with their reason, what has one reason together, and the counts."""
    for group in _alike(results):
        first = group[0]
        checks = ", ".join(result.check for result in group)
        detail = first.detail.replace("\n", " ") if len(group) == 1 else _reason(first)
        click.echo(click.wrap_text(f"{first.status}: {first.component} {checks}", width(), "", "  "))
        click.echo(click.wrap_text(detail, width(), "  ", "  ", preserve_paragraphs=True))
    counts = {status: sum(result.status == status for result in results) for status in ("passed", "failed", "skipped")}
    click.echo(f"{name}: " + ", ".join(f"{n} {status}" for status, n in counts.items() if n or status != "skipped"))


def _alike(results: list[Any]) -> list[list[Any]]:
    """Return what did not pass, in groups of one component, status and reason."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for result in results:
        if result.status != "passed":
            groups.setdefault((result.status, result.component, _reason(result)), []).append(result)
    return list(groups.values())


def _reason(result: Any) -> str:
    """Return why a check did not pass, without what it promises where it failed."""
    promise, line, reason = result.detail.partition("\n")
    return str(reason if line else promise)
