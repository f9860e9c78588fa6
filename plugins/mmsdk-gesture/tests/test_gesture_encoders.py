"""Place and size do not matter, turn and hand only where asked; circles are told from each other and from rest."""

from __future__ import annotations

import sys
import tracemalloc
import types

import numpy as np
import pytest
from mmsdk_gesture.landmarks import LandmarkSteps
from mmsdk_gesture.mediapipe_hands import points_of
from mmsdk_gesture.stats import GestureStats

import mmsdk
from mmsdk import Landmarks

random = np.random.default_rng(0)


def gesture(points, fps=30):
    points = np.asarray(points, np.float32)
    return Landmarks(points=points, times=np.arange(len(points)) / fps)


def circle(way=1, steps=16, size=1.0):
    angle = way * np.linspace(0, 2 * np.pi, steps)
    return gesture(size * np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None])


def hand(steps=5):
    """A hand of its own random shape, leaning: its points lie in the mean to the right of the wrist."""
    own = np.random.default_rng(3)
    base = own.normal(size=(1, 21, 3)) + np.array([2.0, 0.0, 0.0]) * (np.arange(21) > 0)[:, None]
    return base + 0.1 * own.normal(size=(steps, 21, 3))


def stats(*samples, **options):
    return GestureStats(**options).encode(list(samples), "gesture")


def test_place_and_size_do_not_matter():
    points = hand()
    one, other = stats(gesture(points), gesture(7 * points + 40))
    pose = slice(0, 126)
    assert np.allclose(one[pose], other[pose], atol=1e-3)
    first, larger = stats(circle(), circle(size=9.0))
    path = np.delete(np.arange(126, 222).reshape(8, 12), 10, axis=1).ravel()  # all motion but the extent itself
    assert np.allclose(first[path], larger[path], atol=1e-3)
    assert larger[126 + 10] > first[126 + 10] + 0.5


def test_the_way_of_a_circle_is_its_turning():
    one, other = stats(circle(1), circle(-1))
    turning = 222 + 4
    assert one[turning] == pytest.approx(-other[turning], abs=1e-3)
    assert abs(one[turning]) > 0.8
    assert one[turning + 1] == pytest.approx(other[turning + 1], abs=1e-3)


