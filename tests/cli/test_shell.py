"""The shell: exit codes, hints, laziness of help, plugin commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mmsdk
from mmsdk.cli.shell import run
from mmsdk.progress import configure, is_quiet
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = """
    import errno
    import os
    import signal
    import sys

    import click

    from mmsdk import CommandSpec, ConfigError, hookimpl
    from mmsdk.cli import options
    from mmsdk.progress import note

    @hookimpl
    def mmsdk_commands():
        for name in NAMES:
            yield CommandSpec(name=name, target="fake_commands:" + name.replace("-", "_"), summary=name + " now.")

    NAMES = ("mend", "bug", "stop", "torn", "full", "no-permission", "no", "fine", "number", "talk", "not-one",
             "ghost", "pipe", "other", "suicide")

    def command(function):
        return click.command()(function)

    @command
    def mend():
        raise ConfigError("app.yaml: inputs.photo: no key named 'colum'. Did you mean 'column'?")

    @command
    def bug():
        raise ZeroDivisionError("division by zero")

    @command
    def stop():
        raise KeyboardInterrupt

    @command
    def torn():
        raise EOFError("file ends early")

    @command
    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "runs/x")

    @command
    def no_permission():
        raise PermissionError(errno.EACCES, "Permission denied", "/root/x")

    @click.command()
    @click.pass_context
    def no(ctx):
        ctx.exit(1)

    @command
    def fine():
        return "a value that is not an exit code"

    @command
    def number():
        return 1

    @click.command()
    @options.quiet
    def talk():
        note("working")
        click.echo("done")

    not_one = 3

    @command
    def pipe():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    @command
    def other():
        raise click.ClickException("not today")

    @command
    def suicide():
        os.kill(os.getpid(), signal.SIGINT)
        import time
        time.sleep(10)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    write_distribution(tmp_path, "mmsdk-shell", modules={"fake_commands": COMMANDS})
    with installed(tmp_path):
        yield tmp_path
    configure(quiet=False)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("mend", 2, "Error: app.yaml: inputs.photo: no key named 'colum'. Did you mean 'column'?\n"),
        ("full", 2, "Error: No space left on device: 'runs/x'. Free space, or choose another place to write\n"),
        ("no-permission", 2, "Error: Permission denied: '/root/x'. Free space, or choose another place to write\n"),
        ("other", 2, "Error: not today\n"),
        ("no", 1, ""),
        ("number", 1, ""),
        ("fine", 0, ""),
        (
            "not-one",
            2,
            "Error: the command 'not-one' of plugin shell (mmsdk-shell 0.1.0) is int, expected a click.Command",
        ),
        ("ghost", 2, "Error: the command 'ghost' of plugin shell (mmsdk-shell 0.1.0) cannot be imported from"),
    ],
)
def test_exit_codes(site: Path, name: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(said)
    assert shown.err.count("\n") <= 1


@pytest.mark.parametrize(
    ("name", "error"), [("bug", "ZeroDivisionError: division by zero"), ("torn", "EOFError: file ends")]
)
def test_a_bug_shows_its_traceback(site: Path, name: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name]) == 70
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert error in shown
    assert "This is a bug in the plugin shell (mmsdk-shell 0.1.0), not in what you typed." in shown


def test_ctrl_c(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stop"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself")
def test_ctrl_c_in_a_process(site: Path) -> None:
    done = spawn("suicide", path=site)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet(site: Path) -> None:
    done = spawn("pipe", path=site)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def spawn(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    return subprocess.run(
        [sys.executable, "-m", "mmsdk", *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
        cwd=Path(mmsdk.__file__).parent.parent,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["talk", "--quiet"], ["--quiet", "talk"], ["--quiet", "talk", "--quiet"]])
def test_quiet_anywhere(site: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("done\n", "")
    assert is_quiet()


def test_quiet_is_forgotten_by_the_next_command(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["--quiet", "talk"])
    run(["talk"])
    assert capsys.readouterr().err == "working\n"


def test_an_unknown_command_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["docter"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(
        "Error: no command named 'docter'. Did you mean 'doctor'? Commands: audit, cache, compare, doctor,"
    )
    assert shown.endswith(", worth. See `mmsdk --help`\n")


def test_an_unknown_option_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--jsn"]) == 2
    shown = capsys.readouterr().err
    assert "No such option" in shown
    assert "See `mmsdk doctor --help`" in shown
    assert ".. See" not in shown
    assert "?. See" not in shown
    assert shown.count("\n") == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"mmsdk {mmsdk.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_plugin_commands_and_imports_none(
    site: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert "recipe " in shown
    assert "ghost now." in shown


def test_help_fits_sixty_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for arguments in (
        ["--help"],
        ["plugins", "--help"],
        ["plugins", "list"],
        ["doctor", "--help"],
        ["cache", "--help"],
    ):
        assert run(arguments) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_a_command_two_plugins_declare(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "from mmsdk import CommandSpec, hookimpl\nimport click\n@hookimpl\ndef mmsdk_commands():\n" \
        "    yield CommandSpec(name='fine', target='rival:fine', summary='Rival.')\n" \
        "@click.command()\ndef fine():\n    click.echo('rival')\n"  # fmt: skip
    write_distribution(site, "mmsdk-rival", modules={"rival": source})
    assert run(["fine"]) == 2
    assert "Say which: rival/fine or shell/fine" in capsys.readouterr().err
    assert run(["rival/fine"]) == 0
    assert capsys.readouterr().out == "rival\n"
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "rival/fine" in shown
    assert "shell/fine" in shown
