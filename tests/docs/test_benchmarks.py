"""What the benchmark scripts take from mmsdk is there, though the suite runs none of them."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec

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


def test_there_are_benchmarks():
    assert len(SCRIPTS) > 20
