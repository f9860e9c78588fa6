"""What the project promises of its own source: layers, no pickle, no network at import, warnings as errors."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mmsdk

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted(
    path
    for pattern in ("mmsdk/**/*.py", "plugins/*/mmsdk_*/**/*.py", "recipes/*/mmsdk_*/**/*.py", "benchmarks/*.py")
    for path in ROOT.glob(pattern)
)
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {"torch.load", "torch.save", "np.load", "numpy.load", "pd.read_pickle", "pandas.read_pickle"}
NO_NETWORK = """
import importlib, json, socket, sys

def refuse(*arguments, **named):
    raise OSError("the network was asked for at import")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)
for name in json.load(sys.stdin):
    importlib.import_module(name)
print("imported")
"""


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
    return found


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = len(SETTINGS["tool"]["importlinter"]["contracts"])
    assert f"{kept} kept, 0 broken" in done.stdout


def test_the_drawing_of_the_layers_is_the_contract() -> None:
    (layers,) = [one["layers"] for one in SETTINGS["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "```\n" + "\n".join(layers) + "\n```" in page


def test_every_source_is_looked_at(trees: dict[str, ast.Module]) -> None:
    assert len(trees) > 100
    assert any(name.startswith("recipes/") for name in trees)
    assert any(name.startswith("plugins/") for name in trees)


def test_nothing_is_pickled(trees: dict[str, ast.Module]) -> None:
    for name, tree in trees.items():
        if name.startswith("benchmarks/"):
            continue
        assert not {one.partition(".")[0] for one in imported(tree)} & UNSAFE_MODULES, name
        calls = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & UNSAFE_CALLS, name


def test_the_search_for_pickle_finds_some() -> None:
    tree = ast.parse("import pickle.x\nimport torch\ntorch.load('weights.bin')\n")
    assert {one.partition(".")[0] for one in imported(tree)} & UNSAFE_MODULES
    assert {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)} & UNSAFE_CALLS


def test_plugins_and_recipes_use_public_names_alone(trees: dict[str, ast.Module]) -> None:
    for name, tree in trees.items():
        if name.startswith(("plugins/", "recipes/")):
            core = {one for one in imported(tree) if one == "mmsdk" or one.startswith("mmsdk.")}
            assert core <= {"mmsdk", "mmsdk.testing"}, name


def test_the_core_names_no_plugin(trees: dict[str, ast.Module]) -> None:
    names = {
        path.name.replace("-", "_") for folder in ("plugins", "recipes") for path in (ROOT / folder).glob("mmsdk-*")
    }
    assert len(names) >= 6
    for name, tree in trees.items():
        if name.startswith("mmsdk/"):
            assert not {one.partition(".")[0] for one in imported(tree)} & names, name


def test_every_module_says_what_is_in_it(trees: dict[str, ast.Module]) -> None:
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_no_module_asks_the_network_when_it_is_imported() -> None:
    import json

    found = pkgutil.walk_packages(mmsdk.__path__, "mmsdk.")
    names = [one.name for one in found if not one.name.endswith("__main__")]
    assert len(names) > 100
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "imported", done.stderr


def test_warnings_are_errors_and_the_rest_is_strict() -> None:
    pytest_settings = SETTINGS["tool"]["pytest"]["ini_options"]
    assert pytest_settings["filterwarnings"][0] == "error"
    assert {"--strict-markers", "--strict-config"} <= set(pytest_settings["addopts"])
    assert pytest_settings["xfail_strict"] is True
    assert SETTINGS["tool"]["mypy"]["strict"] is True
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    assert all(f"/{tool}" in lint for tool in ("ruff", "mypy", "lint-imports"))
