"""Pulling from a hub on loopback, using what was pulled, and every refusal; each command in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hub_double import COMMIT, serving
from mmsdk_transformers import models
from mmsdk_transformers.pulling import locate, pull

import mmsdk
from mmsdk import EncoderError

TEXTS = ["red lamp", "oak table"]


@pytest.fixture(scope="session")
def repository(bert, tmp_path_factory):
    """Return a folder as the hub may hold it: weights twice, and more than is wanted."""
    folder = tmp_path_factory.mktemp("repository") / "model"
    shutil.copytree(bert, folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "open_clip_model.safetensors").write_bytes(b"the same weights again")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    return folder


def mmsdk_command(*words, folder, hub="http://127.0.0.1:9", offline="0"):
    """Run ``mmsdk`` with all caches under a folder; return the code, stdout, stderr."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub,
        "HF_HUB_OFFLINE": offline,
        "HF_HOME": str(folder / "hf"),
        "MMSDK_CACHE_DIR": str(folder / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "mmsdk", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def pulled(repository, tmp_path_factory):
    """Return a folder that was really pulled, with what the command said."""
    folder = tmp_path_factory.mktemp("pulled")
    with serving(repository) as hub:
        code, out, err = mmsdk_command(
            "encoders",
            "pull",
            "transformers:tiny/model",
            "--to",
            folder / "model",
            "--json",
            folder=folder,
            hub=hub.url,
        )
    assert code == 0, err
    return folder / "model", json.loads(out)


def test_a_pulled_folder_is_whole_and_lists_the_hash_of_each_file(pulled, bert):
    folder, said = pulled
    expected = {path.name for path in bert.iterdir()}
    assert {path.name for path in folder.rglob("*")} == {*expected, "mmsdk-model.json"}
    manifest = json.loads((folder / "mmsdk-model.json").read_text())
    assert (manifest["repo"], manifest["revision"], manifest["licence"]) == ("tiny/model", COMMIT, "mit")
    assert manifest["files"] == {
        name: {"hash": mmsdk.hash_file(bert / name), "size": (bert / name).stat().st_size} for name in expected
    }
    assert said["folder"] == str(folder)
    assert said["bytes"] == sum(path.stat().st_size for path in bert.iterdir())
    assert said["files"] == manifest["files"]


def test_vectors_and_fingerprint_are_those_of_the_folder_it_came_from(pulled, bert):
    here, there = (mmsdk.open_encoder(f"transformers:{folder}", "text") for folder in (pulled[0], bert))
    assert here.fingerprint == there.fingerprint
    np.testing.assert_array_equal(here.encoder.encode(TEXTS, "text"), there.encoder.encode(TEXTS, "text"))


def test_a_changed_file_is_refused(pulled, tmp_path):
    folder = shutil.copytree(pulled[0], tmp_path / "model")
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(EncoderError, match=r"model.safetensors has the hash .*, expected .*; fetch the model again"):
        mmsdk.open_encoder(f"transformers:{folder}", "text")


@pytest.mark.parametrize("reference", ["tiny/model", f"tiny/model@{COMMIT}"])
def test_the_folder_of_models_comes_before_the_hub(pulled, tmp_path, monkeypatch, reference):
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path))
    shutil.copytree(pulled[0], tmp_path / "tiny--model")
    found = mmsdk.open_encoder(f"transformers:{reference}", "text")
    assert found.name == f"transformers:{reference}"
    assert found.encoder.encode(TEXTS, "text").shape == (2, 16)


def test_a_folder_of_another_revision_is_passed_over(pulled, tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path))
    shutil.copytree(pulled[0], tmp_path / "tiny--model")
    with pytest.raises(EncoderError, match="HF_HUB_OFFLINE is set"):
        mmsdk.open_encoder("transformers:tiny/model@v2", "text")


def test_without_a_place_it_is_found_by_itself(repository, tmp_path):
    with serving(repository) as hub:
        code, out, err = mmsdk_command("encoders", "pull", "transformers:tiny/model", folder=tmp_path, hub=hub.url)
    assert code == 0, err
    count = len([path for path in repository.iterdir() if path.suffix in (".json", ".txt")]) + 1
    lines = out.splitlines()
    assert lines[0] == f"tiny/model at {COMMIT}"
    assert lines[1].startswith(f"{count} files, ")
    assert lines[1].endswith("; mit")
    assert lines[2] == f"in {tmp_path / 'cache' / 'models' / 'tiny--model'}"


def test_without_a_network_the_error_says_what_to_do(tmp_path):
    code, _, err = mmsdk_command("encoders", "pull", "bge-small-zh", folder=tmp_path, offline="1")
    assert code == 2
    assert "mmsdk encoders pull transformers:BAAI/bge-small-zh-v1.5 --to BAAI--bge-small-zh-v1.5" in err
    assert str(tmp_path / "cache" / "models" / "BAAI--bge-small-zh-v1.5") in err


