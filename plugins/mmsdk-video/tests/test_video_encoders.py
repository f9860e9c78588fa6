"""Frames and sound through any encoder, and a fit over video files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from making import BLUE, RED, media, scenes, video
from mmsdk_video.frames import FrameEncoder
from mmsdk_video.modality import Video
from mmsdk_video.stats import VideoStats

import mmsdk


@pytest.fixture(scope="module")
def clips():
    files = [video(scenes(12), sound=1.2), video(scenes(7)), video([], sound=0.8)]
    return [Video(frames=4).decode(media(one)) for one in files]


def test_stats_tell_colour_motion_and_noise_apart(clips):
    vectors = VideoStats().encode(clips, "video")
    assert vectors.shape == (3, VideoStats.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    there = vectors[:, 120:122]
    assert there.tolist() == [[1, 1], [1, 0], [0, 1]]
    still = Video(frames=4).decode(media(video(scenes(12, colours=(RED,)))))
    moved = VideoStats().encode([clips[0], still], "video")[:, 96:104].sum(1)
    assert moved[0] > 10 * moved[1]
    assert not vectors[1, 122:].any()


def test_frames_of_several_clips_go_through_an_image_encoder(clips):
    opened = mmsdk.open_encoder("frames:colour-shape", "video")
    assert opened.sequence
    answers = opened.encoder.encode(clips, "video")
    alone = mmsdk.open_encoder("colour-shape", "image").encoder.encode(list(clips[1].frames), "image")
    assert [len(one.values) for one in answers] == [4, 4, 0]
    assert np.allclose(answers[1].values, alone)
    assert np.array_equal(answers[0].times, clips[0].times)


def test_the_fingerprint_is_that_of_what_is_inside():
    one, other = (mmsdk.open_encoder(f"frames:{name}", "video").fingerprint for name in ("colour-shape", "bright"))
    assert one != other


@pytest.fixture(autouse=True)
def bright(tmp_path):
    """An image encoder with an option, and one that is fitted; an audio encoder."""
    from mmsdk.testing.fakes import installed, write_distribution

    source = """
        import numpy as np
        from mmsdk import EncoderSpec, LoaderSpec, hookimpl, Sequence

        class Bright:
            dim = 2

            def __init__(self, scale=1.0):
                self.scale = scale

            def encode(self, batch, modality):
                return np.array([[one.mean() * self.scale, one.std()] for one in batch], np.float32)

            def report(self):
                return {"bright": 1.0}

        class Fitted(Bright):
            def fit(self, batch, modality):
                pass

        class Loud:
            dim = 1

            def encode(self, batch, modality):
                return np.array([[one.samples.std()] for one in batch], np.float32)

        class Louder:
            dim = 1

            def encode(self, batch, modality):
                halves = [np.array_split(one.samples, 2) for one in batch]
                return [
                    Sequence(values=np.array([[a.std()], [b.std()]], np.float32), times=np.array([0.0, 1.0]))
                    for a, b in halves
                ]

        opened = []

        def load(reference, **arguments):
            opened.append((reference, arguments))
            return Bright()

        @hookimpl
        def mmsdk_encoder_loaders():
            yield LoaderSpec(name="seen", modalities=("image", "audio"), target="mmsdk_bright:load", example="seen:a")

        @hookimpl
        def mmsdk_encoders():
            yield EncoderSpec(name="bright", modalities=("image",), dim=2, target="mmsdk_bright:Bright")
            yield EncoderSpec(name="fitted", modalities=("image",), dim=2, fitted=True, target="mmsdk_bright:Fitted")
            yield EncoderSpec(name="loud", modalities=("audio",), dim=1, target="mmsdk_bright:Loud")
            yield EncoderSpec(
                name="louder", modalities=("audio",), dim=1, output="sequence", target="mmsdk_bright:Louder"
            )
    """
    write_distribution(tmp_path / "site", "mmsdk-bright", modules={"mmsdk_bright": source})
    with installed(tmp_path / "site"):
        yield


def test_options_reach_the_encoder_inside(clips):
    plain, scaled = (
        mmsdk.open_encoder("frames:bright", "video", options=options).encoder.encode(clips[:1], "video")[0].values
        for options in ({}, {"scale": 3.0})
    )
    assert np.allclose(scaled[:, 0], 3 * plain[:, 0])
    with pytest.raises(mmsdk.EncoderError, match=r"no option named 'scael'. Did you mean 'scale'"):
        mmsdk.open_encoder("frames:bright", "video", options={"scael": 3.0})
    assert mmsdk.open_encoder("frames:bright", "video").encoder.report() == {"bright": 1.0}


@pytest.mark.parametrize(("scheme", "inside"), [("frames", "image"), ("sound", "audio")])
def test_device_and_trust_reach_the_scheme_inside(scheme, inside):
    import mmsdk_bright

    given = {"device": "cuda:1", "trust_remote_code": True}
    opened = mmsdk.open_encoder(f"{scheme}:seen:a b", "video", options={"k": 1}, **given)
    expected = {"modality": inside, "k": 1, **given}
    assert mmsdk_bright.opened[-1] == ("a b", expected)
    assert opened.dim == 2


def test_frames_go_through_the_encoder_in_its_own_batches(clips):
    sizes = []

    class Counting:
        batch_size, dim = 3, 1

        def encode(self, batch, modality):
            sizes.append((len(batch), modality))
            return np.zeros((len(batch), 1), np.float32)

    opened = mmsdk.open_encoder("bright", "image")
    opened.encoder = Counting()
    FrameEncoder(opened).encode(clips, "video")
    assert sizes == [(3, "image"), (3, "image"), (2, "image")]


@pytest.mark.real
def test_a_real_model_sees_what_a_video_shows():
    """The astronaut in a video is nearer to her photo than to other photos, by MobileNetV2."""
    root = os.environ.get("MMSDK_REAL")
    if not root:
        pytest.skip("MMSDK_REAL names no folder")
    pytest.importorskip("mmsdk_transformers")
    data = pytest.importorskip("skimage.data")
    model = f"transformers:{Path(root).resolve() / 'models' / 'mobilenet-v2-1.0-224-tf2'}"
    photos = [data.astronaut(), data.coffee()[:400, :512], data.chelsea()[:300, :450]]
    clip = Video(frames=3).decode(media(video([photos[0][:, n : n + 480] for n in (0, 8, 16, 24)])))
    frames = mmsdk.open_encoder(f"frames:{model}", "video").encoder.encode([clip], "video")[0].values.mean(0)
    vectors = mmsdk.open_encoder(model, "image").encoder.encode(photos, "image")
    near = vectors @ frames / np.linalg.norm(vectors, axis=1) / np.linalg.norm(frames)
    assert near[0] > 0.8
    assert near[0] > near[1:].max() + 0.2


def test_sound_goes_through_an_audio_encoder(clips):
    for name, steps in (("loud", [1, 0, 1]), ("louder", [2, 0, 2])):
        answers = mmsdk.open_encoder(f"sound:{name}", "video").encoder.encode(clips, "video")
        assert [len(one.values) for one in answers] == steps
        assert answers[0].values[0, 0] == pytest.approx(clips[0].sound.samples.std(), abs=0.1)


def test_a_fitted_encoder_and_an_unknown_one_are_refused():
    with pytest.raises(mmsdk.EncoderError, match="frames:fitted: 'fitted' is fitted to its rows"):
        mmsdk.open_encoder("frames:fitted", "video")
    with pytest.raises(mmsdk.PluginError, match=r"no encoder named 'colour-shap'. Did you mean 'colour-shape'"):
        mmsdk.open_encoder("frames:colour-shap", "video")
    with pytest.raises(mmsdk.EncoderError, match="encodes image, not audio"):
        mmsdk.open_encoder("sound:bright", "video")


def test_a_fit_over_files_decodes_each_once_for_pictures_and_sound(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
    rows = []
    for number in range(24):
        colour = (RED, BLUE)[number % 2]
        data = video(scenes(4 + number, colours=(colour,)), sound=None if number % 3 == 0 else 0.5)
        (tmp_path / f"{number}.mp4").write_bytes(data)
        rows.append({"clip": f"{number}.mp4", "colour": "red" if colour == RED else "blue"})
    rows += [{"clip": None, "colour": "red"}]
    decoded = []
    real = Video.decode
    monkeypatch.setattr(Video, "decode", lambda self, cell: decoded.append(cell.name) or real(self, cell))
    application = {
        "inputs": {
            "look": {"column": "clip", "modality": "video", "encoder": "frames:bright", "decode": {"frames": 2}},
            "noise": {"column": "clip", "modality": "video", "encoder": "sound:loud", "decode": {"frames": 2}},
        },
        "tasks": {"colour": {"column": "colour", "type": "classification"}},
        "fusion": {"dim": 8},
        "training": {"epochs": 2},
    }
    monkeypatch.chdir(tmp_path)
    app = mmsdk.fit(application, rows, tmp_path / "run", device="cpu", quiet=True)
    names = [row["clip"] for row in rows if row["clip"]]
    assert sorted(decoded[: len(names)]) == sorted(names)  # afterwards the pictures of some rows in the report
    answers = app.predict([{"clip": "0.mp4"}, {"clip": "1.mp4"}, {"clip": None}], root=tmp_path)
    assert [one.modalities_used for one in answers] == [("look",), ("look", "noise"), ()]
