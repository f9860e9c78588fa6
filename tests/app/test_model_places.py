"""Which model stands behind a name, and where it is looked for before it is fetched."""

from __future__ import annotations

import json

import pytest
from far_plugin import far

from mmsdk.embed import open_encoder
from mmsdk.embed.models import in_models_home, model_of, nearest
from mmsdk.errors import EncoderError, PluginError
from mmsdk.files import models_home

__all__ = ["far"]
pytestmark = pytest.mark.usefixtures("far")


def put(folder, revision=None):
    """Put a model into a folder, with a manifest where a revision is said."""
    folder.mkdir(parents=True)
    (folder / "weights.txt").write_text("1")
    if revision is not None:
        (folder / "mmsdk-model.json").write_text(json.dumps({"revision": revision, "asked": "v1"}))
    return folder


def test_where_pulled_models_lie(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path))
    assert models_home() == tmp_path / "models"
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path / "mine"))
    assert models_home() == tmp_path / "mine"


def test_the_model_behind_a_name():
    model = model_of("far-words")
    assert (model.scheme, model.repo, model.revision, model.spec.licence) == ("far", "org/words", "v1", "MIT")
    assert model_of("far/far-words") == model
    assert model_of("far:org/other").spec is None
    assert model_of("around:far-words").spec == model.spec
    assert model_of("around:far:org/other#part").repo == "org/other"
    assert model_of("quantile") is None
    assert model_of("around:quantile") is None
    assert model_of("around:a/file.bin") is None
    with pytest.raises(PluginError, match=r"no encoder named 'far-wrds'. Did you mean 'far-words'"):
        model_of("far-wrds")


@pytest.mark.parametrize("name", ["far-words", "org--words"])
def test_a_pulled_model_is_found_by_the_encoders_name_or_the_hub_id(name):
    folder = put(models_home() / name)
    assert nearest("far-words") == f"far:{folder}"
    assert model_of("far-words").folder() == folder
    opened = open_encoder("far-words", "text")
    assert opened.name == "far-words"
    assert opened.encoder.folder == folder


def test_a_reference_finds_the_hub_ids_folder_only():
    put(models_home() / "far-words")
    assert nearest("far:org/words") == "far:org/words"
    folder = put(models_home() / "org--words")
    assert nearest("far:org/words") == f"far:{folder}"
    assert open_encoder("far:org/words", "text").name == "far:org/words"


@pytest.mark.parametrize(("revision", "found"), [("v1", True), ("abc", True), ("other", True)])
def test_a_pinned_revision_is_the_one_asked_for_or_resolved(revision, found):
    put(models_home() / "org--words", revision)
    assert (in_models_home("org/words@v1") is not None) is found  # the manifest says that v1 was asked for
    assert in_models_home("org/words@v2") is None
    assert in_models_home("org/words") is not None
    assert (in_models_home(f"org/words@{revision}") is not None) is found


def test_a_folder_put_there_by_hand_stands_for_any_revision():
    folder = put(models_home() / "org--words")
    assert in_models_home("org/words@v9") == folder


def test_names_do_not_leave_the_folder_of_models(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path / "models"))
    put(tmp_path / "weights")
    (tmp_path / "models").mkdir()
    assert in_models_home("../weights") is None
    assert in_models_home("..") is None


def test_a_scheme_that_does_not_fetch_is_left_alone():
    put(models_home() / "far-words")
    assert nearest("around:far-words") == "around:far-words"
    assert nearest("quantile") == "quantile"


def test_options_of_the_name_lie_under_those_of_the_input():
    put(models_home() / "far-words")
    assert open_encoder("far-words", "text").encoder.scale == 2.0
    assert open_encoder("far-words", "text", options={"scale": 5.0}).encoder.scale == 5.0


def test_a_model_that_is_nowhere_is_the_loaders_error():
    with pytest.raises(EncoderError, match="far:org/words@v1 is not here"):
        open_encoder("far-words", "text")
