"""The ``mmsdk`` command itself: its subcommands come from plugins, and its exit codes mean what product.md says.

0 done; 1 the answer is "no"; 2 the user can mend it, in one sentence; 70 a bug, with its traceback; 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mmsdk import __version__
from mmsdk.cli import options
from mmsdk.cli.output import nothing_else
from mmsdk.errors import MmsdkError, PluginError, unknown
from mmsdk.plugins import blamed, get_registry, shown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, NO, MENDABLE, BUG, INTERRUPTED = 0, 1, 2, 70, 130
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.ENAMETOOLONG}


class _ReaderGone(Exception):  # noqa: N818 - never leaves this module
    """The reader of a pipe (``| head``) has seen enough."""


class PluginGroup(click.Group):
    """A group whose commands are declared by plugins; help reads their specs and imports none of them."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click would end a closed pipe with 1, which here means "no"."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in order of declaration, the core's first."""
        return list(_summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command.

        :raises PluginError: several plugins declare it, or it cannot be imported, or it is no command.
        """
        names = _summaries()
        if cmd_name not in names and "/" not in cmd_name and not _declared(cmd_name):
            return None
        entry = get_registry().get("command", cmd_name)
        command = entry.load()
        if not isinstance(command, click.Command):
            raise PluginError(
                f"the command {cmd_name!r} of plugin {entry.plugin.origin} is {type(command).__name__}, "
                f"expected a click.Command at {entry.spec.target!r}"
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; an unknown name gets the nearest known one and the list."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("command", args[0], _summaries(), listed="Commands") + get_registry().broken_hint())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each name with its summary."""
        if rows := list(_summaries().items()):
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.group(
    cls=PluginGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, "--version", message="mmsdk %(version)s")
@options.quiet
@click.pass_context
def root(ctx: click.Context) -> None:
    """Multimodal applications from a table and the files beside it.

    Start here: mmsdk recipe recommend
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; what failed has been written to stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with nothing_else() if "--json" in given else contextlib.nullcontext():
            get_registry()  # imports plugins, which may print
        answer = root.main(given, prog_name="mmsdk", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        return _failed(error)
    return answer if type(answer) is int else OK


def _failed(error: BaseException) -> int:
    """Say what failed on stderr and return the exit code for it."""
    if isinstance(error, click.Abort) and isinstance(error.__cause__, EOFError):
        error = error.__cause__  # click takes an end of file for Ctrl-C; from a torn file it is a bug
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return _say("Interrupted. The same command resumes where it can.", INTERRUPTED)
    if isinstance(error, click.UsageError) and error.format_message().startswith("Usage: "):
        return _say(error.format_message(), MENDABLE)  # a group by itself: click's error is the help, and no sentence
    if isinstance(error, BrokenPipeError | _ReaderGone):
        return _nobody_reads()
    if sentence := _mendable(error):
        return _say(f"Error: {sentence}", MENDABLE)
    traceback.print_exception(error)
    return _say(_whose(error), BUG)


def _whose(error: BaseException) -> str:
    """Return whose bug it is, as far as the traceback tells."""
    row = blamed(error, get_registry())
    if row is None:
        return "This is a bug in mmsdk or in a plugin, not in what you typed. `mmsdk doctor` may name it."
    hint = f"`mmsdk plugins check {row.name}` may say more"
    return f"This is a bug in the plugin {row.origin}, not in what you typed. {hint}."


def _mendable(error: BaseException) -> str:
    """Return the sentence for what the user can mend, empty for a bug."""
    match error:
        case click.UsageError(ctx=click.Context() as context):
            message = error.format_message().rstrip()
            stop = "" if message.endswith((".", "?", "!")) else "."
            return f"{message}{stop} See `{context.command_path} --help`"
        case click.ClickException():
            return error.format_message()
        case MmsdkError():
            return str(error)
        case OSError() if error.errno in _DISK:
            place = f": {error.filename!r}" if error.filename else ""
            return f"{error.strerror}{place}. Free space, or choose another place to write"
    return ""


def _say(text: str, code: int) -> int:
    """Write to stderr and return the code."""
    click.echo(text, err=True)
    return code


def _nobody_reads() -> int:
    """End quietly; the pipe cannot be flushed any more."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - python flushes it at exit
    return OK


def _summaries() -> dict[str, str]:
    """Return command -> summary; commands whose bare name clashes under ``plugin/name``."""
    entries = get_registry().entries("command")
    return {shown_name(entry, entries): entry.spec.summary for entry in entries}


def _declared(name: str) -> bool:
    """Return whether any plugin declares the bare name."""
    return any(entry.spec.name == name for entry in get_registry().entries("command"))


def width() -> int:
    """Return the columns to write in: the terminal's, at most 100."""
    return min(shutil.get_terminal_size().columns, 100)


def on_terminal() -> bool:
    """Return whether somebody reads the results on a terminal; else a file or a program gets them whole."""
    return sys.stdout.isatty()


def finish(ok: bool) -> None:
    """Leave the running command with 0, or with 1 where the answer is "no"."""
    context: Any = click.get_current_context()
    context.exit(OK if ok else NO)