def test_after_an_interruption_whole_files_are_kept(repository, tmp_path):
    words = ("encoders", "pull", "transformers:tiny/model", "--to", tmp_path / "model", "--quiet")
    with serving(repository, withheld="model.safetensors") as hub:
        code, _, err = mmsdk_command(*words, folder=tmp_path, hub=hub.url)
    assert code == 2
    assert "tiny/model: cannot be fetched" in err
    assert not (tmp_path / "model").exists()
    with serving(repository) as hub:
        assert mmsdk_command(*words, folder=tmp_path, hub=hub.url)[0] == 0
        fetched = [path.rpartition("/")[2] for method, path in hub.asked if method == "GET" and "/resolve/" in path]
    assert fetched == ["model.safetensors"]
    assert (tmp_path / "model" / "config.json").is_file()
    assert not (tmp_path / "model.partial").exists()


def test_what_an_interrupted_pull_left_of_another_model_goes(repository, tmp_path):
    left = tmp_path / "model.partial"
    left.mkdir()
    (left / ".mmsdk-pulling").write_text("transformers:other/model")
    (left / "vocab.txt").write_text("another vocabulary")
    with serving(repository) as hub:
        words = ("encoders", "pull", "transformers:tiny/model", "--to", tmp_path / "model")
        assert mmsdk_command(*words, folder=tmp_path, hub=hub.url)[0] == 0
    assert not (tmp_path / "model" / "vocab.txt").exists()
    assert not (tmp_path / "model" / ".mmsdk-pulling").exists()


def test_a_pickle_is_not_fetched(repository, tmp_path):
    folder = shutil.copytree(repository, tmp_path / "old", ignore=shutil.ignore_patterns("*.safetensors"))
    with serving(folder) as hub:
        code, _, err = mmsdk_command("encoders", "pull", "transformers:tiny/model", folder=tmp_path, hub=hub.url)
        assert not any("/resolve/" in path for _, path in hub.asked)
    assert code == 2
    assert "tiny/model holds no safetensors; other weights (pytorch_model.bin) are pickles" in err


def test_an_unknown_model(repository, tmp_path):
    with serving(repository) as hub:
        code, _, err = mmsdk_command("encoders", "pull", "transformers:tiny/modle", folder=tmp_path, hub=hub.url)
    assert code == 2
    assert "the hub has no model 'tiny/modle', or it is private" in err


def hub_cache(bert, folder, commit=COMMIT):
    """Return a hub cache that holds the model, as the library lays it out."""
    repo = folder / "models--tiny--model"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    shutil.copytree(bert, repo / "snapshots" / commit)
    return folder


def test_offline_a_pull_copies_the_hub_cache(bert, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub_cache(bert, tmp_path / "hub")))
    facts = pull("tiny/model", tmp_path / "out", quiet=True)
    assert facts == {"repo": "tiny/model", "revision": COMMIT, "licence": ""}
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (bert / "model.safetensors").read_bytes()


def test_offline_a_model_that_is_nowhere_cannot_be_pulled(tmp_path):
    with pytest.raises(EncoderError, match=r"HF_HUB_OFFLINE is set and its cache does not hold it; on a machine"):
        pull("tiny/nowhere", tmp_path / "out", quiet=True)


def test_a_folder_cannot_be_pulled(bert, tmp_path):
    with pytest.raises(EncoderError, match=r"is no hub id such as .*, so there is nothing to pull"):
        pull(str(bert), tmp_path / "out")


def test_where_a_model_lies(bert, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub_cache(bert, tmp_path / "hub")))
    assert locate("tiny/model") == tmp_path / "hub" / "models--tiny--model" / "snapshots" / COMMIT
    assert locate(str(bert)) == bert.resolve()
    assert locate("tiny/nowhere") is None
    assert locate("no such name") is None
    (locate("tiny/model") / "model.safetensors").unlink()
    assert locate("tiny/model") is None


def test_names_are_of_permissive_or_named_licences_and_presets_take_permissive_ones():
    found = {spec.name: spec for spec in models.encoders()}
    assert len(found) == len(list(models.encoders()))
    taken = {
        name.removeprefix("frames:")
        for preset in models.presets()
        for names in preset.encoders.values()
        for name in names
    } - {"minilm"}
    assert taken <= set(found)
    assert {found[name].licence for name in taken} <= {"MIT", "Apache-2.0", "BSD-3-Clause"}


def test_e5_is_told_that_a_text_is_a_query(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path))
    shutil.copytree(bert, tmp_path / "e5-small")
    own = mmsdk.open_encoder("e5-small", "text")
    plain = mmsdk.open_encoder("e5-small", "text", options={"prompt": ""})
    assert own.name == "e5-small"
    assert own.fingerprint != plain.fingerprint
    assert np.abs(own.encoder.encode(TEXTS, "text") - plain.encoder.encode(TEXTS, "text")).max() > 1e-3
