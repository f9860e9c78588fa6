"""The fitted encoders quantile, onehot, calendar and standard: what they learn, answer, save and refuse."""

from __future__ import annotations

import datetime as dt
import json
import warnings

import numpy as np
import pytest
from mmsdk_table.calendar import Calendar
from mmsdk_table.onehot import OneHot
from mmsdk_table.quantile import Quantile
from mmsdk_table.quantiles import Quantiles
from mmsdk_table.standard import Standard

from mmsdk import EncoderError

random = np.random.default_rng(0)
MOMENTS = [dt.datetime(2023, 1, 1) + dt.timedelta(hours=11 * hour) for hour in range(200)]
CASES = [
    (Quantile, list(random.lognormal(size=200)), [0.0, -5.0, 1e300, -1e300, 1.0]),
    (OneHot, ["red", "blue", "red", "green"], ["red", "unseen"]),
    (Calendar, MOMENTS, [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59)]),
    (Standard, list(random.normal(size=(50, 3)).astype(np.float32)), [np.array([3e38, -3e38, 0], np.float32)]),
]


@pytest.mark.parametrize(("kind", "training", "strange"), CASES)
def test_answers_are_finite_the_same_after_saving_and_the_same_in_any_batch(kind, training, strange):
    encoder, restored = kind(), kind()
    encoder.fit(training, "any")
    restored.load_state(json.loads(json.dumps(encoder.state())))
    samples = [*training[:5], *strange]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors = encoder.encode(samples, "any")
    assert vectors.shape == (len(samples), encoder.dim) == (len(samples), restored.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(restored.encode(samples, "any"), vectors)
    np.testing.assert_array_equal(np.vstack([encoder.encode([one], "any") for one in samples]), vectors)


def test_quantile_bins_are_piecewise_linear():
    encoder = Quantile(bins=4)
    encoder.fit([float(value) for value in range(101)], "number")
    assert encoder.dim == 5
    np.testing.assert_allclose(encoder.encode([62.5, -10, 200], "number")[:, 1:], [[1, 1, 0.5, 0], [0] * 4, [1] * 4])
    np.testing.assert_allclose(encoder.encode([50.0, 100.0], "number")[:, 0], np.arcsinh([0, 1]), rtol=1e-6)


def test_quantile_keeps_the_order_beyond_training():
    encoder = Quantile()
    encoder.fit([1.0, 2.0, 3.0], "number")
    assert (np.diff(encoder.encode([1e3, 1e6, 1e9, 1e20], "number")[:, 0]) > 0).all()


def test_quantile_of_one_value_and_of_none():
    constant, empty = Quantile(), Quantile()
    constant.fit([5.0, 5.0], "number")
    empty.fit([], "number")
    assert (constant.dim, empty.dim) == (1, 1)
    np.testing.assert_array_equal(constant.encode([5.0], "number"), [[0]])
    assert np.isfinite(empty.encode([7.0], "number")).all()


def test_quantile_of_values_a_hair_apart():
    encoder = Quantile()
    encoder.fit([0.0, 5e-324, 1.0], "number")
    assert np.isfinite(encoder.encode([1.0, -1.0, 1e300], "number")).all()


@pytest.mark.parametrize("bins", [0, -1, 2.5, True, "8", 5000])
def test_quantile_refuses_bins(bins):
    with pytest.raises(EncoderError, match=r"encoder 'quantile': bins is .*, expected a whole number from 1 to 1024"):
        Quantile(bins=bins)


def test_onehot_unseen_is_zero_where_nothing_was_left_over():
    encoder = OneHot()
    encoder.fit(["red", "blue", "red"], "category")
    np.testing.assert_array_equal(encoder.encode(["red", "blue", "green"], "category"), [[1, 0], [0, 1], [0, 0]])


@pytest.mark.parametrize("learned", [["7", "true"], ["7.0", "True"]])
def test_onehot_knows_what_another_program_spells_otherwise(learned):
    encoder = OneHot()
    encoder.fit(learned, "category")
    again = OneHot()
    again.load_state(encoder.state())
    for one in (encoder, again):
        wanted = one.encode(learned, "category")
        np.testing.assert_array_equal(one.encode(["7.00", "TRUE"], "category"), wanted)
        np.testing.assert_array_equal(one.encode(["7", "true"], "category"), wanted)
        assert not one.encode(["7.5", "1.7.0"], "category").any()


def test_onehot_keeps_apart_what_training_kept_apart():
    encoder = OneHot()
    encoder.fit(["2", "2.0"], "category")
    np.testing.assert_array_equal(encoder.encode(["2", "2.0", "2.00"], "category"), [[1, 0], [0, 1], [0, 0]])


def test_onehot_limit_gives_the_rest_a_column_of_their_own():
    encoder = OneHot(limit=1)
    encoder.fit(["red", "blue", "red"], "category")
    np.testing.assert_array_equal(encoder.encode(["red", "blue", "green"], "category"), [[1, 0], [0, 1], [0, 1]])


def test_onehot_does_not_depend_on_the_order_of_rows():
    one, other = OneHot(), OneHot()
    one.fit(["b", "a", "c"], "category")
    other.fit(["c", "b", "a"], "category")
    assert one.state() == other.state()


def test_onehot_of_nothing():
    encoder = OneHot()
    encoder.fit([], "category")
    np.testing.assert_array_equal(encoder.encode(["red"], "category"), [[0]])


@pytest.mark.parametrize("limit", [0, 1.5, True, "9", 10**6])
def test_onehot_refuses_limit(limit):
    with pytest.raises(EncoderError, match=r"encoder 'onehot': limit is .*, expected a whole number from 1 to 65536"):
        OneHot(limit=limit)


def test_calendar_circles_meet_and_the_line_grows():
    encoder = Calendar()
    encoder.fit(MOMENTS, "date")
    silvester, new_year, july = encoder.encode(
        [dt.datetime(2023, 12, 31, 23, 59), dt.datetime(2024, 1, 1), dt.datetime(2024, 7, 1)], "date"
    )
    year, week, day = [0, 3], [1, 4], [2, 5]
    assert np.linalg.norm(silvester[year] - new_year[year]) < 0.05 < 1.9 < np.linalg.norm(july[year] - new_year[year])
    assert np.linalg.norm(silvester[day] - new_year[day]) < 0.05
    np.testing.assert_allclose(new_year[week], [0, 1], atol=1e-6)  # both are Mondays
    np.testing.assert_allclose(july[week], new_year[week], atol=1e-6)
    assert silvester[6] < new_year[6] < july[6]


def test_calendar_scales_time_by_training():
    encoder = Calendar()
    encoder.fit(MOMENTS, "date")
    line = encoder.encode(MOMENTS, "date")[:, 6]
    assert line.mean() == pytest.approx(0, abs=1e-4)
    assert line.std() == pytest.approx(1, abs=1e-4)


def test_standard_scales_and_leaves_constants():
    encoder = Standard()
    encoder.fit([np.array([1, 5], np.float32), np.array([3, 5], np.float32)], "vector")
    np.testing.assert_allclose(encoder.encode([np.array([3, 6], np.float32)], "vector"), [[1, 1]])


@pytest.mark.parametrize("encoder", [Standard, Quantiles])
def test_the_length_is_the_commonest_and_others_teach_nothing(encoder):
    batch = [np.array(one, np.float32) for one in ([9, 9], [1, 2, 3], [3, 4, 9], [2, 7, 1])]
    mixed, plain = encoder(), encoder()
    mixed.fit(batch, "vector")
    plain.fit(batch[1:], "vector")
    assert mixed.state() == plain.state()
    assert [mixed.refuses(one) for one in batch[:2]] == ["holds 2 numbers, where 3 are expected", ""]


def test_standard_refuses_another_length():
    encoder = Standard()
    encoder.fit([np.zeros(3, np.float32)], "vector")
    with pytest.raises(ValueError, match="vector 2 holds 2 numbers, where 3 are expected"):
        encoder.encode([np.zeros(3, np.float32), np.zeros(2, np.float32)], "vector")
    assert encoder.refuses(np.zeros(2, np.float32)) == "holds 2 numbers, where 3 are expected"
    assert encoder.refuses(np.zeros(3, np.float32)) == ""
    with pytest.raises(ValueError, match="no training row holds a vector"):
        Standard().fit([], "vector")
