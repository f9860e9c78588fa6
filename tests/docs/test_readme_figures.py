"""The figures of the README are those that a benchmark printed and docs/benchmarks.md keeps."""

from __future__ import annotations

import re

import pytest

from .pages import text

FIGURE = re.compile(r"(\d\.\d{3}) +\[(\d\.\d{3}), (\d\.\d{3})\]")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_shows_what_the_benchmarks_printed(page):
    shown, printed = FIGURE.findall(text(page)), set(FIGURE.findall(text("docs/benchmarks.md")))
    assert len(shown) >= 10
    assert [one for one in shown if one not in printed] == []


def test_both_languages_show_the_same_figures():
    assert FIGURE.findall(text("README.md")) == FIGURE.findall(text("README.zh-CN.md"))
