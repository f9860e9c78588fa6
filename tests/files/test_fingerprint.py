"""The key of an encoder: bytes, names and facts count; the order and the folder do not."""

from __future__ import annotations

import pytest

from mmsdk import files as module
from mmsdk import hash_file, weights_fingerprint


@pytest.fixture
def weights(tmp_path):
    for name in ("a.json", "b.bin"):
        (tmp_path / name).write_text(name)
    return [tmp_path / "a.json", tmp_path / "b.bin"]


def test_what_counts(weights, tmp_path):
    first = weights_fingerprint(weights, version=1)
    assert len(first) == 64
    assert weights_fingerprint(weights[::-1], version=1) == first
    assert weights_fingerprint(weights, version=2) != first
    weights[1].write_text("other")
    assert weights_fingerprint(weights, version=1) != first


def test_an_unchanged_file_is_read_once(weights, monkeypatch):
    read = []
    monkeypatch.setattr(module, "hash_file", lambda path: read.append(path.name) or hash_file(path))
    weights_fingerprint(weights)
    weights_fingerprint(weights)
    assert read == ["a.json", "b.bin"]


def test_a_blob_of_the_hub_cache_is_not_read(tmp_path, monkeypatch):
    blob = tmp_path / "blobs" / ("0" * 64)
    blob.parent.mkdir()
    blob.write_text("large")
    link = tmp_path / "model.safetensors"
    link.symlink_to(blob)
    monkeypatch.setattr(module, "hash_file", lambda path: pytest.fail(f"read {path}"))
    assert weights_fingerprint([link]) == weights_fingerprint([link])
