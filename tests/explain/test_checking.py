"""The checks of explanations pass where they should, and fail explanations that are none."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from shop_data import rows

import mmsdk
from mmsdk.explain import Check, Deletion, Evidence, Explanation, check_explanations, mean_interval


def explained(named, random, randomised, count=20, noise=0.1):
    draws = np.random.default_rng(0).normal(0, noise, (count, 2))
    for one, other in draws:
        deleted = Deletion(pieces=2, named=named + one, random=random + other)
        evidence = Evidence(
            input="text", modality="text", method="occlusion", unit="probability", pieces=(),
            deleted=deleted, randomised=randomised,
        )  # fmt: skip
        yield Explanation(
            id=None, task="t", answer="a", label="a", unit="probability", score=1.0, base=0.0, exact=True, shares=(),
            evidence=(evidence,),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("named", "random", "randomised", "passed"),
    [(0.5, 0.1, 0.0, True), (0.1, 0.1, 0.0, False), (0.1, 0.5, 0.0, False), (0.5, 0.1, 0.9, False)],
)
def test_what_is_named_must_matter_more_and_random_weights_must_say_else(named, random, randomised, passed):
    _, check = check_explanations(explained(named, random, randomised))
    assert (check.of, check.method) == ("text", "occlusion")
    assert check.passed is passed
    assert check.ahead.n == 20
    assert check.ahead.value == pytest.approx(check.named - check.random)


def test_an_open_interval_is_json_that_any_reader_takes():
    (one,) = explained(0.5, 0.1, 0.0, count=1)
    open_ended = dataclasses.replace(one, output={"prediction_set": (-np.inf, np.float64(np.inf))})
    assert open_ended.as_json()["output"]["prediction_set"] == [None, None]
    json.dumps(open_ended.as_json(), allow_nan=False)


def test_too_few_rows_say_only_that_they_are_too_few():
    shares, text = check_explanations(explained(0.5, 0.1, 0.0, count=4))
    assert shares == Check(of="inputs", method="shapley values")
    assert text == Check(of="text", method="occlusion")
    assert (text.passed, text.ahead, text.named) == (None, None, None)


def test_the_interval_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(2, 3, 400)
    found = mean_interval(values)
    assert found.value == values.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert mean_interval(values) == found


def test_explanations_of_the_shop_hold(app, shop):
    found = {one.of: one for one in app.explainer.check(shop / "items.csv", most=12)}
    assert set(found) == {"inputs", "photo", "text"}
    for one in found.values():
        assert one.ahead.low > 0, one
        assert one.randomised.value < 0.5, one
        assert one.passed
    assert found["inputs"].method == "shapley values"


def test_a_table_with_too_little_in_it_is_said(app):
    with pytest.raises(mmsdk.DataError, match="a check needs five or more"):
        app.explainer.check([{"title": rows()[0]["title"]}])
