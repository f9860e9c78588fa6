"""The modality text: joining, cleaning, limits, guessing."""

from __future__ import annotations

import pytest
from mmsdk_text.modality import LIMIT, Text

text = Text()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("red lamp",), "red lamp"),
        (("red lamp", None, "for desks "), "red lamp\n\nfor desks"),
        (("a\x00b\x1b[0m\tc\r\nd",), "ab[0m\tc\nd"),
        (("lone \ud800 surrogate",), "lone  surrogate"),
        ((12, 1.5, True), "12\n\n1.5\n\nTrue"),
        ((12.0, -0.0, 1e16, float("inf")), "12\n\n0\n\n1e+16\n\ninf"),  # a column with gaps holds 12 as 12.0
        ((["a", None, "b"],), "a, b"),
        (("台灯 🙂",), "台灯 🙂"),
        (("", None, " \x07 "), None),
        (("\x00\x01\x1b\x7f" * 1000,), None),
        (("\ufeffred lamp\u200b",), "red lamp"),
        (("\u200b \u2060",), None),
        (("می\u200cخواهم",), "می\u200cخواهم"),  # within a word it joins or parts letters
    ],
)
def test_decode(cell, expected):
    assert text.decode(cell) == expected


def test_too_long_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="holds 1,000,001 characters, where a text may hold 1,000,000"):
        text.decode(("x" * (LIMIT + 1),))
    assert text.decode(("x" * LIMIT,)) == "x" * LIMIT


def test_a_dict_is_no_text():
    with pytest.raises(ValueError, match="holds a dict, where a text is expected; give the text in it"):
        text.decode(({"a": 1},))


def test_bytes_are_no_text():
    with pytest.raises(ValueError, match="holds 3 bytes, where a text is expected; decode it first"):
        text.decode((b"abc",))


def test_guess_prefers_sentences_to_words_and_numbers():
    sentences = text.guess(["a lamp for the desk", "a chair that folds away"])
    assert sentences == 1.0
    assert text.guess(["red", "blue"]) == 0.5
    assert text.guess(["red", "red", "red", "red"]) < 0.2
    assert text.guess(["1", "2.5", 3]) == 0.0
