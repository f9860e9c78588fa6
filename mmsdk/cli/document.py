"""docs/cli.md out of the commands themselves: ``python -m mmsdk.cli.document docs/cli.md``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmsdk.cli.recipe import RecipeGroup
from mmsdk.cli.shell import root

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 88
_HEAD = """# The command line

<!-- Written by `python -m mmsdk.cli.document docs/cli.md` from the commands themselves. Do not edit by hand. -->

Results go to stdout, progress and notes to stderr. Exit codes:

| code | meaning |
|---|---|
| 0 | done |
| 1 | the answer is "no": a check failed, `doctor` found a fault |
| 2 | you can mend it; one sentence says what, where and how |
| 70 | a bug, with its traceback |
| 130 | Ctrl-C; the same command resumes where it can |
"""
CORE = "mmsdk"


def page() -> str:
    """Return the whole page: the core's commands; those of plugins are on the plugins' own pages."""
    return "\n".join([_HEAD, *(_section(context) for context in _commands())])


def _commands() -> Iterator[click.Context]:
    """Yield a context for each of the core's commands, groups before their subcommands."""
    from mmsdk.plugins import get_registry

    top = _context(root, "mmsdk", None)
    yield top
    for entry in get_registry().entries("command"):
        if entry.plugin.name == CORE:
            command = root.get_command(top, entry.spec.name)
            assert command is not None
            yield from _below(_context(command, entry.spec.name, top))


def _below(context: click.Context) -> Iterator[click.Context]:
    """Yield a command and its subcommands; of the recipes only what is the core's."""
    yield context
    group = context.command
    if isinstance(group, click.Group):
        names = ["list"] if isinstance(group, RecipeGroup) else group.list_commands(context)
        for name in names:
            command = group.get_command(context, name)
            assert command is not None
            yield from _below(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    """Return a context that formats help in the same width everywhere."""
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )


def _section(context: click.Context) -> str:
    """Return one command's help under its name."""
    depth = "#" * min(3, 1 + len(context.command_path.split()))
    return f"{depth} {context.command_path}\n\n```text\n{_help(context)}\n```\n"


def _help(context: click.Context) -> str:
    """Return the help; the list of recipes and of plugins' commands, which differs by what is installed, is cut."""
    if isinstance(context.command, RecipeGroup) or context.parent is None:
        formatter = context.make_formatter()
        context.command.format_usage(context, formatter)
        context.command.format_help_text(context, formatter)
        click.Command.format_options(context.command, context, formatter)
        return formatter.getvalue().rstrip()
    return context.get_help().rstrip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
