"""What all our recipes have in common: one layout, public imports only, settings that the page and the example know."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mmsdk.app.recipe_settings import GENERIC
from mmsdk.app.recipes import plan_recipe
from mmsdk.config import Application, read_yaml
from mmsdk.errors import ConfigError
from mmsdk.plugins import get_registry

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted(path.parent for path in ROOT.glob("recipes/*/pyproject.toml"))
PACKAGE = ("__init__.py", "recipe.py", "sample.py", "sections.py")

pytestmark = pytest.mark.parametrize("folder", RECIPES, ids=lambda folder: folder.name)


def package(folder: Path) -> Path:
    return folder / folder.name.replace("-", "_")


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def spec(folder: Path):
    (name,) = project(folder)["entry-points"]["mmsdk"]
    return get_registry().get("recipe", name).spec


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports anywhere, whole."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def test_the_layout(folder):
    for name in ("README.md", "README.zh-CN.md", "recipe.yaml", *(f"{package(folder).name}/{one}" for one in PACKAGE)):
        assert (folder / name).is_file(), name
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (folder / "tests").glob("*.py"))
    assert "@parametrize_with_checks(" in tests


def test_the_makefile_installs_it(folder):
    line = re.search(r"^DISTRIBUTIONS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    assert f"recipes/{folder.name}" in line[1].split()


def test_it_imports_what_is_public_and_what_it_names(folder):
    named = {canonicalize_name(Requirement(one).name) for one in project(folder)["dependencies"]}
    for extra in project(folder).get("optional-dependencies", {}).values():
        named |= {canonicalize_name(Requirement(one).name) for one in extra}
    owners = packages_distributions()
    for file in package(folder).rglob("*.py"):
        for module in imported(file):
            top = module.partition(".")[0]
            if top == "mmsdk":
                assert module in ("mmsdk", "mmsdk.testing"), f"{file.name} imports {module}"
            elif top not in sys.stdlib_module_names and top != package(folder).name:
                assert not top.startswith("mmsdk"), f"{file.name} imports the plugin {top}"
                owned = {canonicalize_name(one) for one in owners.get(top, ())}
                assert owned & named, f"{file.name} imports {top}, which pyproject.toml does not name"


def test_the_page_names_every_setting(folder):
    for page in ("README.md", "README.zh-CN.md"):
        text = (folder / page).read_text(encoding="utf-8")
        rows = re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)
        assert [name for name in spec(folder).settings if name not in rows] == [], page


def test_every_setting_of_another_kind_is_refused_before_the_recipe_sees_it(folder, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    name = spec(folder).name
    for key in spec(folder).settings:
        with pytest.raises(ConfigError, match=rf"^recipe {name}: {key} is \{{'a': 'b'\}}, expected "):
            plan_recipe(name, data=str(path), settings={key: {"a": "b"}})


def test_the_example_of_recipe_yaml_holds_keys_that_are_known(folder):
    found = read_yaml((folder / "recipe.yaml").read_text(encoding="utf-8"), "recipe.yaml")
    known = {*spec(folder).settings, *GENERIC, "encoders", *Application.model_fields}
    assert found
    assert set(found) <= known
    assert set(found) & set(spec(folder).settings)
