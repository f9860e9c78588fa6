"""A share that a recipe counts by itself has the interval of every other."""

from __future__ import annotations

import numpy as np
import pytest

import mmsdk


def test_a_share_and_its_interval():
    right = np.arange(100) < 70
    found = mmsdk.measure_share(right)
    assert (found["value"], found["n"]) == (0.7, 100)
    assert found["low"] < 0.63 < 0.77 < found["high"]
    assert found == mmsdk.measure_share(right.tolist())
    assert found != mmsdk.measure_share(right, seed=1)


def test_rows_of_a_speaker_are_drawn_together():
    right = np.repeat([True, False, True, True], 25)
    alone, by = mmsdk.measure_share(right), mmsdk.measure_share(right, groups=np.repeat([1, 2, 3, 4], 25))
    assert by["high"] - by["low"] > 2 * (alone["high"] - alone["low"])


def test_all_right_is_not_certain():
    found = mmsdk.measure_share([True] * 20)
    assert found["value"] == found["high"] == 1.0
    assert 0.8 < found["low"] < 0.9


def test_what_is_no_share_is_refused():
    with pytest.raises(mmsdk.DataError, match="no rows"):
        mmsdk.measure_share([])
    with pytest.raises(mmsdk.DataError, match="2 rows and 1 groups"):
        mmsdk.measure_share([True, False], groups=["a"])
