"""An index of a plugin: what it gets wrong is one sentence, before anything is learned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import mmsdk
from mmsdk.errors import PluginError, StoreError
from mmsdk.index import JointIndex, try_index
from mmsdk.plugins import get_registry
from mmsdk.testing import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKES = Path(__file__).parents[1] / "testing" / "parts" / "fake_indexes.py"
MORE = """

class Floats(Good):
    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(vectors, k, allowed)
        return scores, keys.astype(np.float64)

class Strange(Good):
    def search(self, vectors, k, allowed=None):
        scores, keys = super().search(vectors, k, allowed)
        return scores, keys + 100000

class Alone(Good):
    def search(self, vectors, k, allowed=None):
        return super().search(vectors, k, allowed)[1]

class Narrow(Good):
    def search(self, vectors, k, allowed=None):
        return super().search(vectors, k - 1, allowed)

class Full(Good):
    def save(self, path):
        raise OSError("disk")

class Silent(Good):
    def save(self, path):
        pass

class Forgetful(Good):
    def load(self, path, *, mmap):
        raise EOFError("end")

class Needy(Good):
    def __init__(self, dim):
        super().__init__(dim)
"""
HOOKS = """
from mmsdk import IndexSpec, hookimpl

@hookimpl
def mmsdk_indexes():
    for name in {names}:
        yield IndexSpec(name=name.lower(), target="abroad_indexes:" + name, removable=name != "Growing")
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[None]:
    """A plugin with indexes, good and bad."""
    text = FAKES.read_text(encoding="utf-8") + MORE + "\nclass Growing(NoRemove):\n    pass\n"
    names = re.findall(r"^class (\w+)", text, re.MULTILINE)
    modules = {"abroad_plugin": HOOKS.format(names=names), "abroad_indexes": text}
    write_distribution(tmp_path / "site", "mmsdk-abroad", modules=modules, entry_points={"abroad": "abroad_plugin"})
    with installed(tmp_path / "site"):
        yield


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosave", "has no method save: 'abroad_indexes:NoSave'"),
        ("noremove", "has no method remove: 'abroad_indexes:NoRemove'"),
        ("needy", "cannot be made: TypeError: "),
        ("hungry", "fails in train() of 60 vectors: ValueError: needs 256 vectors"),
        ("floats", "answers keys that are float64, expected int64"),
        ("strange", "answers keys that nobody added, such as 100000"),
        ("alone", "fails in search(): ValueError: "),
        ("narrow", "answers (1, 2) scores and (1, 2) keys, expected (1, 3) of each"),
        ("full", "fails in save(): OSError: disk"),
        ("silent", "writes no file at the path that save() is given"),
        ("forgetful", "fails in load(): EOFError: end"),
    ],
)
def test_a_bad_index_is_one_sentence(plugin: None, name: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        try_index(get_registry().get("index", name), 4, 60)
    assert str(caught.value).startswith(f"the index type {name!r} of plugin abroad (mmsdk-abroad 0.1.0) {said}")
    assert str(caught.value).endswith(". See `mmsdk plugins check abroad`")


@pytest.mark.parametrize(("name", "count"), [("good", 1), ("good", 5_000), ("growing", 60), ("hungry", 300)])
def test_a_good_index_passes(plugin: None, name: str, count: int) -> None:
    try_index(get_registry().get("index", name), 4, count)


def test_a_fit_refuses_it_before_anything_is_embedded(plugin: None, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("mmsdk.app.pipeline.Pipeline.embed", lambda *_: pytest.fail("it embeds"))
    application = {
        "inputs": {"size": {"column": "size", "modality": "number"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "index": {"type": "hungry"},
    }
    with pytest.raises(PluginError, match="needs 256 vectors"):
        mmsdk.fit(application, [{"size": n, "kind": "ab"[n % 2]} for n in range(60)], tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_snapshot_that_cannot_be_written_says_why(plugin: None, tmp_path: Path) -> None:
    with JointIndex.create(tmp_path / "index", 4, type="full") as index:
        index.add(["a", "b"], np.eye(2, 4, dtype=np.float32))
        with pytest.raises(StoreError, match=r"cannot be written \(disk\)"):
            index.save()
