"""One run on a stranger's table, shared by all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from triage_cases import QUICK, SETTINGS, command, sets, write_cases


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def strange(tmp_path_factory):
    """Return the folder of the stranger's cases."""
    folder = tmp_path_factory.mktemp("their data")
    write_cases(folder)
    return folder


@pytest.fixture(scope="session")
def fitted(strange, tmp_path_factory):
    """Return the folder of one run on the stranger's table, for reading only."""
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(strange)
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        words = ["--data", "fälle.tsv", "--out", out, "--quiet", "--on-bad-row", "skip", *sets(SETTINGS | QUICK)]
        assert command("recipe", "triage", *words) == 0
    return out
