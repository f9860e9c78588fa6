"""Columns, elements and tags away: empty where there is such a thing, usual where there is not."""

from __future__ import annotations

import numpy as np
from mmsdk_table.columns import Columns
from mmsdk_table.modalities import Number, Vector
from mmsdk_table.quantiles import Quantiles
from mmsdk_table.standard import Standard
from mmsdk_table.table import Rows
from mmsdk_table.tags import Tags


def test_a_column_away_is_empty_and_an_empty_one_is_no_part():
    parts = Rows().parts((1.0, None, "oak"))
    assert [part.place for part in parts] == [(0, 1), (2, 3)]
    assert Rows().without((1.0, None, "oak"), parts[:1]) == (None, None, "oak")
    assert Rows().without((1.0, None, "oak"), parts) is None


def test_an_element_away_is_as_in_the_mean_of_others():
    sample = np.array([1.0, 2.0, 6.0], np.float32)
    others = [np.array([0.0, 10.0, 0.0], np.float32), np.array([0.0, 20.0, 0.0], np.float32), np.zeros(2, np.float32)]
    parts = Vector().parts(sample)
    assert Vector().without(sample, parts[1:2], others).tolist() == [1, 15, 6]
    assert Vector().without(sample, parts[1:2]).tolist() == [1, 3, 6]
    blocks = Vector().parts(np.zeros(300, np.float32))
    assert len(blocks) <= 128
    assert [blocks[0].place[0], blocks[-1].place[1]] == [0, 300]


def test_tags_and_whole_values():
    parts = Tags().parts(("red", "oak"))
    assert Tags().without(("red", "oak"), parts[:1]) == ("oak",)
    assert Tags().without(("red", "oak"), parts) is None
    assert Number().without(3.0, Number().parts(3.0)) is None


def test_sources_say_which_element_each_value_came_of():
    vectors = [np.array(one, np.float32) for one in ([0, 1, 5], [1, 1, 6], [2, 3, 9], [3, 8, 2])]
    for encoder in (Standard(), Quantiles(bins=3)):
        encoder.fit(vectors, "vector")
        _sources_hold(encoder, vectors[0], lambda place: vectors[0] + 0.5 * np.eye(3, dtype=np.float32)[place], 3)
    rows = [(1.0, "a"), (2.0, "b"), (3.0, None), (4.0, "a")]
    encoder = Columns()
    encoder.fit(rows, "table")
    _sources_hold(encoder, rows[0], lambda place: ((2.5, "a"), (1.0, "b"))[place], 2)


def _sources_hold(encoder, sample, changed, count):
    """Change one position at a time: only the elements that came of it may differ."""
    sources = np.asarray(encoder.sources())
    assert len(sources) == encoder.dim
    base = encoder.encode([sample], "any")[0]
    for place in range(count):
        differs = encoder.encode([changed(place)], "any")[0] != base
        assert differs.any()
        assert set(sources[differs]) == {place}
