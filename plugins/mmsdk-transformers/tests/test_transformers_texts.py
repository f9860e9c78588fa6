"""Long texts by chunks, prompts, and folders whose files must be those that were pulled."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from mmsdk_transformers.chunks import MOST
from mmsdk_transformers.loader import load

from mmsdk import EncoderError, hash_file

LONG = "red lamp oak table for the desk chair a lamp oak chair"
TEXTS = ["red lamp", LONG, "desk", LONG.replace("oak", "the")]


def test_a_long_text_is_the_mean_of_its_chunks(bert):
    whole = load(str(bert), modality="text", max_length=6)
    chunks = load(str(bert), modality="text", max_length=6, chunk=True)
    words = LONG.split()
    parts = [" ".join(words[start : start + 4]) for start in (0, 4, 8)]
    expected = np.average(whole.encode(parts, "text"), axis=0, weights=[4, 4, 4])
    np.testing.assert_allclose(chunks.encode([LONG], "text")[0], expected, atol=1e-5)
    assert np.abs(whole.encode([LONG], "text")[0] - expected).max() > 1e-3
    short = " ".join(words[:5])
    expected = np.average(whole.encode([" ".join(words[:4]), words[4]], "text"), axis=0, weights=[4, 1])
    np.testing.assert_allclose(chunks.encode([short], "text")[0], expected, atol=1e-5)


def test_chunks_overlap_where_there_is_room(bert):
    whole = load(str(bert), modality="text", max_length=10)
    chunks = load(str(bert), modality="text", max_length=10, chunk=True)
    words = LONG.split()
    parts = [" ".join(words[:8]), " ".join(words[7:])]  # one word of eight is read twice
    expected = np.average(whole.encode(parts, "text"), axis=0, weights=[8, 5])
    np.testing.assert_allclose(chunks.encode([LONG], "text")[0], expected, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "clip", "siglip"])
def test_rows_of_chunks_are_those_of_the_text_alone(family, request):
    encoder = load(str(request.getfixturevalue(family)), modality="text", max_length=6, chunk=True)
    together = encoder.encode(TEXTS, "text")
    alone = np.vstack([encoder.encode([text], "text") for text in TEXTS])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    if family == "bert":
        plain = load(str(request.getfixturevalue(family)), modality="text", max_length=6)
        np.testing.assert_allclose(together[[0, 2]], plain.encode([TEXTS[0], TEXTS[2]], "text"), atol=1e-5)
    else:
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_nothing_is_cut_of_chunks_until_there_are_too_many(bert):
    encoder = load(str(bert), modality="text", max_length=4, chunk=True)
    encoder.encode(TEXTS, "text")
    assert encoder.report() == {"truncated": (0, 4)}
    assert encoder.length(LONG) == 14
    most = "red " * (2 * MOST)
    vectors = encoder.encode([most, most + "desk"], "text")
    assert encoder.report() == {"truncated": (1, 6)}
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_chunk_is_a_choice_of_its_own(bert):
    first, other = load(str(bert), modality="text"), load(str(bert), modality="text", chunk=True)
    assert first.fingerprint() != other.fingerprint()
    with pytest.raises(EncoderError, match="chunk is 3, expected true or false"):
        load(str(bert), modality="text", chunk=3)


def test_prompt_stands_before_every_text(bert):
    plain, prompted = load(str(bert), modality="text"), load(str(bert), modality="text", prompt="for the ")
    np.testing.assert_allclose(
        prompted.encode(["desk", "lamp"], "text"), plain.encode(["for the desk", "for the lamp"], "text"), atol=1e-6
    )
    assert prompted.length("desk") == plain.length("for the desk")
    assert prompted.fingerprint() != plain.fingerprint()
    with pytest.raises(EncoderError, match="prompt is 3, expected a text"):
        load(str(bert), modality="text", prompt=3)


@pytest.fixture
def pulled(bert, tmp_path):
    """Return a folder with the list of its files."""
    folder = shutil.copytree(bert, tmp_path / "pulled")
    files = {file.name: {"hash": hash_file(file), "size": file.stat().st_size} for file in folder.iterdir()}
    write(folder, {"files": files, "repo": "someone/bert", "revision": "ab" * 20, "licence": "apache-2.0"})
    return folder


def write(folder, listed):
    (folder / "mmsdk-model.json").write_text(json.dumps(listed), "utf-8")


def test_a_pulled_folder_is_that_model(pulled, bert):
    assert load(str(pulled), modality="text").fingerprint() == load(str(bert), modality="text").fingerprint()


def test_other_weights_than_the_pulled_ones_are_refused(pulled):
    weights = pulled / "model.safetensors"
    data, expected = weights.read_bytes(), hash_file(weights)
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(EncoderError) as caught:
        load(str(pulled), modality="text")
    assert f"{weights} has the hash {hash_file(weights)}, expected {expected}; fetch" in str(caught.value)
    weights.write_bytes(data[:-5])
    with pytest.raises(EncoderError, match=rf"safetensors holds {len(data) - 5:,} bytes, expected {len(data):,};"):
        load(str(pulled), modality="text")
    weights.unlink()
    with pytest.raises(EncoderError, match=r"model.safetensors is listed in mmsdk-model.json and is not there; fetch"):
        load(str(pulled), modality="text")


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([], r"mmsdk-model.json cannot be read \(TypeError"),
        ({"files": []}, r"mmsdk-model.json cannot be read \(files is no object\)"),
        ({"files": {"config.json": {"size": 3}}}, "names no hash of config.json"),
        ({"files": {"../x": {"hash": "ab"}}}, r"\.\./x is listed in mmsdk-model.json and is not there"),
    ],
)
def test_a_list_that_cannot_be_read(pulled, listed, reason):
    write(pulled, listed)
    with pytest.raises(EncoderError, match=reason):
        load(str(pulled), modality="text")
