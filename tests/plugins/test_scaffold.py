"""``mmsdk plugins new``: what it writes installs, passes its own tests and the conformance checks, and runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mmsdk import open_encoder
from mmsdk.cli.shell import run
from mmsdk.errors import ConfigError
from mmsdk.plugins.scaffold import TEMPLATES, write_plugin
from mmsdk.testing import installed

DISTRIBUTIONS = {"recipe": "mmsdk-recipe-my-recipe", "encoder": "mmsdk-my-encoder", "fusion": "mmsdk-my-fusion"}

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
QUICK = ("--set", "confidence.source=validation")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One plugin of each kind."""
    folder = tmp_path_factory.mktemp("written")
    return {kind: write_plugin(kind, f"my-{kind}", folder) for kind in TEMPLATES}


@pytest.fixture(scope="module")
def site(written, tmp_path_factory):
    """A folder into which pip has installed all of them."""
    target = tmp_path_factory.mktemp("site")
    words = ["install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    called(sys.executable, "-m", "pip", *words, *map(str, written.values()))
    return target


def called(*words, **environment):
    """Run a command and return what it said; a failure shows all of it."""
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, timeout=380, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_layout_is_that_of_our_own(written, kind):
    folder = written[kind]
    assert folder.name == DISTRIBUTIONS[kind]
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    module = folder.name.replace("-", "_")
    assert {"pyproject.toml", "README.md", f"{module}/__init__.py", "tests/test_conformance.py"} <= files
    if kind == "recipe":
        own = {"recipe.py", "sample.py", "sections.py", "card.py"}
        assert {f"{module}/{name}" for name in own} | {"recipe.yaml", "README.zh-CN.md"} <= files
        pages = [(folder / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
        first, second = (page.split("```")[1::2] for page in pages)
        assert first == second  # the same commands in both languages
    assert tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["license"] == "Apache-2.0"
    for name in files:
        text = (folder / name).read_text(encoding="utf-8")
        assert "${" not in text, name
        assert text.endswith("\n") or not text, name


@pytest.mark.parametrize("folder", sorted(RECIPES.iterdir()), ids=lambda one: one.name)
def test_our_recipes_have_the_layout_of_a_new_one(written, folder):
    new = written["recipe"]
    laid = {str(file.relative_to(new)).replace(new.name.replace("-", "_"), "*") for file in new.rglob("*")}
    own = {str(file.relative_to(folder)).replace(folder.name.replace("-", "_"), "*") for file in folder.rglob("*")}
    assert {one for one in laid if not one.startswith("tests/")} <= own


def test_the_code_is_tidy(written):
    folders = [str(folder) for folder in written.values()]
    called(sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=120", "--select=E,F,I,UP,B", *folders)
    called(sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=120", "--check", *folders)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", TEMPLATES)
def test_its_own_tests_pass_once_it_is_installed(written, site, tmp_path, kind):
    path = os.pathsep.join([str(site), *filter(None, sys.path)])
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(written[kind]), str(written[kind])]
    said = called(sys.executable, *words, PYTHONPATH=path, MMSDK_CACHE_DIR=str(tmp_path))
    assert " passed" in said
    assert "failed" not in said


def test_a_release_of_the_encoder_ends_no_run(site, tmp_path):
    found = {}
    for version in ("0.1.0", "0.2.0"):
        shutil.copytree(site, tmp_path / version)
        (metadata,) = (tmp_path / version).glob("mmsdk_my_encoder-*/METADATA")
        metadata.write_text(metadata.read_text(encoding="utf-8").replace("Version: 0.1.0", f"Version: {version}"))
        with installed(tmp_path / version):
            opened = open_encoder("my-encoder", "text")
            found[opened.origin] = opened.fingerprint
            del opened  # else it is shared with whoever opens it next
    first, second = (found[f"my-encoder (mmsdk-my-encoder {version})"] for version in ("0.1.0", "0.2.0"))
    assert first == second


def test_the_recipe_runs_on_its_sample(site, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
    with installed(site):
        assert run(["recipe", "my-recipe", "--out", str(tmp_path / "run"), "--set", "epochs=10", "--json", *QUICK]) == 0
        figures = json.loads(capsys.readouterr().out)["metrics"]["topic"]
        majority = figures["baselines"]["majority"]["balanced_accuracy"]["value"]
        assert figures["test"]["balanced_accuracy"]["value"] > majority + 0.3
        assert "Least sure" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
        assert json.loads((tmp_path / "run" / "run.json").read_text())["application"]["training"]["epochs"] == 10


@pytest.mark.parametrize("name", ["Shop", "shop_photos", "1shop", "shop-", "../shop", "", "a" * 41])
def test_names_that_cannot_be_one(tmp_path, name):
    with pytest.raises(ConfigError, match="such as shop-photos"):
        write_plugin("encoder", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken(tmp_path):
    with pytest.raises(ConfigError, match="leave it away"):
        write_plugin("encoder", "mmsdk-shop", tmp_path)
    with pytest.raises(ConfigError, match="something in mmsdk-text already"):
        write_plugin("encoder", "ngrams", tmp_path)
    with pytest.raises(ConfigError, match="something in mmsdk-recipe-recommend already"):
        write_plugin("encoder", "recommend", tmp_path)  # a plugin of that name, of another kind


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    (tmp_path / "mmsdk-shop").mkdir()
    assert run(["plugins", "new", "shop", "--kind", "encoder", "--to", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert list((tmp_path / "mmsdk-shop").iterdir()) == []


def test_the_command_says_what_to_do_next(tmp_path, capsys):
    assert run(["plugins", "new", "shop", "--kind", "recipe", "--to", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "mmsdk-recipe-shop"
    for line in (f"pip install -e {folder}", "mmsdk plugins check shop", f"pytest {folder}", "mmsdk recipe shop"):
        assert line in said
    assert run(["plugins", "new", "shop", "--kind", "encoder", "--to", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["folder"]) == tmp_path / "mmsdk-shop"
    assert "pyproject.toml" in found["files"]
