"""Every family of models on a GPU: half as wide, close to the CPU, speech written down alike. Skipped without CUDA."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmsdk_transformers import sentence
from mmsdk_transformers.loader import load
from whisper_taught import tone

from mmsdk import Clip, Sound

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
random = np.random.default_rng(0)
SAMPLES = {
    "text": ["a red chair", "a lamp", "", "the table by the window is red and the lamp is not"],
    "image": [random.integers(0, 255, size, np.uint8) for size in ((40, 60, 3), (32, 32, 3), (90, 50, 3))],
    "audio": [Sound(samples=0.1 * random.standard_normal(n).astype(np.float32), rate=16_000) for n in (8000, 42_000)],
    "video": [
        Clip(
            frames=random.integers(0, 255, (n, 40, 30, 3), np.uint8), times=np.arange(n) / 2, sound=None, duration=n / 2
        )
        for n in (10, 1)
    ],
}
FAMILIES = {
    "text": ("bert", "clip", "siglip", "siglip2", "clap"),
    "image": ("vit", "vit_without_pooler", "clip", "siglip", "siglip2", "dinov2"),
    "audio": ("whisper", "wav2vec2", "wav2vec2_large", "hubert", "ast", "clap"),
    "video": ("videomae", "timesformer", "vivit", "xclip"),
}


def rows(encoder, modality):
    answer = encoder.encode(SAMPLES[modality], modality)
    return answer if isinstance(answer, np.ndarray) else np.concatenate([one.values for one in answer])


@pytest.mark.parametrize(("modality", "family"), [(kind, one) for kind, names in FAMILIES.items() for one in names])
def test_vectors_are_close_to_those_of_the_cpu(modality, family, request):
    folder = str(request.getfixturevalue(family))
    expected = rows(load(folder, modality=modality), modality)
    encoder = load(folder, modality=modality, device="cuda")
    assert next(encoder.module().parameters()).dtype == torch.float16
    found = rows(encoder, modality)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-2 * max(1.0, float(np.abs(expected).max())))
    np.testing.assert_array_equal(rows(encoder, modality), found)


def test_speech_is_written_down_alike(taught):
    sounds = [Sound(samples=tone(hertz), rate=16_000) for hertz in (300, 1200)]
    written = [one.text for one in load(str(taught), modality="audio", device="cuda").transcribe(sounds)]
    assert written == ["go left", "stop"]


def test_sentence_transformers_are_close_to_the_cpu(bert):
    found, expected = (sentence.load(str(bert), modality="text", device=one) for one in ("cuda", "cpu"))
    np.testing.assert_allclose(rows(found, "text"), rows(expected, "text"), atol=2e-2)
