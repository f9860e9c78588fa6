"""The pages agree with the code and with each other: links, public names, settings, commands."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mmsdk
import mmsdk.testing
from mmsdk import protocols
from mmsdk.plugins import get_registry

from .pages import FENCE, ROOT, blocks, text

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "plugins/*/*.md", "recipes/*/*.md")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
RECIPE = "recipes/mmsdk-recipe-recommend/README"


def anchors(page: str) -> set[str]:
    bare = FENCE.sub("", text(page))
    headings = re.findall(r"^#+ (.*)$", bare, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages() -> None:
    assert {"README.md", "README.zh-CN.md", "docs/README.md", "docs/quickstart.md", f"{RECIPE}.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str) -> None:
    for link in LINK.findall(FENCE.sub("", text(page))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page} links to {link}"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page} links to {link}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".zh-CN.md")])
def test_a_page_and_its_chinese_twin_know_each_other(page: str) -> None:
    twin = page.replace(".zh-CN.md", ".md")
    assert f"[English]({Path(twin).name})" in text(page)[:400]
    assert f"[中文]({Path(page).name})" in text(twin)[:400]
    for link in LINK.findall(FENCE.sub("", text(page))):
        path = link.partition("#")[0]
        if path.endswith(".md") and not path.endswith(".zh-CN.md") and path != Path(twin).name:
            better = (ROOT / page).parent / path.replace(".md", ".zh-CN.md")
            assert not better.exists(), f"{page} links to the English {path}"


def test_every_page_is_in_the_index() -> None:
    index = text("docs/README.md")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_public_names_are_sorted_and_resolve() -> None:
    for module in (mmsdk, mmsdk.testing):
        assert list(module.__all__) == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_every_public_name_is_documented() -> None:
    headings = re.findall(r"^## (\S+)$", text("docs/api.md"), re.MULTILINE)
    contracts = ["Modality", "Encoder", "FittedEncoder", "Task", "VectorIndex", "Recipe"]
    assert headings == [*mmsdk.__all__, *mmsdk.testing.__all__, *contracts]
    for kind, methods in (("Task", protocols.TASK_METHODS), ("Recipe", protocols.RECIPE_METHODS)):
        assert set(re.findall(rf"^### {kind}\.(\w+)$", text("docs/api.md"), re.MULTILINE)) == set(methods)
    undocumented = [n for n in mmsdk.__all__ if n != "__version__" and not (getattr(mmsdk, n).__doc__ or "").strip()]
    assert undocumented in ([], ["hookimpl"])


def options(function: Callable[..., object]) -> list[str]:
    """Return the parameters that may be left out: of the others the first sentence tells."""
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.default is not one.empty]


def test_every_option_of_a_public_function_is_documented() -> None:
    functions = {name: one for name in mmsdk.__all__ if inspect.isfunction(one := getattr(mmsdk, name))}
    methods = inspect.getmembers(mmsdk.App, inspect.isfunction)
    functions |= {f"App.{name}": one for name, one in methods if not name.startswith("_")}
    untold = [
        f"{name}({option})"
        for name, one in functions.items()
        for option in options(one)
        if not re.search(rf":param [\w, ]*\b{option}\b|``{option}``", inspect.getdoc(one) or "")
    ]
    assert not untold


def test_code_on_the_api_page_is_python() -> None:
    found = [code for language, code in blocks("docs/api.md") if language == "python"]
    assert len(found) > 2
    for code in found:
        compile(code, "docs/api.md", "exec")


def test_the_api_page_is_generated() -> None:
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert text("docs/api.md") == module.page(), "run: python docs/make_api.py"


@pytest.mark.parametrize("page", [f"{RECIPE}.md", f"{RECIPE}.zh-CN.md"])
def test_the_settings_of_the_recipe_are_those_of_its_spec(page: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text(page), re.MULTILINE))
    settings = get_registry().get("recipe", "recommend").spec.settings
    assert list(rows) == list(settings)
    if "zh" not in page:
        assert rows == {key: one.what for key, one in settings.items()}


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_commands_of_the_readme_are_those_of_the_makefile(page: str) -> None:
    said = set(re.findall(r"make (\w+)", text(page)))
    targets = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))
    assert said >= {"install", "demo", "test"}
    assert said <= targets
    assert "mmsdk recipe recommend" in text("Makefile")


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith(("README", "docs/", "recipes/"))])
def test_every_command_that_a_page_names_exists(page: str) -> None:
    known = {entry.spec.name for entry in get_registry().entries("command")}
    code = [code for _, code in blocks(page)] + re.findall(r"`(mmsdk [^`]*)`", text(page))
    said = {word for one in code for word in re.findall(r"^mmsdk ([a-z]+)", one, re.MULTILINE)}
    assert said <= known


def test_the_picture_of_the_readme_is_small() -> None:
    assert (ROOT / "docs" / "images" / "report.png").stat().st_size < 250_000


@pytest.mark.parametrize("generator", ["make_api", "make_picture"])
def test_generators_are_modules_with_a_docstring(generator: str) -> None:
    done = subprocess.run([sys.executable, "-m", "py_compile", str(ROOT / "docs" / f"{generator}.py")], check=False)
    assert done.returncode == 0
    assert Path(ROOT / "docs" / f"{generator}.py").read_text(encoding="utf-8").startswith('"""')
