"""Maximal marginal relevance, and so many of a group."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.errors import DataError
from mmsdk.index import JointIndex
from mmsdk.index.varied import varied

SCORES = [4.0, 3.9, 3.0, 1.0]
VECTORS = np.array([[1, 0], [1, 0.01], [0, 1], [-1, 0]], np.float32)


def test_mmr_by_hand():
    # relevance 1, .967, .667, 0; likeness to the first 1, 1, 0, -1
    assert varied(SCORES, VECTORS, 4) == [0, 1, 2, 3]
    assert varied(SCORES, VECTORS, 3, diversity=0.5) == [0, 3, 2]  # .5 * 0 + .5 > .5 * .667 > .5 * .967 - .5
    assert varied(SCORES, VECTORS, 2, diversity=0.3) == [0, 2]  # .7 * .667 > .3 > .7 * .967 - .3
    assert varied(SCORES, VECTORS, 2, diversity=1.0) == [0, 3]
    assert varied(SCORES, VECTORS, 2, diversity=0.01) == [0, 1]


def test_likeness_is_to_the_nearest_of_those_taken():
    vectors = np.array([[1, 0], [-1, 0], [1, 0.2], [0, 1]], np.float32)
    assert varied([1.0, 1.0, 1.0, 1.0], vectors, 4, diversity=1.0) == [0, 1, 3, 2]


def test_so_many_of_a_group():
    groups = ["a", "a", "a", None, None, "b"]
    scores = [6.0, 5, 4, 3, 2, 1]
    assert varied(scores, None, 6, groups=groups) == [0, 3, 4, 5]
    assert varied(scores, None, 6, groups=groups, at_most=2) == [0, 1, 3, 4, 5]
    assert varied(scores, None, 2, groups=groups, at_most=2) == [0, 1]
    assert varied([], None, 2) == []


@pytest.mark.parametrize("words", [{"diversity": 1.5}, {"diversity": -0.1}, {"at_most": 0}])
def test_what_cannot_be(words):
    with pytest.raises(DataError, match="expected"):
        varied(SCORES, VECTORS, 2, **words)


def test_candidates_of_an_index(tmp_path):
    with JointIndex.create(tmp_path / "index", 2, "dot") as index:
        index.add(["a", "b", "c"], np.array([[3, 0], [2, 0], [1, 0]]), [{"x": 1}, {"x": 2}, {"x": 3}])
        found = [hit.id for hit in index.search([[1, 0]], 3, candidates=["c", "b", "nobody"])[0]]
        assert found == ["b", "c"]
        assert [hit.id for hit in index.search([[1, 0]], 3, "x > 2", candidates=["b", "c"])[0]] == ["c"]
        assert [hit.id for hit in index.search([[1, 0]], 3, None, ["b"], ["b", "c"])[0]] == ["c"]
        assert index.search([[1, 0]], 3, candidates=[])[0] == []
        assert index.columns() == ("x",)
