"""``--set KEY=VALUE``: what is read and how it is laid over the file."""

from __future__ import annotations

import pytest

from mmsdk.config import load_application, parse_set
from mmsdk.config.settings import overlay
from mmsdk.errors import ConfigError

APP = {
    "inputs": {
        "photo": {"column": "image", "modality": "image"},
        "title": {"column": ["name", "text"], "modality": "text", "encoder": "ngrams"},
        "note": {"column": "note", "modality": "text"},
    }
}


def load(*items):
    return load_application(APP, parse_set(items))


def test_a_block_of_one_word_is_the_key_it_is_known_by() -> None:
    raw = {"align": "cca", "fusion": "concat", "data": "a.csv", "inputs": "photo"}
    assert overlay(raw, {"fusion.dim": 8, "align.dim": 3}) == {
        "align": {"type": "cca", "dim": 3},
        "fusion": {"type": "concat", "dim": 8},
        "data": "a.csv",
        "inputs": "photo",
    }


def test_values_are_yaml_scalars_and_lists():
    found = parse_set(["a=1", "b=1e-3", "c=no", "d=[A, B]", "e=", "f=x=y", "g=2024-01-31", "h=onnx:m.onnx#out", "a=2"])
    assert found == {
        "a": 2, "b": 1e-3, "c": "no", "d": ["A", "B"], "e": None, "f": "x=y", "g": "2024-01-31", "h": "onnx:m.onnx#out",
    }  # fmt: skip


@pytest.mark.parametrize("item", ["a", "=1", "a..b=1", ".a=1", " =3"])
def test_what_is_no_key_and_value_is_refused(item):
    with pytest.raises(ConfigError, match="expected KEY=VALUE"):
        parse_set([item])


@pytest.mark.parametrize("item", ["a={b: 1}", "a=b: c", "a=[{b: 1}]", "a=[[1]]"])
def test_a_mapping_is_refused(item):
    with pytest.raises(ConfigError, match="expected a YAML scalar"):
        parse_set([item])


def test_what_yaml_cannot_read_is_to_be_quoted():
    with pytest.raises(ConfigError, match="put the value in quotes"):
        parse_set(["a=[1"])


def test_an_input_is_chosen_by_its_column():
    app = load("inputs.photo=picture", "inputs.price=price", "inputs.price.modality=number")
    assert app.inputs["photo"].column == "picture"
    assert app.inputs["photo"].modality == "image"
    assert app.inputs["price"].columns == ("price",)
    assert load("inputs.note=[a, b]").inputs["note"].columns == ("a", "b")


def test_a_block_may_be_named_by_its_first_word():
    app = load("fusion=concat", "index=flat", "split=part", "fusion.dim=8")
    assert (app.fusion.type, app.fusion.dim, app.index.type, app.split.column) == ("concat", 8, "flat", "part")


def test_an_encoder_is_chosen_by_modality_except_where_the_input_names_its_own():
    app = load("encoders.text=minilm", "inputs.note.encoder=words")
    assert (app.inputs["title"].encoder, app.inputs["note"].encoder) == ("minilm", "words")
    assert app.inputs["photo"].encoder is None
    with pytest.raises(ConfigError, match=r"--set encoders.audio: no input of modality named 'audio'"):
        load("encoders.audio=x")


def test_ignore_takes_inputs_and_columns_away():
    app = load("ignore=[photo, text]")
    assert list(app.inputs) == ["title", "note"]
    assert app.inputs["title"].columns == ("name",)
    assert list(load("ignore=image").inputs) == ["title", "note"]
    with pytest.raises(ConfigError, match="Did you mean 'photo'"):
        load("ignore=[foto]")
    with pytest.raises(ConfigError, match="expected names of inputs or columns"):
        load("ignore=[3]")


def test_a_mistake_is_put_down_to_the_setting():
    with pytest.raises(ConfigError) as caught:
        load("fusion.dim=0", "trainin.epochs=3", "index.kind=flat")
    message = str(caught.value)
    assert "--set fusion.dim: should be greater than or equal to 1, not 0" in message
    assert "--set trainin.epochs: no key named 'trainin'. Did you mean 'training'?" in message
    assert "--set index.kind: index: no key named 'kind'. Known: type" in message


def test_a_value_has_no_keys_below_it():
    with pytest.raises(ConfigError, match="'preset' is a value and has no keys below it"):
        load_application({**APP, "preset": "small"}, parse_set(["preset.x=1"]))


def test_the_source_is_not_changed():
    before = repr(APP)
    load("inputs.photo=other", "ignore=note", "encoders.text=x")
    assert repr(APP) == before


@pytest.mark.parametrize("text", [",", ";", "|", "/", "::", "&", "#", "-", ">", "!", "*", "?", "@", "%"])
def test_bare_punctuation_is_itself(text):
    assert parse_set([f"separator={text}"]) == {"separator": text}
