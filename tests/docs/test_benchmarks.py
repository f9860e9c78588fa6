"""What the benchmark scripts take from mmsdk is there, though the suite runs none of them."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec
from types import ModuleType

import pytest

from .pages import ROOT

SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.stem)
def test_the_names_a_benchmark_imports_exist(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    asked = [
        one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("mmsdk")
    ]
    for one in asked:
        module = importlib.import_module(one.module)
        for name in one.names:
            submodule = hasattr(module, "__path__") and find_spec(f"{one.module}.{name.name}") is not None
            assert submodule or hasattr(module, name.name), f"{one.module} has no {name.name}"


def _named(module, name):
    parent = importlib.import_module(module)
    return getattr(parent, name) if hasattr(parent, name) else importlib.import_module(f"{module}.{name}")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.stem)
def test_what_a_benchmark_asks_of_modules_is_there(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    modules = {"mmsdk": importlib.import_module("mmsdk")}
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("mmsdk"):
            found = {name.asname or name.name: _named(one.module, name.name) for name in one.names}
            modules |= {name: named for name, named in found.items() if isinstance(named, ModuleType)}
    for one in ast.walk(tree):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id in modules:
            module = modules[one.value.id]
            assert hasattr(module, one.attr), f"{module.__name__} has no {one.attr}"


def test_there_are_benchmarks():
    assert len(SCRIPTS) > 20
