"""Every bash and Python block of the pages for newcomers runs, in order, in an empty folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mmsdk.data import read_table

from .pages import blocks, run_page

if TYPE_CHECKING:
    from pathlib import Path

TRANSLATED = (
    "README",
    "docs/quickstart",
    "docs/plugins",
    "docs/data",
    "docs/recipes",
    "docs/explain",
    "docs/confidence",
    "docs/gpu",
    "docs/heads",
    "docs/evaluation",
    "docs/fusion",
    "docs/rules",
    "docs/labelling",
    "docs/worth",
    "docs/streaming",
    "docs/serving",
    "recipes/mmsdk-recipe-interact/README",
    "docs/alignment",
    "recipes/mmsdk-recipe-recommend/README",
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.timeout(400)
def test_the_readme_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("README.md")
    assert "The data is synthetic" in capsys.readouterr().out
    assert (here / "runs" / "recommend" / "report.html").is_file()


@pytest.mark.timeout(400)
def test_the_quick_start_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/quickstart.md")
    said = capsys.readouterr().out
    (shown,) = [code for _, code in blocks("docs/quickstart.md") if code.startswith("sku,photo,title,price,category")]
    assert (here / "shop" / "products.csv").read_text(encoding="utf-8").startswith(shown)
    assert (
        (here / "answers.csv")
        .read_text(encoding="utf-8")
        .startswith(
            '"sku","category","category_confidence","category_abstained","category_set","inputs","novelty"\n"N1",'
        )
    )
    answers = read_table(here / "answers.csv").columns
    assert answers["inputs"].to_pylist() == ["photo|price", "title|price"]
    assert all(0 <= float(one) <= 1 for one in answers["novelty"].to_pylist())
    assert "recall@20 on test" in said
    assert "balanced_accuracy on test" in said
    assert "2 rows added; 242 in all" in said


def test_the_page_of_worth_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/worth.md")
    title, price = capsys.readouterr().out.splitlines()
    assert "title adds" in title
    assert ": keep it" in title
    assert "price adds" in price
    assert ": keep it" not in price


def test_the_page_of_labelling_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/labelling.md")
    assert "35 rows have a label now" in capsys.readouterr().out


def test_the_page_of_rules_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/rules.md")
    said = capsys.readouterr().out
    assert "97 routine ()" in said
    assert "85 urgent ('low oxygen',)" in said


def test_the_page_of_alignment_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/alignment.md")
    said = capsys.readouterr().out
    assert "asked by the text of A260, found A260" in said
    (shown,) = [code for language, code in blocks("docs/alignment.md") if language == "text" and "minimiser" in code]
    assert shown in said


@pytest.mark.timeout(400)
def test_the_page_about_evaluation_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/evaluation.md")
    assert re.search(r"B is better by|cannot tell A and B apart by balanced_accuracy", capsys.readouterr().out)
    assert (here / "runs" / "both" / "report.html").is_file()


@pytest.mark.parametrize("page", TRANSLATED)
def test_the_chinese_page_has_the_same_blocks(page: str) -> None:
    assert blocks(f"{page}.zh-CN.md") == blocks(f"{page}.md")
    assert blocks(f"{page}.md") or page == "docs/gpu"


@pytest.mark.timeout(400)
def test_the_page_about_explanations_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_page("docs/explain.md")
    assert "what each input adds" in capsys.readouterr().out
    assert (here / "why.html").is_file()
