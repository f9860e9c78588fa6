"""Fixtures for every test: one thread, a cache of its own, no network, a fitted shop, real data where there is some."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shop_data import application, recommender, write_shop

from mmsdk.progress import configure

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# files that take longest, in seconds and not in tests: `make test` begins with them, so that no process ends alone
LONG = ("tests/test_wheels.py", "tests/docs/", "recipes/", "tests/plugins/", "tests/app/", "tests/cli/")


def pytest_collection_modifyitems(items):
    """Put the long files first; the others stay in order."""
    places = {one: place for place, one in enumerate(LONG)}
    items.sort(key=lambda item: min((places[one] for one in LONG if item.nodeid.startswith(one)), default=len(LONG)))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    configure(quiet=False)  # a test that typed --quiet would hush the next one


@pytest.fixture(scope="session", autouse=True)
def _few_resamples():
    """Keep the intervals of runs cheap; how they are made is tested in tests/evaluate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
        patch.setattr("mmsdk.app.evaluating.RESAMPLES", 60)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_pictures(request):
    """Write a page of one line for each run of a module that says ``NO_PAGES``: drawing takes longer than fitting.

    A test of it that looks at a page asks for ``drawn``; the runs of the shop have whole pages everywhere.
    """
    with pytest.MonkeyPatch.context() as patch:
        if getattr(request.module, "NO_PAGES", False):
            patch.setattr("mmsdk.app.fitting.render_report", lambda data: data.title)
        yield


@pytest.fixture
def drawn(monkeypatch):
    """Write whole pages, in a module where the others need none."""
    from mmsdk.report import render_report

    monkeypatch.setattr("mmsdk.app.fitting.render_report", render_report)


@pytest.fixture
def real() -> Path:
    """Return the folder with real data and weights, or skip."""
    folder = os.environ.get("MMSDK_REAL")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MMSDK_REAL names no folder of real data (it lies beside the project on development machines)")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Path:
    """Return a folder with ``items.csv``, ``photos/`` and ``orders.csv`` (see shop_data.py); for reading only."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop_runs(shop, tmp_path_factory) -> Path:
    """Return a folder with two fitted runs of the shop, ``tasks`` and ``recommender``; for reading only."""
    import mmsdk
    from mmsdk.report import render_report

    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("session-cache")))
        patch.setattr("mmsdk.app.fitting.render_report", render_report)
        mmsdk.fit(application(shop), out=folder / "tasks", quiet=True).close()
        mmsdk.fit(recommender(shop), out=folder / "recommender", quiet=True).close()
    return folder
