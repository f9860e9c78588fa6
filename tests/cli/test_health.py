"""What the doctor says of installations that this machine is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from mmsdk.cli import health
from mmsdk.cli.output import print_json
from mmsdk.cli.text import megabytes, parse_size
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_both_builds_of_faiss_are_a_fault() -> None:
    row = health.faiss_health(["faiss-cpu", "numpy", "faiss-gpu-cu12"])
    assert row.status == "fault"
    assert "faiss-cpu and faiss-gpu-cu12 are both installed" in row.detail
    assert row.hint == "pip uninstall -y faiss-cpu faiss-gpu-cu12, then install one"


def test_the_faiss_in_use_is_named() -> None:
    row = health.faiss_health(["faiss-cpu", "faiss-cpu"])
    assert row.status == "ok"
    assert row.detail.startswith("faiss-cpu 1.")


def test_one_openmp_or_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.openmp_health(["/a/libgomp.so.1", "/a/libgomp.so.1"]).status == "ok"
    monkeypatch.setattr(sys, "platform", "linux")
    two = health.openmp_health(["/a/libgomp.so.1", "/b/libomp.so"])
    assert two.status == "warn"
    assert "do not share one runtime, 2 are loaded: a/libgomp.so.1, b/libomp.so" in two.detail
    monkeypatch.setattr(sys, "platform", "darwin")
    assert health.openmp_health(["/a/libgomp.so.1", "/b/libomp.so"]).status == "fault"


def test_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
    (row,) = health.cache_folder()
    assert row.status == "ok"
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    (row,) = health.cache_folder()
    assert row.status == "fault"
    assert "MMSDK_CACHE_DIR" in row.hint


def test_little_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(health, "LITTLE_SPACE", 1 << 62)
    (row,) = health.cache_folder()
    assert (row.status, row.hint) == ("warn", "mmsdk cache prune")


def test_a_missing_library_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LIBRARIES", ("pluggy", "no-such-library"))
    rows = list(health.versions())
    assert rows[-1].status == "fault"
    assert rows[-1].hint == "pip install no-such-library"


@pytest.mark.parametrize(
    ("text", "size"), [("10GB", 10**10), ("500 MB", 5 * 10**8), ("1.5k", 1500), ("4096", 4096), ("2TiB", 2 * 10**12)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "ten", "-1GB", "10 XB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a size. Expected a number and a unit"):
        parse_size(text)


def test_sizes_are_shown() -> None:
    assert [megabytes(n) for n in (0, 999, 1500, 2.5e9, 3e15)] == ["0 B", "999 B", "1.5 kB", "2.5 GB", "3000.0 TB"]


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    print_json({"nan": float("nan"), 1: (np.float32(0.5), np.arange(2)), "text": "ü", "path": None, "yes": True})
    assert capsys.readouterr().out == (
        '{\n  "nan": null,\n  "1": [\n    0.5,\n    [\n      0,\n      1\n    ]\n  ],\n'
        '  "text": "ü",\n  "path": null,\n  "yes": true\n}\n'
    )
