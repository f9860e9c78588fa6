"""The encoders of vectors that bend: quantiles and series."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mmsdk_table.quantile import Quantile
from mmsdk_table.quantiles import Quantiles
from mmsdk_table.series import Series

from mmsdk import EncoderError

NARROW = [np.array([n, n * n, 5], np.float32) for n in range(9)]


def test_quantiles_are_those_of_each_element():
    encoder = Quantiles(bins=4)
    encoder.fit(NARROW, "vector")
    alone = Quantile(bins=4)
    alone.fit([float(n * n) for n in range(9)], "number")
    answer = encoder.encode(NARROW, "vector")
    assert answer.shape == (9, encoder.dim) == (9, 5 + 5 + 1)  # the third is constant: no bins
    np.testing.assert_allclose(answer[:, 5:10], alone.encode([float(n * n) for n in range(9)], "number"))
    other = Quantiles(bins=2)
    other.fit(NARROW, "vector")
    assert other.dim == 3 + 3 + 1


def test_quantiles_are_the_same_after_their_state():
    one, other = Quantiles(), Quantiles()
    one.fit(NARROW, "vector")
    other.load_state(json.loads(json.dumps(one.state())))
    np.testing.assert_array_equal(one.encode(NARROW, "vector"), other.encode(NARROW, "vector"))


def test_quantiles_refuse():
    with pytest.raises(EncoderError, match="encoder 'quantiles': bins is 0, expected a whole number from 1 to 1024"):
        Quantiles(bins=0)
    with pytest.raises(ValueError, match="no training row holds a vector"):
        Quantiles().fit([], "vector")
    encoder = Quantiles()
    encoder.fit(NARROW, "vector")
    with pytest.raises(ValueError, match="vector 1 holds 2 numbers, where 3 are expected"):
        encoder.encode([np.zeros(2, np.float32)], "vector")


def bump(begin, length, total=200, height=1.0):
    """Return a series that rises and falls between quiet."""
    values = np.zeros(total, np.float32)
    values[begin : begin + length] = height * np.sin(np.linspace(0.3, np.pi - 0.3, length))
    return values


def test_series_compares_the_course_wherever_it_begins():
    early, late, other = Series(trim=[0.25]).encode([bump(10, 80), bump(90, 80), -bump(10, 80)], "vector")
    np.testing.assert_allclose(early[5:], late[5:], atol=1e-5)
    assert not np.allclose(early[7:], other[7:], atol=1e-2)
    assert late[3] - early[3] == 80


def test_trim_decides_what_is_course():
    whole, half = (Series(trim=[share]).encode([bump(50, 100)], "vector")[0] for share in (0, 0.5))
    assert whole[5] == 200
    assert half[5] < 100
    both = Series(trim=[0, 0.5])
    assert both.dim == 3 + 2 * 81
    np.testing.assert_array_equal(both.encode([bump(50, 100)], "vector")[0], [*whole, *half[3:]])


def test_padding_is_cut_off_and_its_absence_is_not():
    values = 3 + bump(20, 60, total=100)
    padded = np.concatenate([values, np.zeros(50, np.float32)])
    np.testing.assert_array_equal(Series(padding=0).encode([padded], "vector"), Series().encode([values], "vector"))
    assert not np.array_equal(Series().encode([padded], "vector"), Series().encode([values], "vector"))


def test_series_hears_a_rhythm():
    steps = np.arange(128)
    slow, fast = (1 + np.sin(2 * np.pi * cycles * steps / 128) for cycles in (5, 30))
    bands = slice(3 + 4 + 7 + 6 + 24 + 16, 3 + 4 + 7 + 6 + 24 + 16 + 11)
    powers = Series(trim=[0]).encode([slow, fast], "vector")[:, bands]
    assert powers[0].argmax() == 3  # 4 and 5 cycles
    assert powers[1].argmax() == 8  # 24 to 35 cycles


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [1e38, -1e38], [0.0] * 500, list(range(10_000))])
def test_series_of_any_length_is_finite(values):
    answer = Series(padding=0).encode([np.array(values, np.float32)], "vector")
    assert answer.shape == (1, 246)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"padding": "0"}, "encoder 'series': padding is '0', expected a number"),
        ({"padding": True}, "encoder 'series': padding is True"),
        ({"trim": [1]}, "encoder 'series': trim is .1., expected a list of numbers from 0 to below 1"),
        ({"trim": "x"}, "encoder 'series': trim is 'x'"),
        ({"trim": []}, "encoder 'series': trim is"),
        ({"trim": [True]}, "encoder 'series': trim is"),
    ],
)
def test_series_refuses(options, reason):
    with pytest.raises(EncoderError, match=reason):
        Series(**options)
