"""What a stranger installs: wheels built here, put into a fresh environment by name, and the first command run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = (
    ".",
    "plugins/mmsdk-text",
    "plugins/mmsdk-image",
    "plugins/mmsdk-table",
    "recipes/mmsdk-recipe-recommend",
)

pytestmark = [
    pytest.mark.wheels,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("MMSDK_WHEELS") != "1", reason="builds an environment from nothing: MMSDK_WHEELS=1"
    ),
]


def _run(*command: str | Path, **environment: str) -> str:
    """Run a command and return its output; a failure shows all of it."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_recipe_alone_pulls_what_it_needs_and_runs(tmp_path):
    dist = tmp_path / "dist"
    for folder in DISTRIBUTIONS:
        _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, ROOT / folder)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pins = ROOT / "constraints.txt"
    _run(python, "-m", "pip", "install", "-q", "--find-links", dist, "-c", pins, "mmsdk-recipe-recommend")
    listed = _run(python, "-m", "pip", "list", "--format=freeze")
    assert "pytest==" not in listed, "tests are no dependency of the product"
    mmsdk = tmp_path / "venv/bin/mmsdk"
    plugins = json.loads(_run(mmsdk, "plugins", "list", "--json"))
    assert "recommend" in json.dumps(plugins)
    cache = {"MMSDK_CACHE_DIR": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    run = tmp_path / "run"
    document = json.loads(_run(mmsdk, "recipe", "recommend", "--out", run, "--json", **cache))
    assert document["synthetic"] is True
    recall = document["metrics"]["recommend"]["test"]["recall@20"]["value"]
    assert recall > document["metrics"]["recommend"]["baselines"]["popularity"]["recall@20"]["value"]
    cold = {name: one["cold_recall@20"]["value"] for name, one in document["metrics"]["recommend"]["baselines"].items()}
    ours = document["metrics"]["recommend"]["test"]["cold_recall@20"]["value"]
    assert ours > 0.5 * cold["content: all"] > 0, "what nobody has touched must stay recommendable"
    assert (run / "report.html").is_file()