def turned(points, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def test_rotation_takes_the_turn_away_where_asked():
    points = hand()
    pose = slice(0, 63)
    plain = stats(gesture(points), gesture(turned(points, 1.0)))[:, pose]
    asked = stats(gesture(points), gesture(turned(points, 1.0)), rotation=True)[:, pose]
    assert np.abs(plain[0] - plain[1]).max() > 0.3
    assert np.allclose(asked[0], asked[1], atol=1e-3)


def test_mirror_shows_left_hands_as_right_ones_where_asked():
    points = hand()
    left = points * np.array([-1, 1, 1])
    pose = slice(0, 63)
    plain, asked = (stats(gesture(points), gesture(left), mirror=flag)[:, pose] for flag in (False, True))
    assert np.abs(plain[0] - plain[1]).max() > 0.3
    assert np.allclose(asked[0], asked[1], atol=1e-4)


def moving(points):
    """A hand that also walks along a bent way."""
    way = np.stack([np.linspace(0, 3, len(points)), np.linspace(0, 2, len(points)) ** 2, np.zeros(len(points))], axis=1)
    return points + way[:, None]


def test_rotation_and_mirror_are_of_the_motion_too():
    points = moving(hand())
    motion = slice(126, 230)
    for options, changed in (({"rotation": True}, turned(points, 1.0)), ({"mirror": True}, points * [-1, 1, 1])):
        plain = stats(gesture(points), gesture(changed))[:, motion]
        asked = stats(gesture(points), gesture(changed), **options)[:, motion]
        assert np.abs(plain[0] - plain[1]).max() > 0.3
        assert np.allclose(asked[0], asked[1], atol=1e-3)


def test_options_of_steps_act():
    points = gesture(hand())
    plain = LandmarkSteps().encode([points], "gesture")[0].values
    mirrored = gesture(points.points * np.array([-1, 1, 1], np.float32))
    other = LandmarkSteps().encode([mirrored], "gesture")[0].values
    for options in ({"rotation": True}, {"mirror": True}):
        first, second = (one.values for one in LandmarkSteps(**options).encode([points, mirrored], "gesture"))
        assert max(np.abs(plain - first).max(), np.abs(other - second).max()) > 0.05
    with pytest.raises(mmsdk.EncoderError, match="option mirror is 1, expected true or false"):
        LandmarkSteps(mirror=1)


@pytest.mark.parametrize("count", [1, 2, 21, 33, 478])
@pytest.mark.parametrize("dims", [2, 3])
def test_any_number_of_points_gets_finite_numbers_of_one_length(count, dims):
    points = random.normal(size=(6, count, dims)).astype(np.float32)
    points[1, 0] = np.nan
    if count > 1:
        points[:, 1] = np.nan
    vector = stats(gesture(points))
    (steps,) = LandmarkSteps().encode([gesture(points)], "gesture")
    assert vector.shape == (1, GestureStats.dim)
    assert steps.values.shape == (6, LandmarkSteps.dim)
    assert np.isfinite(vector).all()
    assert np.isfinite(steps.values).all()


def test_rest_and_one_step_are_finite():
    for points in (np.zeros((4, 21, 2)), np.zeros((1, 1, 2)), np.full((3, 1, 3), 5.0)):
        assert np.isfinite(stats(gesture(points))).all()


def test_gaps_are_filled_from_the_steps_around():
    whole = circle(steps=30).points.copy()
    torn = whole.copy()
    torn[10] = np.nan
    one, other = stats(gesture(whole), gesture(torn))
    assert np.abs(one[126:222] - other[126:222]).mean() < 0.02


def test_gaps_are_filled_by_time_not_by_count():
    points = np.array([0, np.nan, 1], np.float32)[:, None, None] * np.ones(2, np.float32)
    uneven = Landmarks(points=points, times=np.array([0.0, 0.9, 1.0]))
    (steps,) = LandmarkSteps().encode([uneven], "gesture")
    place = 63
    assert np.allclose(steps.values[:, place] / steps.values[2, place], [0, 0.9, 1])


class TestHands:
    """The scheme hands:, on a model made here and on the real one."""

    @pytest.fixture
    def model(self, tmp_path):
        """A graph that gives the mean colour as score and fixed points."""
        onnx = pytest.importorskip("onnx")
        from onnx import TensorProto, helper, numpy_helper

        points = np.random.default_rng(1).normal(size=(1, 63)).astype(np.float32)
        nodes = [
            helper.make_node("ReduceMean", ["image"], ["bright"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Unsqueeze", ["bright", "axis"], ["hand_score"]),
            helper.make_node("Add", ["hand_score", "points"], ["landmarks"]),
        ]
        graph = helper.make_graph(
            nodes,
            "hand",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 3, 224, 224])],
            [
                helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["b", 63]),
                helper.make_tensor_value_info("hand_score", TensorProto.FLOAT, ["b", 1]),
            ],
            [numpy_helper.from_array(points, "points"), numpy_helper.from_array(np.array([1]), "axis")],
        )
        file = tmp_path / "hand.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
        return file

    def clip(self, *greys):
        frames = np.stack([np.full((20, 30, 3), grey, np.uint8) for grey in greys])
        return mmsdk.Clip(frames=frames, times=np.arange(len(greys)) / 10, sound=None, duration=1.0)

    def test_frames_with_a_hand_are_the_steps(self, model):
        opened = mmsdk.open_encoder(f"hands:{model}", "video", options={"least": 0.4})
        assert opened.sequence
        bright, dark = opened.encoder.encode([self.clip(255, 0, 250), self.clip(0, 0)], "video")
        assert bright.times.tolist() == [0.0, 0.2]
        assert bright.values.shape == (2, 75)
        assert len(dark.values) == 0
        (picture,) = mmsdk.open_encoder(f"hands:{model}", "image").encoder.encode(
            [np.full((9, 9, 3), 255, np.uint8)], "image"
        )
        assert picture.values.shape == (1, 75)

    def test_options_change_the_fingerprint_and_the_steps(self, model):
        prints = {
            mmsdk.open_encoder(f"hands:{model}", "video", options=options).fingerprint
            for options in ({}, {"rotation": True}, {"mirror": True}, {"least": 0.1})
        }
        assert len(prints) == 4
        assert (
            len(
                mmsdk.open_encoder(f"hands:{model}", "video", options={"least": 0.0})
                .encoder.encode([self.clip(0)], "video")[0]
                .values
            )
            == 1
        )

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("nowhere.onnx", {}, "there is no file"),
            ("text.onnx", {}, "is no ONNX model that runs here"),
            ("hand.onnx", {"least": 2}, "least is 2, expected a score from 0 to 1"),
        ],
    )
    def test_what_cannot_be_opened_is_one_sentence(self, model, name, options, message):
        (model.parent / "text.onnx").write_bytes(b"x")
        with pytest.raises(mmsdk.EncoderError, match=message):
            mmsdk.open_encoder(f"hands:{model.parent / name}", "video", options=options).encoder.encode(
                [self.clip(1)], "video"
            )

    def test_memory_does_not_grow_with_the_frames(self, model):
        encoder = mmsdk.open_encoder(f"hands:{model}", "video").encoder
        encoder.encode([self.clip(255)], "video")
        clip = self.clip(*[255] * 20, 0, *[255] * 43)
        tracemalloc.start()
        (steps,) = encoder.encode([clip], "video")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert steps.times.tolist() == np.delete(clip.times, 20).tolist()
        assert peak < 20e6  # 64 frames as the model takes them are 39 MB

    @pytest.fixture
    def task(self, tmp_path):
        file = tmp_path / "hand.task"
        file.write_bytes(b"no archive")
        return mmsdk.open_encoder(f"hands:{file}", "video").encoder

    def test_a_task_file_without_mediapipe_says_what_to_install(self, task, monkeypatch):
        for name in ("mediapipe", "mediapipe.tasks", "mediapipe.tasks.python"):
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(mmsdk.EncoderError, match=r"needs MediaPipe: pip install 'mmsdk-gesture\[mediapipe\]'"):
            task.encode([self.clip(1)], "video")

    def test_mediapipe_refuses_a_file_that_is_none_of_its_own(self, task):
        pytest.importorskip("mediapipe")
        with pytest.raises(mmsdk.EncoderError, match="MediaPipe cannot read the file"):
            task.encode([self.clip(1)], "video")

    def test_points_of_mediapipe_keep_the_shape_of_the_hand(self):
        point = types.SimpleNamespace(x=0.5, y=0.25, z=-0.1)
        hands = [[point] * 21]
        found = points_of(types.SimpleNamespace(hand_landmarks=hands), height=200, width=400)
        assert found.shape == (21, 3)
        assert found[0].tolist() == [200, 50, -40]
        assert points_of(types.SimpleNamespace(hand_landmarks=[]), height=200, width=400) is None

    @pytest.mark.real
    def test_the_real_model_sees_hands(self, real):
        from PIL import Image

        file = real / "models" / "hand-landmark-lite-onnx" / "hand_landmark_lite.onnx"
        encoder = mmsdk.open_encoder(f"hands:{file}", "image").encoder
        photos = sorted((real / "data" / "voice_gesture_digits" / "images").iterdir())[:24]
        frames = [np.asarray(Image.open(photo).convert("RGB")) for photo in photos]
        seen = [len(one.values) for one in encoder.encode(frames, "image")]
        assert sum(seen) >= 12
        grey = np.full((100, 100, 3), 127, np.uint8)
        assert len(encoder.encode([grey], "image")[0].values) == 0
