"""Progress is for people at a terminal, notes are for everybody, and quiet means quiet."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest

from mmsdk.progress import configure, duration, is_quiet, note, progress

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _loud() -> Iterator[None]:
    configure(quiet=False)
    yield
    configure(quiet=False)


def draw(quiet: bool = False) -> str:
    screen = Terminal()
    with contextlib.redirect_stderr(screen), progress(3, "embedding photo", quiet, unit="row") as bar:
        bar.update(1)
        bar.update(2)
    return screen.getvalue()


def test_a_bar_on_a_terminal() -> None:
    assert "embedding photo" in draw()


def test_no_bar_when_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(3, "embedding photo") as bar:
        bar.update(3)
    assert capsys.readouterr().err == ""


def test_no_bar_when_quiet() -> None:
    assert draw(quiet=True) == ""
    configure(quiet=True)
    assert draw() == ""


def test_notes_go_to_stderr_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    note("two threads")
    note("not this", quiet=True)
    configure(quiet=True)
    assert is_quiet()
    note("nor this")
    shown = capsys.readouterr()
    assert shown.err == "two threads\n"
    assert shown.out == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (10, "10 s"),
        (89, "89 s"),
        (95, "2 min"),
        (9000, "2 h 30 min"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
