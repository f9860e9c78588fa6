"""Fixtures for every plugin's tests: one thread, no network, and the folder of real data where there is one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_MODULES_CACHE", tempfile.mkdtemp(prefix="mmsdk-hf-modules-"))  # copies of remote code


@pytest.fixture
def real() -> Path:
    """Return the folder with real data and weights, or skip."""
    folder = os.environ.get("MMSDK_REAL")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MMSDK_REAL names no folder of real data (it lies beside the project on development machines)")
    return Path(folder).resolve()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
