"""Videos through transformers: against the library's own answer, few and no frames, refusals."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from mmsdk_transformers.loader import load

from mmsdk import Clip, EncoderError

random = np.random.default_rng(0)


def clip_of(count, size=(40, 30)):
    frames = random.integers(0, 255, (count, *size, 3), np.uint8)
    return Clip(frames=frames, times=1 + 0.5 * np.arange(count), sound=None, duration=count / 2)


CLIPS = [clip_of(10), clip_of(0), clip_of(1, (32, 64)), clip_of(4, (50, 50))]


def library(folder, frames):
    from transformers import AutoImageProcessor

    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(list(frames), return_tensors="pt")[
        "pixel_values"
    ]
    return pixels.reshape(1, 4, *pixels.shape[-3:])


@pytest.mark.parametrize("family", ["videomae", "timesformer", "vivit", "xclip"])
def test_a_step_a_clip_and_none_without_frames(family, request):
    encoder = load(str(request.getfixturevalue(family)), modality="video")
    assert encoder.output == "sequence"
    found = encoder.encode(CLIPS, "video")
    assert [one.values.shape for one in found] == [
        (1, encoder.dim),
        (0, encoder.dim),
        (1, encoder.dim),
        (1, encoder.dim),
    ]
    assert [one.times.tolist() for one in found] == [[3.25], [], [1.0], [1.75]]
    assert all(one.values.dtype == np.float32 and one.times.dtype == np.float64 for one in found)
    for clip, together in zip(CLIPS, found, strict=True):
        np.testing.assert_allclose(encoder.encode([clip], "video")[0].values, together.values, atol=1e-5)


def test_frames_are_taken_evenly_and_averaged(videomae):
    from transformers import AutoModel

    model = AutoModel.from_pretrained(videomae).eval()
    (found, *_) = load(str(videomae), modality="video").encode(CLIPS, "video")
    with torch.inference_mode():
        hidden = model(library(videomae, CLIPS[0].frames[[0, 3, 6, 9]])).last_hidden_state
    np.testing.assert_allclose(found.values[0], hidden[0].mean(0), atol=1e-5)


def test_xclip_answers_in_the_space_of_its_texts(xclip):
    from transformers import AutoModel

    encoder, texts = load(str(xclip), modality="video"), load(str(xclip), modality="text")
    with torch.inference_mode():
        answer = AutoModel.from_pretrained(xclip).eval().get_video_features(library(xclip, CLIPS[3].frames))
    expected = torch.nn.functional.normalize(answer.pooler_output[0], dim=0)
    np.testing.assert_allclose(encoder.encode(CLIPS, "video")[3].values[0], expected, atol=1e-5)
    assert encoder.module() is texts.module()
    assert encoder.space() == texts.space()
    assert texts.dim == encoder.dim


def test_clips_of_one_size_make_a_batch(videomae):
    encoder = load(str(videomae), modality="video")
    assert [encoder.length(clip) for clip in CLIPS] == [1200, 1200, 2048, 2500]


def test_a_model_of_pictures(vit):
    with pytest.raises(EncoderError, match=r"the model takes no video: its config.json names no num_frames"):
        load(str(vit), modality="video").encode(CLIPS, "video")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"chunk": True}, "chunk reads long texts by chunks; the input is a video"),
        ({"prompt": "a"}, "prompt stands before texts; the input is a video"),
        ({"window": 2}, "window cuts sounds; the input is a video"),
        ({"backend": "onnx"}, "backend runs texts and images; the input is a video"),
    ],
)
def test_an_option_that_would_do_nothing(videomae, options, reason):
    with pytest.raises(EncoderError, match=reason):
        load(str(videomae), modality="video", **options)


def test_a_batch_of_nothing_to_see(videomae):
    encoder = load(str(videomae), modality="video")
    found = encoder.encode([CLIPS[1], CLIPS[1]], "video")
    assert [one.values.shape for one in found] == [(0, encoder.dim)] * 2


def test_a_model_with_a_video_processor_alone(videomae, tmp_path):
    folder = shutil.copytree(videomae, tmp_path / "other")
    (folder / "preprocessor_config.json").rename(folder / "video_preprocessor_config.json")
    with pytest.raises(EncoderError, match=r"has no preprocessor_config.json, so video cannot be prepared"):
        load(str(folder), modality="video")
