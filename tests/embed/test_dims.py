"""The remembered length of vectors: a computed one is asked once for a fingerprint, a plain one is never kept."""

from __future__ import annotations

from functools import cached_property

import pytest

from mmsdk.embed.dims import FILE, dim_of
from mmsdk.files import cache_home


class Lazy:
    """Would read its model to say how long its vectors are."""

    asked = 0

    @cached_property
    def dim(self) -> int:
        type(self).asked += 1
        return 7


class Plain:
    """Knows it."""

    def __init__(self) -> None:
        self.dim = 5


@pytest.fixture(autouse=True)
def _nobody_asked():
    Lazy.asked = 0


def test_a_computed_dim_is_asked_once_for_a_fingerprint():
    assert [dim_of(Lazy(), "a"), dim_of(Lazy(), "a")] == [7, 7]
    assert Lazy.asked == 1
    assert dim_of(Lazy(), "other weights") == 7
    assert Lazy.asked == 2


def test_a_plain_dim_is_not_kept():
    assert dim_of(Plain(), "a") == 5
    assert not (cache_home() / FILE).exists()


@pytest.mark.parametrize("text", ["{torn", "[1]", '{"a": 0}', '{"a": true}', '{"a": "7"}'])
def test_a_damaged_file_is_asked_anew_and_mended(text):
    cache_home().mkdir(parents=True, exist_ok=True)
    (cache_home() / FILE).write_text(text, encoding="utf-8")
    assert [dim_of(Lazy(), "a"), dim_of(Lazy(), "a")] == [7, 7]
    assert Lazy.asked == 1


def test_no_dim_at_all_is_said_and_not_kept():
    assert dim_of(object(), "a") is None
    assert not (cache_home() / FILE).exists()


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "file"))
    assert dim_of(Lazy(), "a") == 7
