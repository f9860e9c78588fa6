"""The modality tags and its encoder multihot."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mmsdk_table.modalities import Category
from mmsdk_table.multihot import MultiHot
from mmsdk_table.tags import Tags

from mmsdk import EncoderError


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("red|round",), ("red", "round")),
        (("red, oak ; round",), ("red", "oak", "round")),
        (("\u7ea2\u3001\u5706\uff0c\u6728",), ("\u7ea2", "\u5706", "\u6728")),
        (('["a, b", "c"]',), ("a, b", "c")),
        (("[draft] a, b",), ("[draft] a", "b")),
        (("[a, b]",), ("[a", "b]")),  # no JSON: brackets are text
        ((["b", "a", "b", None, " "],), ("b", "a")),
        (([3, 3.0, "3"],), ("3",)),
        (("red", None, "oak|red"), ("red", "oak")),
        ((7,), ("7",)),
        (("",), None),
        ((" | ,",), None),
        (([],), None),
        (("[]",), None),
        ((None, None), None),
    ],
)
def test_decode(cell, expected):
    assert Tags().decode(cell) == expected


def test_separator_leaves_the_other_marks_alone():
    assert Tags(separator=" / ").decode(("a, b / c|d",)) == ("a, b", "c|d")
    with pytest.raises(ValueError, match="separator is '', expected a text"):
        Tags(separator="")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (([["a"], "b"],), "holds several values"),
        (("x" * 1001,), "holds 1,001 characters"),
        (([str(n) for n in range(1001)],), "holds 1,001 values, where tags may be 1,000"),
    ],
)
def test_decode_refuses(cell, reason):
    with pytest.raises(ValueError, match=reason):
        Tags().decode(cell)


def test_guess_wants_words_that_come_again_in_company():
    mixed = ["red|round", "oak|red", "round", "oak|round|red", "red|oak"] * 4
    assert Tags().guess(mixed) > Category().guess(mixed)
    assert Tags().guess(["red", "blue"] * 10) == 0
    assert Tags().guess(["1,5", "2,5", "1,7"] * 5) == 0
    assert Tags().guess([[["nested"]]]) == 0
    assert Tags().guess([f"lamp {n}, for desk {n}" for n in range(20)]) == 0
    written = ["咳嗽，高血压病史。", "发热，高血压病史。", "咳嗽，无既往史！", "发热，无既往史"] * 5
    assert Tags().guess(written) == 0
    assert Tags().guess([one.strip("。！") for one in written]) > 0.5


def test_multihot_marks_each_and_unseen_leaves_no_trace():
    encoder = MultiHot()
    encoder.fit([("red", "oak"), ("red",)], "tags")
    answer = encoder.encode([("oak", "red"), ("red",), ("new",)], "tags")
    np.testing.assert_array_equal(answer, [[1, 1], [1, 0], [0, 0]])
    encoder.fit([("7", "8")], "tags")
    np.testing.assert_array_equal(encoder.encode([("7.0",), ("7", "8.0")], "tags"), [[1, 0], [1, 1]])


def test_multihot_limit_gives_the_rest_a_column():
    encoder = MultiHot(limit=1)
    encoder.fit([("red", "oak"), ("red", "elm")], "tags")
    np.testing.assert_array_equal(
        encoder.encode([("red",), ("elm", "oak"), ("new",)], "tags"), [[1, 0], [0, 1], [0, 1]]
    )


def test_multihot_idf_weighs_what_is_rare_and_brings_rows_to_length_one():
    encoder = MultiHot(idf=True)
    encoder.fit([("red", "oak"), ("red",), ("red",)], "tags")
    both, common, unseen = encoder.encode([("red", "oak"), ("red",), ("new",)], "tags")
    assert both[1] / both[0] == pytest.approx(1 + np.log(4 / 2))
    assert np.linalg.norm(both) == pytest.approx(1)
    np.testing.assert_array_equal(common, [1, 0])
    assert not unseen.any()


@pytest.mark.parametrize("options", [{}, {"limit": 1}, {"idf": True}])
def test_multihot_is_the_same_after_its_state(options):
    batch = [("red", "oak"), ("red", "elm"), ("ash",)]
    one, other = MultiHot(**options), MultiHot(**options)
    one.fit(batch, "tags")
    other.load_state(json.loads(json.dumps(one.state())))
    np.testing.assert_array_equal(one.encode(batch, "tags"), other.encode(batch, "tags"))
    assert one.dim == other.dim


def test_multihot_of_nothing():
    encoder = MultiHot()
    encoder.fit([], "tags")
    np.testing.assert_array_equal(encoder.encode([("red",)], "tags"), [[0]])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limit": 0}, "encoder 'multihot': limit is 0, expected a whole number from 1 to 65536"),
        ({"idf": 1}, "encoder 'multihot': idf is 1, expected true or false"),
    ],
)
def test_multihot_refuses(options, reason):
    with pytest.raises(EncoderError, match=reason):
        MultiHot(**options)
