"""``mmsdk recipe``: list the installed recipes, run one."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli import options
from mmsdk.cli.figures import print_run
from mmsdk.cli.output import print_json
from mmsdk.cli.plan import print_plan
from mmsdk.cli.shell import width
from mmsdk.errors import unknown
from mmsdk.plugins import get_registry, resolve, shown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = {  # kind of a setting -> what stands for its value
    "text": "TEXT",
    "number": "NUMBER",
    "whole number": "WHOLE-NUMBER",
    "share": "SHARE",
    "true or false": "true|false",
    "list": "[A, B]",
    "column": "COLUMN",
    "file": "FILE",
}


class RecipeGroup(click.Group):
    """``list``, and one command for each installed recipe."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return ``list`` and the recipes."""
        return ["list", *_specs()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command that runs a recipe; the recipe itself is imported when it runs."""
        if cmd_name == "list":
            return list_
        entries = get_registry().entries("recipe")
        if not any(cmd_name in (entry.spec.name, entry.name) for entry in entries):
            return None
        spec: Any = get_registry().get("recipe", cmd_name).spec
        return _command(cmd_name, spec)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; an unknown recipe gets the nearest known one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("recipe", args[0], _specs()) + get_registry().broken_hint())
        return super().resolve_command(ctx, args)


@click.command(cls=RecipeGroup)
def recipe() -> None:
    """Run a ready application: on its own sample, or on your table."""


@click.command("list")
@options.as_json
@options.quiet
def list_(as_json: bool) -> None:
    """List what is installed and what data each takes."""
    specs = _specs()
    if as_json:
        print_json([_document(name, spec) for name, spec in specs.items()])
        return
    for name, spec in specs.items():
        click.echo(name)
        for line in (spec.summary, f"takes {spec.takes}"):
            click.echo(click.wrap_text(line, width(), "  ", "  "))
    if specs:
        click.echo("mmsdk recipe NAME --help says what can be set.")
    else:
        click.echo("No recipe is installed. Try: pip install mmsdk-recipe-recommend")


def _specs() -> dict[str, Any]:
    """Return name -> spec of the recipes; those whose bare name several plugins declare under ``plugin/name``."""
    entries = get_registry().entries("recipe")
    return {shown_name(entry, entries): entry.spec for entry in entries}


def _document(name: str, spec: Any) -> dict[str, Any]:
    """Return a recipe for ``--json``."""
    settings = {key: asdict(setting) for key, setting in spec.settings.items()}
    return {"name": name, "summary": spec.summary, "takes": spec.takes, "settings": settings}


def _command(name: str, spec: Any) -> click.Command:
    """Return the click command of one recipe."""
    settings = "\n".join(_setting(key, setting) for key, setting in spec.settings.items())
    command = click.Command(
        name,
        callback=partial(_run, name),
        help=f"{spec.summary}\n\nTakes {spec.takes}. Without --data it runs on a synthetic sample."
        + (f"\n\n\b\nSettings of its own:\n{settings}" if settings else ""),
        short_help=spec.summary,
    )
    command = options.fitting(command)
    command.params.reverse()  # click adds options to a command in the other order than to a function
    return command


def _setting(key: str, setting: Any) -> str:
    """Return a setting as ``--help`` shows it: what may be said, what is taken where nothing is, what it does."""
    said = f"{key}={'|'.join(setting.choices) or SAID[setting.kind]}"
    said = f"'{said}'" if setting.kind == "list" else said  # a shell parts words at spaces
    default = f" (default {_yaml(setting.default)})" if setting.default is not None else ""
    what = click.wrap_text(setting.what, width() - 4, "    ", "    ")
    return f"--set {said}{default}\n{what}"


def _yaml(value: Any) -> str:
    """Return a default as one would say it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _run(name: str, **given: Any) -> None:
    """Run a recipe; the plan, the recipe and the fit read a file once between them."""
    with resolve("mmsdk.data:reading_once")():
        _fit(name, **given)


def _fit(
    name: str,
    *,
    data: str | None,
    out: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    seed: int | None,
    device: str,
    dry_run: bool,
    as_json: bool,
    overwrite: bool,
    on_bad_row: str,
    allow_outside: bool,
    allow_remote: bool,
) -> None:
    """Plan, fit, and print the figures."""
    parsed = resolve("mmsdk.config:parse_set")(settings)
    planned = resolve("mmsdk.app.recipes:plan_recipe")(name, data=data, settings=parsed, preset=preset, seed=seed)
    reading = {
        "device": device,
        "on_bad_row": on_bad_row,
        "allow_outside": allow_outside,
        "allow_remote": allow_remote,
    }
    for line in _read(planned):
        resolve("mmsdk.progress:note")(line)
    if dry_run:
        print_plan(planned.application, as_json=as_json, **reading)
        return
    folder = Path(out) if out else Path("runs") / name
    origin = planned.origin(
        title=f"{name}: {'a synthetic sample' if planned.synthetic else Path(str(data)).name}",
        command=shlex.join(["mmsdk", *sys.argv[1:]]),
    )
    app = resolve("mmsdk.app.fitting:fit")(
        planned.application,
        out=folder,
        overwrite=overwrite,
        **reading,
        origin=origin,
    )
    own = () if as_json else resolve("mmsdk.app.own_words:recipe_commands")(planned.recipe, app)
    print_run(app, as_json=as_json, own=own)


def _read(planned: Any) -> Iterator[str]:
    """Yield what becomes of each column of the table, and of that of interactions."""
    application = planned.application
    yield f"columns of {Path(application.data).name}, as {planned.entry.spec.name} reads them:"
    yield from resolve("mmsdk.app.understood:told")(planned.understood)
    if pairs := application.interactions:
        yield resolve("mmsdk.app.understood:told_pairs")(pairs)
