"""Cells and files of any layout to landmarks; what is missing, and what is refused."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from mmsdk_gesture.file import GestureFile
from mmsdk_gesture.modality import Gesture

import mmsdk
from mmsdk import Media

TRACK = [[[0.0, 0.0]], [[1.0, 2.0]], [[3.0, 4.0]]]
FLAT = [0, 0, 1, 2, 3, 4]


def decode(*cell, **options):
    return Gesture(**options).decode(cell)


def read(data, **options):
    return GestureFile(**options).decode(Media(name="g", data=data))


def saved(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    "cell",
    [(TRACK,), (json.dumps(TRACK),), ([[0, 0], [1, 2], [3, 4]],), (FLAT,), tuple(FLAT), tuple(map(str, FLAT))],
    ids=["nested", "json", "steps", "flat", "columns", "texts"],
)
def test_every_layout_is_the_same_track(cell):
    found = decode(*cell)
    assert found.points.dtype == np.float32
    assert found.points.tolist() == TRACK
    assert np.allclose(found.times, [0, 1 / 30, 2 / 30])


def test_options_act():
    assert decode(TRACK, fps=10).times.tolist() == [0, 0.1, 0.2]
    assert decode([0, 1, 2, 3, 4, 5], order="planar").points[:, 0].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert decode(list(range(12)), points=2).points.shape == (3, 2, 2)
    assert decode(list(range(12)), dims=3).points.shape == (4, 1, 3)
    assert decode([[[1, 2, 3]]], dims=2).points.shape == (1, 1, 2)
    with pytest.raises(ValueError, match="has 1 points a step, where 21 are expected"):
        decode(TRACK, points=21)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 0}, "decode.points: 0 is not a whole number"),
        ({"dims": 4}, "decode.dims: 4 is neither 2 nor 3"),
        ({"fps": -1}, "decode.fps: -1 is not a number above 0"),
        ({"order": "xy"}, "decode.order: 'xy' is not one of"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(mmsdk.ConfigError, match=message):
        Gesture(**options)


def test_times_and_missing_points():
    found = decode(json.dumps({"points": [[[0, 0], None], [[1, 1], [2, 2]], None], "times": [5.0, 5.5, 7.0]}))
    assert np.isnan(found.points[0, 1]).all()
    assert found.points.shape == (2, 2, 2)  # nothing was seen after that
    assert found.times.tolist() == [0, 0.5]
    modality = Gesture()
    modality.decode(([[[0, 0], None]],))
    assert modality.report() == {"partly_seen": 1}


@pytest.mark.parametrize("cell", [(None,), ("",), ("null",), ([[None, None]],), ([],), (None, None), (float("nan"),)])
def test_nothing_seen_is_nothing(cell):
    assert decode(*cell) is None


def test_all_zeros_are_a_hand_that_does_not_move():
    assert decode([[[0.0, 0.0]] * 21] * 4).points.shape == (4, 21, 2)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (("waving",), "is no JSON list of numbers"),
        (([[[0, 0]], [[1, 2], [3, 4]]],), r"is ragged: \[1\] holds 2 values, where others hold 1"),
        (([[[0, 0, 0, 0]]],), "has 4 coordinates a point"),
        (([0, 1, 2],), "holds 3 numbers, not a multiple of 1 point x 2"),
        (([["a", "b"]],), "holds 'a' where a number is expected"),
        (([[[0, float("inf")]]],), "holds an infinite number"),
        (([[[0, 1e12]]],), "holds a number beyond"),
        (({"points": TRACK, "who": 1},), "is an object that is not"),
        (({"points": TRACK, "times": [0, 1]},), "has 2 times for 3 steps"),
        (({"points": TRACK, "times": [0, 2, 1]},), "has times that do not ascend"),
        (([[[[1]]]],), "is nested deeper"),
        ((5,), "holds int, expected a list of steps"),
        ((True,), "holds bool"),
    ],
)
def test_what_is_no_gesture_is_refused(cell, reason):
    with pytest.raises(ValueError, match=reason):
        decode(*cell)


def test_files_of_each_kind():
    points = np.array(TRACK)
    plain = io.BytesIO()
    np.save(plain, points)
    for data in (
        saved(points=points),
        saved(anything=points),
        plain.getvalue(),
        json.dumps(TRACK).encode(),
        b"x,y\n0,0\n1,2\n3,4\n",
        b"0,0\n1,2\n3,4\n",
    ):
        assert read(data).points.tolist() == TRACK
    assert read(saved(points=points, times=np.array([1.0, 2.0, 4.0]))).times.tolist() == [0, 1, 3]
    assert read(b"time,x,y\n0,0,0\n0.5,1,2\n").times.tolist() == [0, 0.5]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is an empty file"),
        (b"\xff\xfe\x00", "is no NPZ, NPY, JSON or CSV"),
        (saved(points=np.array(TRACK))[:60], "is a damaged NPZ"),
        (saved(a=np.zeros(2), b=np.zeros(2)), "holds the arrays a, b, where points is expected"),
        (saved(points=np.array([["x"]])), "where numbers are expected; nothing pickled is read"),
        (
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9999999, 2), }",
            "NPY header|promises",
        ),
        (b"x,y\n1,2\n3\n", "has 1 values in step 1, where others have 2"),
        (b"a,b\nc,d\n", "holds 'c' where a number is expected"),
    ],
)
def test_what_is_no_file_of_gestures_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        read(data)


def test_nothing_pickled_is_read():
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="nothing pickled is read"):
        read(stream.getvalue())


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    from mmsdk_gesture import file

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", b"\0" * 4096)
    monkeypatch.setattr(file, "MAX_NUMBERS", 100)
    with pytest.raises(ValueError, match="unpacks to more than 800 bytes"):
        read(stream.getvalue())


def test_what_inspect_takes_for_a_gesture():
    assert Gesture().guess([json.dumps(TRACK)] * 3) == 1
    assert Gesture().guess(["a word", "[1, 2]", 5]) == 0
