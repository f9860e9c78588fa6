"""What a stranger installs: wheels built here, each recipe put into a fresh environment by name, its sample run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted(path.parent.name for path in ROOT.glob("recipes/*/pyproject.toml"))
SECONDS = 120  # on two cores that have nothing else to do

pytestmark = [
    pytest.mark.wheels,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("MMSDK_WHEELS") != "1", reason="builds environments from nothing: MMSDK_WHEELS=1"
    ),
]


def _run(*command: str | Path, **environment: str) -> str:
    """Run a command and return its output; a failure shows all of it."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**_outside(), "PIP_CONSTRAINT": str(ROOT / "constraints.txt"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _outside() -> dict[str, str]:
    """Return the environment without what would let an installation see this repository."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of everything in this repository."""
    folder = tmp_path_factory.mktemp("wheels") / "dist"
    for project in sorted((ROOT / "pyproject.toml", *ROOT.glob("*/*/pyproject.toml"))):
        _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, project.parent)
    return folder


@pytest.mark.parametrize("distribution", RECIPES)
def test_a_recipe_alone_pulls_what_it_needs_and_runs(distribution: str, dist: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python, mmsdk = tmp_path / "venv/bin/python", tmp_path / "venv/bin/mmsdk"
    _run(python, "-m", "pip", "install", "-q", "--find-links", dist, "-c", ROOT / "constraints.txt", distribution)
    listed = _run(python, "-m", "pip", "list", "--format=freeze")
    assert "pytest==" not in listed, "tests are no dependency of the product"
    assert [line for line in listed.splitlines() if line.startswith("mmsdk-recipe-")] == [f"{distribution}==0.1.0"]
    name = distribution.removeprefix("mmsdk-recipe-")
    plugins = json.loads(_run(mmsdk, "plugins", "list", "--json"))["plugins"]
    assert [row["status"] for row in plugins if row["name"] == name] == ["ok"]
    cache = {"MMSDK_CACHE_DIR": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    start = time.monotonic()
    document = json.loads(_run(mmsdk, "recipe", name, "--out", tmp_path / "run", "--json", **cache))
    if os.getloadavg()[0] <= 2:  # a machine that does other things says nothing about time
        assert time.monotonic() - start < SECONDS
    assert document["synthetic"] is True
    assert document["metrics"]
    for file in ("report.html", "card.md", "metrics.json"):
        assert (tmp_path / "run" / file).is_file(), file
    assert _run(mmsdk, "index", "info", tmp_path / "run", **cache)
    if name == "recommend":
        _recommends(document["metrics"]["recommend"])


def _recommends(figures: dict[str, Any]) -> None:
    """Check that the recommender of the sample is worth something, for cold items too."""
    assert figures["test"]["recall@20"]["value"] > figures["baselines"]["popularity"]["recall@20"]["value"]
    content = figures["baselines"]["content: all"]["cold_recall@20"]["value"]
    assert figures["test"]["cold_recall@20"]["value"] > 0.5 * content > 0, "untouched items must stay recommendable"
