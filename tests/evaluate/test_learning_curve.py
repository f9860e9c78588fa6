"""What more rows would bring: the law is found where there is one, and not claimed where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.evaluate.learning_curve import Trial, _amount, fit_power_law, learning_curve, round_number
from mmsdk.tasks import Share

SIZES = (200, 400, 600, 800, 1000)


def trials(chance, n=3000, repeats=3, seed=0):
    """Right or wrong of ``n`` judged rows by models of five sizes; harder rows are wrong for all."""
    random = np.random.default_rng(seed)
    hard = random.random(n)
    found = []
    for share, size in enumerate(SIZES, 1):
        for _ in range(repeats):
            right = hard < chance(size) + random.normal(0, 0.003)
            score = Share(of=lambda rows, right=right: float(right[rows].mean()), weights=np.ones(n))
            found.append(Trial(share=share, rows=size, score=score))
    return found


def test_the_law_is_found():
    rows = np.array(SIZES, dtype=float)
    a, b, c = fit_power_law(rows, 0.9 - 3.0 * rows**-0.6)
    assert (a, b, c) == pytest.approx((0.9, -3.0, 0.6), rel=1e-3)
    assert fit_power_law(rows[:2], rows[:2]) is None
    assert fit_power_law(rows, np.full(5, np.nan)) is None


def test_the_gain_of_more_rows_lies_in_its_interval():
    def chance(size):
        return 0.95 - 3.0 * size**-0.5

    truth, covered = chance(1500) - chance(1000), 0
    for seed in range(8):
        found = learning_curve(trials(chance, n=1000, seed=seed), 1000, metric="accuracy", higher_is_better=True)
        covered += found["gain"]["low"] <= truth <= found["gain"]["high"]
        assert found["gain"]["low"] > 0
    assert covered >= 6
    assert found["more"] == 500
    assert found["sentence"].startswith("with 500 more training rows expect accuracy to improve by +")
    assert "points" in found["sentence"]
    assert [one["rows"] for one in found["points"]] == list(SIZES)
    assert all(one["low"] <= one["value"] <= one["high"] for one in found["points"])
    assert set(found["law"]) == {"a", "b", "c"}


def test_a_flat_curve_cannot_be_told():
    found = learning_curve(trials(lambda size: 0.8, n=300, seed=3), 300, metric="accuracy", higher_is_better=True)
    assert found["gain"]["low"] <= 0 <= found["gain"]["high"]
    assert found["sentence"].startswith("these rows cannot tell whether 500 more training rows would help")


def test_one_row_without_luck_has_no_gain_to_tell():
    trials = [Trial(share=one, rows=size, score=lambda rows, size=size: 1 / size) for one, size in enumerate(SIZES, 1)]
    found = learning_curve(trials, 1, metric="mae", higher_is_better=False)
    assert found["gain"] is None
    assert "nan" not in found["sentence"]


def test_an_error_that_falls_is_an_improvement():
    random = np.random.default_rng(0)
    found = []
    for share, size in enumerate(SIZES, 1):
        for _ in range(3):
            error = np.abs(random.normal(0, 1, 2000)) * (1 + 40 * size**-0.7)
            found.append(Trial(share=share, rows=size, score=lambda rows, error=error: float(error[rows].mean())))
    curve = learning_curve(found, 2000, metric="mae", higher_is_better=False)
    assert curve["gain"]["value"] > 0
    assert "points" not in curve["sentence"]


def test_more_rows_that_harm_are_said_to():
    found = learning_curve(trials(lambda size: 0.5 + 3.0 * size**-0.5), 3000, metric="accuracy", higher_is_better=True)
    assert "would get worse" in found["sentence"]


def test_too_few_sizes_follow_no_law():
    found = learning_curve(trials(lambda size: 0.8)[:6], 3000, metric="accuracy", higher_is_better=True)
    assert found["gain"] is None
    assert found["law"] is None
    assert "do not follow a law" in found["sentence"]


@pytest.mark.parametrize(("about", "found"), [(500, 500), (499, 200), (36, 20), (1, 1), (0.4, 1), (12000, 10000)])
def test_round_numbers(about, found):
    assert round_number(about) == found


@pytest.mark.parametrize(
    ("points", "numbers", "said"),
    [
        (True, (-0.0001, 0.0004, -0.0004), "0.0 points [0.0, 0.0]"),
        (True, (0.021, 0.004, 0.03), "+2.1 points [+0.4, +3.0]"),
        (False, (-0.0, 0.0, -0.00012), "0 [0, -0.00012]"),
    ],
)
def test_nothing_has_no_sign(points, numbers, said):
    assert _amount(dict(zip(("value", "low", "high"), numbers, strict=True)), points=points) == said


def test_points_where_every_row_is_right_have_an_interval():
    right = Share(of=lambda rows: 1.0, weights=np.ones(50))
    found = learning_curve(
        [Trial(share=share, rows=100 * share, score=right) for share in (1, 2, 3)],
        50,
        metric="accuracy",
        higher_is_better=True,
    )
    assert [(one["low"], one["high"]) for one in found["points"]] == [(pytest.approx(0.05 ** (1 / 50)), 1.0)] * 3
