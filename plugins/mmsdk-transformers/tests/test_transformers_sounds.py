"""Sounds through transformers: every family against the library's own answer, windows, rates, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import soxr
import torch
from mmsdk_transformers.loader import load

from mmsdk import EncoderError, Sound

RATE = 16_000
HEARING = ("whisper", "wav2vec2", "wav2vec2_large", "hubert", "ast", "clap", "clap_fused")
random = np.random.default_rng(0)


def noise(samples, rate=RATE):
    return Sound(samples=0.1 * random.standard_normal(samples).astype(np.float32), rate=rate)


SOUNDS = [noise(8000), noise(4100), noise(42_000), noise(1), Sound(samples=np.zeros(3000, np.float32), rate=RATE)]


def library(folder, pieces, **preparation):
    """Return what the library answers for windows of one length, and what it was given."""
    from transformers import AutoFeatureExtractor, AutoModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    inputs = extractor(pieces, sampling_rate=RATE, return_tensors="pt", **preparation)
    return model, inputs


@pytest.mark.parametrize("family", HEARING)
def test_rows_are_those_of_the_sound_alone(family, request):
    encoder = load(str(request.getfixturevalue(family)), modality="audio")
    assert encoder.output == "sequence"
    together = encoder.encode(SOUNDS, "audio")
    for sound, found in zip(SOUNDS, together, strict=True):
        (alone,) = encoder.encode([sound], "audio")
        np.testing.assert_allclose(alone.values, found.values, atol=1e-5)
        assert found.values.shape == (len(found.times), encoder.dim)
        assert (found.values.dtype, found.times.dtype) == (np.float32, np.float64)
        assert np.isfinite(found.values).all()
        assert (np.diff(found.times) > 0).all()
    again = encoder.encode(SOUNDS[::-1], "audio")[::-1]
    for first, second in zip(together, again, strict=True):
        np.testing.assert_allclose(second.values, first.values, atol=1e-5)


def test_windows_cover_a_long_sound_and_say_when(ast):
    encoder = load(str(ast), modality="audio")
    sound = noise(42_000)
    (found,) = encoder.encode([sound], "audio")
    np.testing.assert_allclose(found.times, [0.5, 1.3125, 2.125], atol=1e-4)
    pieces = [Sound(samples=sound.samples[start : start + RATE], rate=RATE) for start in (0, 13_000, 26_000)]
    expected = [one.values[0] for one in encoder.encode(pieces, "audio")]
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    (short,) = encoder.encode([noise(8000)], "audio")
    np.testing.assert_allclose(short.times, [0.25])


def test_window_option(wav2vec2, ast):
    sound = noise(RATE)
    (found,) = load(str(wav2vec2), modality="audio", window=0.25).encode([sound], "audio")
    np.testing.assert_allclose(found.times, [0.125, 0.375, 0.625, 0.875])
    first, other = load(str(wav2vec2), modality="audio"), load(str(wav2vec2), modality="audio", window=0.25)
    assert len(first.encode([sound], "audio")[0].times) == 1
    assert first.fingerprint() != other.fingerprint()
    with pytest.raises(EncoderError, match="window is 2 seconds, expected 1 at most"):
        load(str(ast), modality="audio", window=2).encode([sound], "audio")
    for wrong in (0, -1.0, True, "2"):
        with pytest.raises(EncoderError, match=f"window is {wrong!r}, expected seconds above 0"):
            load(str(ast), modality="audio", window=wrong)


def test_other_rates_are_resampled(hubert):
    encoder = load(str(hubert), modality="audio")
    sound = noise(24_000, 48_000)
    same = Sound(samples=soxr.resample(sound.samples, 48_000, RATE), rate=RATE)
    (found,), (expected,) = encoder.encode([sound], "audio"), encoder.encode([same], "audio")
    np.testing.assert_allclose(found.values, expected.values, atol=1e-6)
    np.testing.assert_allclose(found.times, [0.25])
    assert encoder.length(sound) == encoder.length(same) == 500


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wav2vec2_large"])
def test_speech_models_are_the_mean_of_their_frames(family, request):
    folder = request.getfixturevalue(family)
    model, inputs = library(folder, [SOUNDS[0].samples])
    with torch.inference_mode():
        expected = model(inputs["input_values"]).last_hidden_state[0].mean(0)
    (found,) = load(str(folder), modality="audio").encode([SOUNDS[0]], "audio")
    np.testing.assert_allclose(found.values[0], expected, atol=1e-5)


def test_whisper_is_its_encoder_without_the_padding(whisper):
    model, inputs = library(whisper, [SOUNDS[0].samples])
    with torch.inference_mode():
        hidden = model.get_encoder()(inputs["input_features"]).last_hidden_state[0]
    encoder = load(str(whisper), modality="audio")
    (found,) = encoder.encode([SOUNDS[0]], "audio")
    np.testing.assert_allclose(found.values[0], hidden[:25].mean(0), atol=1e-5)  # half a second at 50 frames a second
    assert not any("decoder" in name for name, _ in encoder.module().named_parameters())


def test_ast_pools_by_itself_or_as_told(ast):
    model, inputs = library(ast, [SOUNDS[0].samples])
    with torch.inference_mode():
        answer = model(**inputs)
    hidden = answer.last_hidden_state[0]
    for pooling, expected in {"auto": answer.pooler_output[0], "cls": hidden[0], "mean": hidden.mean(0)}.items():
        (found,) = load(str(ast), modality="audio", pooling=pooling).encode([SOUNDS[0]], "audio")
        np.testing.assert_allclose(found.values[0], expected, atol=1e-5)


def test_a_class_token_that_is_not_there(hubert):
    with pytest.raises(EncoderError, match="pooling 'cls' needs a class token, which the model does not have"):
        load(str(hubert), modality="audio", pooling="cls").encode(SOUNDS, "audio")


def test_clap_answers_in_the_space_of_its_texts(clap):
    model, inputs = library(clap, [SOUNDS[0].samples], truncation="rand_trunc")
    with torch.inference_mode():
        expected = model.get_audio_features(**inputs).pooler_output[0]
    (found,) = load(str(clap), modality="audio").encode([SOUNDS[0]], "audio")
    np.testing.assert_allclose(found.values[0], expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.values), 1, atol=1e-5)


@pytest.mark.parametrize("family", ["clap", "clap_fused"])
def test_clap_draws_no_lots(family, request):
    encoder = load(str(request.getfixturevalue(family)), modality="audio")
    state = np.random.get_state()
    try:
        answers = []
        for seed in range(4):
            np.random.seed(seed)
            answers.append(np.concatenate([one.values for one in encoder.encode(SOUNDS[:3], "audio")]))
    finally:
        np.random.set_state(state)
    for one in answers[1:]:
        np.testing.assert_array_equal(one, answers[0])


def test_normalize(hubert):
    found = load(str(hubert), modality="audio", normalize=True).encode(SOUNDS[:3], "audio")
    np.testing.assert_allclose([np.linalg.norm(one.values[0]) for one in found], 1, atol=1e-5)
    (free, *_) = load(str(hubert), modality="audio").encode(SOUNDS, "audio")
    assert abs(np.linalg.norm(free.values[0]) - 1) > 0.01


def test_a_model_of_pictures_hears_nothing(vit):
    with pytest.raises(EncoderError, match=r"cannot be loaded \(|the model takes no sound"):
        load(str(vit), modality="audio").encode(SOUNDS, "audio")


def test_vectors_are_the_mean_of_the_windows(ast):
    encoder = load(str(ast), modality="audio")
    vectors = encoder.vectors(SOUNDS, "audio")
    expected = [one.values.mean(0) for one in encoder.encode(SOUNDS, "audio")]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
