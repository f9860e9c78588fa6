"""An error that nobody expected: in whose code it was raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mmsdk.cli.shell import run
from mmsdk.plugins import blamed, get_registry, resolve
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
    from mmsdk import CommandSpec, hookimpl

    @hookimpl
    def mmsdk_commands():
        yield CommandSpec(name="clumsy", target="clumsy_words:clumsy", summary="Stumbles.")
"""
WORDS = """
    import json

    import click

    from mmsdk.files import hash_file

    @click.command()
    def clumsy():
        json.loads("{")

    def asks_the_core():
        hash_file("/nowhere/at/all")
"""


@pytest.fixture
def clumsy(tmp_path: Path) -> Path:
    """A plugin whose targets lie in another module than its hooks."""
    write_distribution(
        tmp_path,
        "mmsdk-clumsy",
        modules={"clumsy_plugin": PLUGIN, "clumsy_words": WORDS},
        entry_points={"clumsy": "clumsy_plugin"},
    )
    return tmp_path


def test_a_bug_of_a_plugin_is_said_to_be_its_own(clumsy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with installed(clumsy):
        assert run(["clumsy"]) == 70
    said = capsys.readouterr().err
    assert "JSONDecodeError" in said
    assert said.endswith(
        "This is a bug in the plugin clumsy (mmsdk-clumsy 0.1.0), not in what you typed. "
        "`mmsdk plugins check clumsy` may say more.\n"
    )


def test_what_the_core_raised_is_not_the_plugins(clumsy: Path) -> None:
    with installed(clumsy):
        with pytest.raises(FileNotFoundError) as caught:
            resolve("clumsy_words:asks_the_core")()
        assert blamed(caught.value, get_registry()) is None
