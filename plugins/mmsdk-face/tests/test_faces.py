"""Faces found, followed and encoded: without weights, by an ONNX detector made here, and by real ones."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from mmsdk_face.cascade import CascadeDetector
from mmsdk_face.crops import crop
from mmsdk_face.tracking import Tracker
from onnx import TensorProto, helper, numpy_helper

import mmsdk


def clip(frames, boxes=None, step=0.2):
    frames = np.stack(frames)
    times = np.arange(len(frames)) * step
    return mmsdk.Clip(frames=frames, times=times, sound=None, duration=len(frames) * step, boxes=boxes)


def shape(**options):
    return mmsdk.open_encoder("face-shape", "video", options=options)


def test_the_cascade_finds_the_face_where_it_is(astronaut, two, nobody):
    encoder = shape().encoder
    (one,), (pair,), (none,) = (encoder.find(frame[None]) for frame in (astronaut, two, nobody))
    assert len(one) == 1
    left, top, right, bottom, score = one[0]
    assert left < 104 < right  # the middle of her face
    assert top < 55 < bottom
    assert 30 < right - left < 80
    assert score == 1
    assert len(pair) == 2
    assert len(none) == 0


def test_a_face_that_the_cascade_finds_at_two_scales_is_one(astronaut, monkeypatch):
    class Twice:
        def detect_multi_scale(self, **_):
            inner = {"r": 42, "c": 40, "width": 71, "height": 71}
            return [inner, {"r": 23, "c": 31, "width": 89, "height": 89}, {**inner, "c": 140}]

    detector = CascadeDetector()
    monkeypatch.setattr(detector, "_started", Twice)
    (boxes,) = detector.find(astronaut[None])
    assert [round(float(one)) for one in boxes[:, 2] - boxes[:, 0]] == [110, 88]  # the larger one, and the one beside


def test_a_picture_has_a_step_of_its_face_and_none_without_one(astronaut, nobody):
    opened = mmsdk.open_encoder("face-shape", "image", options={"margin": 0.26})  # no test's before this one: it counts
    found, none = opened.encoder.encode([astronaut, nobody], "image")
    assert found.values.shape == (1, 736)
    assert none.values.shape == (0, 736)
    assert opened.encoder.report() == {"frames_without_a_face": (1, 2)}


def test_a_clip_has_a_step_for_each_frame_with_a_face(astronaut, nobody):
    (found,) = shape().encoder.encode([clip([astronaut, nobody, astronaut])], "video")
    assert found.times.tolist() == [0.0, 0.4]
    assert found.values.shape == (2, 736)
    assert np.allclose(found.values[0], found.values[1])


def test_the_largest_face_is_meant_unless_boxes_say_who(two):
    encoder = shape().encoder
    (boxes,) = encoder.find(two[None])
    by_box = []
    for box in boxes:
        sample = clip([two, two], np.stack([box[:4], np.full(4, np.nan, np.float32)]))
        (one,) = encoder.encode([sample], "video")
        assert one.times.tolist() == [0.0]  # in the second frame nobody is seen
        by_box.append(one.values[0])
    assert not np.allclose(by_box[0], by_box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    (main,) = encoder.encode([clip([two, two])], "video")
    assert np.allclose(main.values[0], by_box[int(areas.argmax())])


def test_boxes_of_nobody_are_no_steps_though_there_is_a_face(astronaut):
    (found,) = shape().encoder.encode([clip([astronaut], np.full((1, 4), np.nan, np.float32))], "video")
    assert len(found.values) == 0


def test_the_margin_widens_the_crop(astronaut):
    assert crop(astronaut, np.array([80, 30, 120, 70]), 0.0).shape == (40, 40, 3)
    assert crop(astronaut, np.array([80, 30, 120, 70]), 0.5).shape == (60, 60, 3)
    narrow, wide = (shape(margin=one).encoder.encode([clip([astronaut])], "video")[0].values for one in (0.0, 0.5))
    assert not np.allclose(narrow, wide)
    assert shape(margin=0.0).fingerprint != shape(margin=0.5).fingerprint


def test_a_crop_at_the_edge_repeats_the_edge(astronaut):
    found = crop(astronaut, np.array([-20, -20, 20, 20]), 0.0)
    assert found.shape == (40, 40, 3)
    assert (found[0, 0] == astronaut[0, 0]).all()


# -- who is who -------------------------------------------------------------------------------------------------------


def face_at(x, colour, side=40):
    """Return a frame with a striped square at ``x``, and its box."""
    frame = np.full((120, 400, 3), 80, np.uint8)
    frame[40 : 40 + side, x : x + side] = colour
    frame[50:56, x : x + side] = 255 - np.array(colour)
    return frame, np.array([[x, 40, x + side, 40 + side]], np.float32)


RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_a_face_that_moves_is_one_person():
    tracker = Tracker()
    for step in range(8):
        frame, boxes = face_at(10 + 20 * step, RED)
        assert tracker.see(frame, step * 0.2, boxes) == [1]


def test_two_faces_are_two_people_whichever_comes_first():
    tracker = Tracker()
    frame, one = face_at(20, RED)
    other_frame, other = face_at(300, BLUE)
    frame = np.maximum(frame, other_frame)
    assert tracker.see(frame, 0.0, np.concatenate([one, other])) == [1, 2]
    assert tracker.see(frame, 0.2, np.concatenate([other, one])) == [2, 1]


def test_a_face_comes_back_as_itself_by_its_looks_and_is_forgotten_in_time():
    tracker = Tracker()
    assert tracker.see(face_at(20, RED)[0], 0.0, face_at(20, RED)[1]) == [1]
    assert tracker.see(face_at(300, BLUE)[0], 1.0, face_at(300, BLUE)[1]) == [2]
    assert tracker.see(face_at(300, RED)[0], 3.0, face_at(300, RED)[1]) in ([1], [2])
    assert tracker.see(face_at(150, RED)[0], 4.0, face_at(150, RED)[1]) != [3]
    assert tracker.see(face_at(20, RED)[0], 60.0, face_at(20, RED)[1]) == [3]


def test_no_faces_no_people(astronaut):
    assert Tracker().see(astronaut, 0.0, np.zeros((0, 5), np.float32)) == []


# -- ONNX detectors ---------------------------------------------------------------------------------------------------


def detector(path, boxes, scores, size=(24, 32), names=("scores", "boxes")):
    """Write a detector that always answers the same boxes."""
    count = len(boxes)
    held = np.stack([1 - np.array(scores), np.array(scores)], 1)[None].astype(np.float32)
    constants = {"s": held, "b": np.array(boxes, np.float32)[None]}
    zero = helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0)
    nodes = [zero, helper.make_node("Mul", ["mean", "z"], ["nil"])]
    for constant, name in zip(("s", "b"), names, strict=True):
        nodes.append(helper.make_node("Add", [constant, "nil"], [name]))
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, width])
            for name, width in zip(names, (2, 4), strict=True)
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]
        + [numpy_helper.from_array(np.float32(0), "z")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


BOXES = [[0.1, 0.1, 0.3, 0.5], [0.11, 0.1, 0.31, 0.5], [0.6, 0.2, 0.9, 0.8], [0.0, 0.0, 0.2, 0.2]]
SCORES = [0.8, 0.95, 0.9, 0.4]


def test_an_onnx_detector_keeps_the_surest_of_boxes_that_overlap(tmp_path, two):
    file = detector(tmp_path / "d.onnx", BOXES, SCORES)
    (found,) = mmsdk.open_encoder(f"faces:{file}", "video").encoder.find(two[None])
    width, height = 426, 240
    expected = np.array([BOXES[1], BOXES[2]]) * [width, height, width, height]
    assert np.allclose(found[:, :4], expected, atol=1e-3)
    assert np.allclose(found[:, 4], [0.95, 0.9])
    (more,) = mmsdk.open_encoder(f"faces:{file}", "video", options={"least": 0.3}).encoder.find(two[None])
    assert len(more) == 3


def test_the_encoder_after_the_plus_gets_the_crop_and_its_options(tmp_path, two):
    file = detector(tmp_path / "d.onnx", BOXES[2:3], [0.9])
    opened = mmsdk.open_encoder(f"faces:{file}+colour-shape", "image")
    (found,) = opened.encoder.encode([two], "image")
    inner = mmsdk.open_encoder("colour-shape", "image").encoder
    (box,) = opened.encoder.find(two[None])
    assert np.allclose(found.values, inner.encode([crop(two, box[0], 0.1)], "image"))
    assert opened.fingerprint != mmsdk.open_encoder(f"faces:{file}", "image").fingerprint


def test_other_weights_are_another_encoder(tmp_path):
    first = mmsdk.open_encoder(f"faces:{detector(tmp_path / 'a.onnx', BOXES, SCORES)}", "video").fingerprint
    again = mmsdk.open_encoder(f"faces:{detector(tmp_path / 'b.onnx', BOXES, SCORES[::-1])}", "video").fingerprint
    assert first != again


@pytest.mark.parametrize(
    ("reference", "options", "said"),
    [
        ("faces:nowhere.onnx", {}, "there is no file .*nowhere.onnx"),
        ("faces:cascade", {"least": 2}, "least is 2, expected a number from 0 to 1"),
        ("faces:cascade", {"margin": True}, "margin is True"),
        ("faces:cascade", {"pixels": "raw"}, "options pixels are of an encoder"),
        ("faces:cascade+face-shape", {}, "answers sequences itself"),
        ("face-shape", {"margin": -1}, "margin is -1"),
    ],
)
def test_what_cannot_be_is_said(reference, options, said):
    with pytest.raises(mmsdk.EncoderError, match=said):
        mmsdk.open_encoder(reference, "video", options=options)


def test_another_model_is_no_detector(tmp_path, two):
    file = detector(tmp_path / "d.onnx", BOXES, SCORES, names=("odds", "places"))
    with pytest.raises(mmsdk.EncoderError, match="gives scores and boxes, as UltraFace does"):
        mmsdk.open_encoder(f"faces:{file}", "video").encoder.find(two[None])
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    with pytest.raises(mmsdk.EncoderError, match="is no ONNX model"):
        mmsdk.open_encoder(f"faces:{tmp_path / 'broken.onnx'}", "video").encoder.find(two[None])


@pytest.mark.real
def test_real_weights_see_a_smile(real, two):
    models = real / "models"
    reference = f"faces:{models / 'ultraface-onnx' / 'version-RFB-320.onnx'}"
    reference += f"+onnx:{models / 'fer-mini-xception-onnx' / 'fer_mini_xception.onnx'}#probs"
    opened = mmsdk.open_encoder(reference, "video", options={"pixels": "signed"})
    (boxes,) = opened.encoder.find(two[None])
    assert len(boxes) == 2
    (found,) = opened.encoder.encode([clip([two])], "video")
    assert found.values[0].argmax() == 3  # happy
    assert found.values[0, 3] > 0.9
