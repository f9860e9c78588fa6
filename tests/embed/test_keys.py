"""Keys are equal for equal contents, and for no others."""

from __future__ import annotations

import datetime
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsdk.embed import content_key
from mmsdk.embed.keys import ContentKeys, signature
from mmsdk.protocols import Media

VALUES = [
    1, 1.0, True, "1", b"1", None, float("nan"), "", [], [1.0], [1], ["1"], {"a": 1}, {"a": "1"}, "ab", ["a", "b"],
    ["ab"], [["a"], "b"], [0.5] * 9, [0.5] * 10, [1] * 9, np.zeros(3), np.zeros((3, 1)), np.zeros(3, np.float32),
    datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), "\ud800",
]  # fmt: skip


def test_every_value_type_and_order_has_its_own_key():
    cells = [(value,) for value in VALUES] + [("a", "b"), ("b", "a"), ("ab", None), (None, "ab"), ("a", "b", None)]
    keys = [content_key(cell) for cell in cells]
    assert len(set(keys)) == len(cells)
    assert {len(key) for key in keys} == {32}
    assert keys == [content_key(cell) for cell in cells]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)  # on a busy machine too
@given(st.lists(st.text()), st.lists(st.text()))
def test_tuples_of_text_never_run_into_each_other(one, other):
    assert (content_key(tuple(one)) == content_key(tuple(other))) == (one == other)


def test_a_file_counts_by_its_bytes(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"picture")
    keys = {content_key(Media(name="a", path=path)), content_key(Media(name="b", data=b"picture"))}
    assert len(keys) == 1
    assert content_key(Media(name="a", data=b"other")) not in keys


def test_a_rewritten_file_has_another_key_even_with_its_old_times(cache, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    keys = ContentKeys(cache)
    first = keys.of([Media(name="a", path=path)]).keys
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert keys.of([Media(name="a", path=path)]).keys != first
    assert keys.of([Media(name="a", path=path)]).keys == [content_key(Media(name="b", data=b"two"))]


def test_hashes_of_files_at_rest_are_remembered_and_of_fresh_ones_are_not(cache, tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    keys = ContentKeys(cache)
    keys.of([Media(name="a", path=path)])
    assert cache.info().files == 0
    monkeypatch.setattr("mmsdk.embed.keys.RACY_SECONDS", -1.0)
    keys.of([Media(name="a", path=path)])
    assert cache.known_files({str(path): signature(path)}) == {str(path): content_key(Media(name="", data=b"one"))}
    assert cache.known_files({str(path): "another"}) == {}


def test_a_file_that_cannot_be_read_is_told(cache, tmp_path):
    found = ContentKeys(cache).of(
        [None, Media(name="x", path=tmp_path / "x"), Media(name="dir", path=tmp_path), ("a",)]
    )
    assert found.unreadable == {1: "does not exist", 2: "cannot be read: is a directory"}
    assert [key is None for key in found.keys] == [True, True, True, False]


@pytest.mark.parametrize("count", [1, 20_000])
def test_any_number_of_files_is_looked_up(cache, count):
    cache.remember_files([(f"/{i}", "s", b"%032d" % i) for i in range(count)])
    assert len(cache.known_files({f"/{i}": "s" for i in range(count)})) == count
