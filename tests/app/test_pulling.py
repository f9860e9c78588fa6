"""Fetching a model into a folder: its manifest, and what may not be overwritten; the list of encoders."""

from __future__ import annotations

import json

import pytest
from far_plugin import far

from mmsdk.app.pulling import known_encoders, pull
from mmsdk.errors import EncoderError, PluginError
from mmsdk.files import hash_file, models_home
from mmsdk.progress import configure

__all__ = ["far"]
pytestmark = pytest.mark.usefixtures("far")


def test_the_manifest_says_where_from_and_the_hash_of_each_file(tmp_path):
    found = pull("far-words", tmp_path / "words")
    assert found.folder == tmp_path / "words"
    assert found.manifest == json.loads((tmp_path / "words" / "mmsdk-model.json").read_text())
    assert {key: value for key, value in found.manifest.items() if key != "files"} == {
        "repo": "org/words",
        "revision": "abc123",
        "asked": "v1",
        "licence": "MIT",
    }
    files = found.manifest["files"]
    assert set(files) == {"weights.txt", "more/quiet.txt"}
    for name, one in files.items():
        assert one == {"hash": hash_file(found.folder / name), "size": (found.folder / name).stat().st_size}
    assert found.size == sum(one["size"] for one in files.values())


def test_any_model_of_the_scheme_has_the_licence_that_the_hub_says(tmp_path):
    assert pull("far:any/thing", tmp_path / "any").manifest["licence"] == "as the hub says"


def test_the_default_place_is_where_the_encoder_looks():
    assert pull("far-words").folder == models_home() / "far-words"
    assert pull("far:any/thing").folder == models_home() / "any--thing"


def test_quiet_is_handed_on(tmp_path):
    configure(quiet=True)
    pull("far-words", tmp_path / "words")
    assert (tmp_path / "words" / "more" / "quiet.txt").read_text() == "True"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(EncoderError, match=r"exists and holds no pulled model; name a new folder with --to"):
        pull("far-words", tmp_path)
    with pytest.raises(EncoderError, match="holds no pulled model"):
        pull("far-words", tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_is_filled_and_a_pulled_one_replaced(tmp_path):
    (tmp_path / "words").mkdir()
    pull("far-words", tmp_path / "words")
    (tmp_path / "words" / "stray.txt").write_text("")
    pull("far:org/new", tmp_path / "words")
    assert (tmp_path / "words" / "weights.txt").read_text() == "org/new"
    assert not (tmp_path / "words" / "stray.txt").exists()


def test_what_fails_leaves_no_folder(tmp_path):
    with pytest.raises(EncoderError, match="there is no such model"):
        pull("far:nobody/model", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_nothing_to_fetch():
    with pytest.raises(EncoderError, match=r"encoder 'quantile' has no model to fetch: what it needs comes with"):
        pull("quantile")
    with pytest.raises(PluginError, match="Did you mean 'far-words'"):
        pull("far-word")


def test_the_list_says_what_is_here():
    def states():
        return {one.name: one.state for one in known_encoders()}

    before = states()
    assert before["far-words"] == "to fetch"
    assert before["quantile"] == "built in"
    assert before["lacking"] == "lacks no_such_module"
    folder = pull("far-words").folder
    assert states()["far-words"] == "here"
    (one,) = [one for one in known_encoders() if one.name == "far-words"]
    assert (one.folder, one.model, one.licence, one.size) == (folder, "far:org/words@v1", "MIT", 1_000_000)
    assert (one.modalities, one.dim, one.plugin) == (("text", "image"), 3, "mmsdk-far 0.1.0")
