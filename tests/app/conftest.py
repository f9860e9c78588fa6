"""The two fitted runs of the shop, loaded: one that answers tasks, one that recommends."""

from __future__ import annotations

import shutil

import pytest

import mmsdk


@pytest.fixture
def tasks_app(shop_runs):
    """The app of three tasks; for reading only."""
    app = mmsdk.load(shop_runs / "tasks", quiet=True, allow_outside=True)
    yield app
    app.close()


@pytest.fixture
def recommender_app(shop_runs):
    """The app that recommends; for reading only."""
    app = mmsdk.load(shop_runs / "recommender", quiet=True, allow_outside=True)
    yield app
    app.close()


@pytest.fixture
def own_recommender(shop_runs, tmp_path):
    """A recommender of the test's own, at another place than it was made."""
    shutil.copytree(shop_runs / "recommender", tmp_path / "moved" / "run")
    app = mmsdk.load(tmp_path / "moved" / "run", quiet=True, allow_outside=True)
    yield app
    app.close()
