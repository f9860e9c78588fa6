"""The run of three tasks, loaded, and a row of it."""

from __future__ import annotations

import pytest

import mmsdk


@pytest.fixture(scope="module")
def app(shop_runs):
    app = mmsdk.load(shop_runs / "tasks", quiet=True, allow_outside=True)
    yield app
    app.close()
