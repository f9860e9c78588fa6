"""An index of 300 items."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from index_data import clustered

from mmsdk.index import JointIndex


@pytest.fixture
def vectors():
    return clustered(300)


@pytest.fixture
def index(tmp_path, vectors):
    with JointIndex.create(tmp_path / "index", 32, fingerprint="made by a") as made:
        rows = [{"price": float(i), "name": f"lamp {i}", "category": "lamp" if i % 2 else "chair"} for i in range(300)]
        made.add([f"s{i:03}" for i in range(300)], vectors, rows)
        yield made
