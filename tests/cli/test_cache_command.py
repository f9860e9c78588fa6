"""``mmsdk cache`` on a real cache in a folder of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mmsdk.cli.shell import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path))


def facts(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "info", "--json"]) == 0
    found = facts(capsys)
    assert str(tmp_path) in str(found["folder"])
    assert found["entries"] == 0
    assert run(["cache", "info"]) == 0
    assert "vectors: 0, 0 B" in capsys.readouterr().out


def test_prune(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "prune", "--max-size", "1MB", "--json"]) == 0
    assert facts(capsys) == {"dropped": 0, "entries": 0, "bytes": 0, "max_bytes": 1_000_000}
    assert run(["cache", "prune"]) == 0
    assert capsys.readouterr().out == "0 vectors dropped; 0 kept, 0 B of 10.0 GB\n"


def test_a_size_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "prune", "--max-size", "lots"]) == 2
    assert "'lots' is not a size" in capsys.readouterr().err
