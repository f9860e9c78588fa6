"""The page of fusions: every one with every option and its default, in both languages; its example runs."""

from __future__ import annotations

import inspect
import re

import pytest

from mmsdk.app.searching import FUSIONS
from mmsdk.plugins import get_registry

from .pages import run_page, text


def table(page: str) -> dict[str, dict[str, str]]:
    """Return fusion -> option -> what its brackets say."""
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\|([^|]*)\|", text(page), re.MULTILINE)
    return {
        name: dict(re.findall(r"`(\w+)`\s?[(\uff08]([^()\uff08\uff09]+)[)\uff09]", cell))
        for name, cell in rows
        if name != "type"
    }


@pytest.mark.parametrize("page", ["docs/fusion.md", "docs/fusion.zh-CN.md"])
def test_every_fusion_stands_there_with_its_options(page: str) -> None:
    fusions = {one.spec.name: one.load() for one in get_registry().entries("fusion") if one.plugin.name == "mmsdk"}
    said = table(page)
    assert set(said) == set(fusions)
    for name, fusion in fusions.items():
        assert set(said[name]) == fusion.option_names(), name
        for option in said[name]:
            default = inspect.signature(fusion.__init__).parameters[option].default
            if default is not None:
                written = f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default).lower()
                assert said[name][option].split(":")[0].split("\uff1a")[0] == written, (name, option)


@pytest.mark.parametrize("page", ["docs/heads.md", "docs/heads.zh-CN.md"])
def test_the_page_of_heads_names_the_fusions_that_a_search_tries(page: str) -> None:
    (said,) = re.findall(r"`search: \{trials: 20\}`.*?[(\uff08]((?:`\w+`[, \u3001]*)+)[)\uff09]", text(page))
    assert tuple(re.findall(r"`(\w+)`", said)) == FUSIONS


def test_the_example_runs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("docs/fusion.md")
    assert re.search(r"^\{'strength': [\d.]+\}$", capsys.readouterr().out, re.MULTILINE)
