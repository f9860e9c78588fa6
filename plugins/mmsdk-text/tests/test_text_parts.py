"""The words that `mmsdk explain` takes away, in several languages."""

from __future__ import annotations

from mmsdk_text.parts import without_words, words_of


def names(text):
    return [part.name for part in words_of(text)]


def test_words_of_several_languages():
    assert names("A red-brown lamp, 3.5 kg; don't!") == ["A", "red-brown", "lamp", "3.5", "kg", "don't"]
    assert names("红色台灯 LED") == ["红", "色", "台", "灯", "LED"]
    assert names("größer, Ångström") == ["größer", "Ångström"]
    assert names("...") == []


def test_a_long_text_falls_into_runs_that_hold_every_word():
    text = " ".join(f"word{n}" for n in range(200))
    parts = words_of(text)
    assert len(parts) <= 64
    assert " ".join(part.name for part in parts) == text


def test_what_is_left():
    text = "red oak lamp, tall"
    parts = words_of(text)
    assert without_words(text, parts[1:2]) == "red lamp, tall"
    assert without_words(text, [parts[3], parts[0]]) == "oak lamp,"
    assert without_words(text, parts) is None
    assert without_words(text, []) == text
