"""The bootstrap: seeded, by group, honest about what is not defined."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest, norm, t

from mmsdk.data import resampled
from mmsdk.evaluate import Interval, bootstrap, paired
from mmsdk.evaluate.bootstrap import Bound, of_difference
from mmsdk.evaluate.mean import Mean
from mmsdk.tasks import CalibrationError, Classification, Share


def mean_of(values):
    return {"mean": lambda rows: float(values[rows].mean())}


def share(values):
    return Share(of=mean_of(values)["mean"], weights=np.ones(len(values)))


def test_the_interval_of_a_mean_is_the_known_one():
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap(mean_of(values), 400)["mean"]
    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert found.n == 400


def test_it_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(100):
        found = bootstrap(mean_of(random.normal(size=60)), 60, resamples=200, seed=trial)["mean"]
        hits += found.low <= 0 <= found.high
    assert 87 <= hits <= 99


def test_seed_level_and_resamples_act():
    statistic = mean_of(np.random.default_rng(0).normal(size=50))
    first = bootstrap(statistic, 50, seed=1)["mean"]
    assert first == bootstrap(statistic, 50, seed=1)["mean"]
    assert first != bootstrap(statistic, 50, seed=2)["mean"]
    assert first != bootstrap(statistic, 50, seed=1, resamples=50)["mean"]
    assert first.low < bootstrap(statistic, 50, seed=1, level=0.5)["mean"].low


def test_groups_are_drawn_whole():
    values = np.repeat(np.random.default_rng(0).normal(size=20), 20)  # 400 rows that are 20
    groups = np.repeat(np.arange(20), 20)
    rows = bootstrap(mean_of(values), 400)["mean"]
    grouped = bootstrap(mean_of(values), 400, groups=groups)["mean"]
    assert grouped.high - grouped.low > 3 * (rows.high - rows.low)
    seen = []
    bootstrap({"x": lambda drawn: seen.append(drawn) or 0.0}, 400, groups=groups, resamples=3)
    assert all((np.bincount(drawn, minlength=400).reshape(20, 20).std(axis=1) == 0).all() for drawn in seen)


def test_undefined_metrics_are_left_out_and_undefined_resamples_too():
    values = np.array([0.0] * 3 + [1.0])
    found = bootstrap(
        {"never": lambda rows: float("nan"), "often": lambda rows: 1.0 if values[rows].any() else float("nan")}, 4
    )
    assert "never" not in found
    assert (found["often"].low, found["often"].high) == (1.0, 1.0)
    assert bootstrap({"x": lambda rows: 1.0}, 0) == {}


def test_a_paired_difference_is_narrower_than_its_parts():
    random = np.random.default_rng(0)
    hard = random.normal(size=300)
    first, second = hard + 0.1, hard + random.normal(size=300) * 0.05
    difference = paired(lambda rows: first[rows].mean(), lambda rows: second[rows].mean(), 300)
    alone = bootstrap(mean_of(first), 300)["mean"]
    assert difference.low > 0
    assert difference.high - difference.low < (alone.high - alone.low) / 5


def test_twenty_right_rows_do_not_prove_that_there_is_never_an_error():
    right = np.ones(20)
    found = bootstrap({"right": share(right), "wrong": share(1 - right), "mean": mean_of(right)["mean"]}, 20)
    assert (found["right"].low, found["right"].high) == (pytest.approx(0.05 ** (1 / 20)), 1.0)
    assert found["right"].low == pytest.approx(binomtest(20, 20, 0.5, alternative="greater").proportion_ci().low)
    assert (found["wrong"].low, found["wrong"].high) == (0.0, pytest.approx(1 - 0.05 ** (1 / 20)))
    assert (found["mean"].low, found["mean"].high) == (1.0, 1.0)  # of any number nobody knows the bounds
    assert bootstrap({"right": share(right)}, 20, level=0.8)["right"].low > found["right"].low


def test_one_row_has_no_interval_but_of_a_share_what_one_row_shows():
    right, guesses = np.ones(1), np.array([0])
    scores = Classification()
    scores.prepare(["a", "b"])
    found = bootstrap({"right": share(right), **mean_of(right)}, 1)
    assert found["mean"].as_json() == {"value": 1.0, "low": None, "high": None, "n": 1}
    assert (found["right"].low, found["right"].high) == (pytest.approx(0.05), 1.0)
    ece = bootstrap(scores.scores(np.array([[1.0, 0.0]]), guesses), 1)["ece"]
    assert ece.as_json()["low"] is None
    assert bootstrap(mean_of(np.ones(2)), 2)["mean"].as_json()["low"] == 1.0
    reach = of_difference(bootstrap(mean_of(np.zeros(1)), 1)["mean"], Bound(units=1))
    assert (reach.low, reach.high) == (pytest.approx(-0.95), pytest.approx(0.95))


def test_twenty_rows_answered_alike_do_not_prove_that_two_models_are_equal():
    same, bound = Interval(value=0.0, low=0.0, high=0.0, n=20), Bound(units=20)
    reach = 1 - 0.05**0.05  # two models that differ in so many rows agree on 20 of them once in 20 times
    found = of_difference(same, bound)
    assert (found.value, found.low, found.high) == (0.0, pytest.approx(-reach), pytest.approx(reach))
    assert of_difference(same, bound, level=0.5).high == pytest.approx(1 - 0.5**0.05)
    assert of_difference(same, Bound(units=20, least=-1.0)).high == pytest.approx(2 * reach)
    opposite = of_difference(Interval(value=1.0, low=1.0, high=1.0, n=20), bound)
    assert (opposite.low, opposite.high) == (pytest.approx(1 - reach), 1.0)


def test_the_interval_of_a_difference_that_varies_or_is_of_no_share_stays():
    seen, error = Interval(value=0.0, low=-0.1, high=0.1, n=20), Interval(value=0.0, low=0.0, high=0.0, n=20)
    assert of_difference(seen, Bound(units=20)) == seen
    assert of_difference(error, None) == error


def test_the_interval_at_the_bound_follows_the_one_beside_it():
    lows = []
    for wrong in (0, 1, 2):
        right = np.arange(40) >= wrong
        lows.append(bootstrap({"right": share(right)}, 40, resamples=2000)["right"].low)
    assert lows[0] > lows[1] > lows[2]


def test_groups_and_rare_labels_make_fewer_rows_at_the_bound():
    groups = np.repeat(np.arange(5), 4)
    assert bootstrap({"right": share(np.ones(20))}, 20, groups=groups)["right"].low == pytest.approx(0.05 ** (1 / 5))
    alone = bootstrap({"right": share(np.ones(20))}, 20, groups=np.zeros(20))["right"]
    assert alone.low == pytest.approx(0.05 ** (1 / 20))  # rows of one group: what is said is of this group
    task = Classification()
    task.prepare(["a", "b"])
    truth = np.array([0] * 18 + [1] * 2)
    found = bootstrap(task.scores(np.eye(2)[truth] * 9.0, truth), 20)
    assert found["accuracy"].low == pytest.approx(0.05 ** (1 / 20))
    assert found["balanced_accuracy"].low == pytest.approx(0.05 ** (1 / 7.2))  # 4 / (1/18 + 1/2)
    even = np.arange(20) % 2
    assert bootstrap(task.scores(np.eye(2)[even] * 9.0, even), 20)["mcc"].low == pytest.approx(2 * 0.05 ** (1 / 20) - 1)
    assert found["auc"].low == found["macro_f1"].low == found["balanced_accuracy"].low


@pytest.mark.parametrize("groups", [6, 10])
def test_few_groups_hold_the_truth_nearly_as_often_as_they_say(groups):
    random = np.random.default_rng(0)
    names, hits, plain = np.repeat(np.arange(groups), 6), 0, 0
    for trial in range(200):
        values = np.repeat(random.normal(size=groups), 6) + 0.5 * random.normal(size=6 * groups)
        found = bootstrap(mean_of(values), len(values), groups=names, resamples=300, seed=trial)["mean"]
        hits += found.low <= 0 <= found.high
        spread = values.reshape(groups, 6).mean(1).std() / groups**0.5  # what the plain percentiles come to
        plain += abs(values.mean()) <= 1.96 * spread
    assert plain < 184
    assert 180 <= hits <= 199
    assert hits > plain


def test_of_many_rows_the_percentiles_are_the_plain_ones():
    values = np.random.default_rng(0).normal(size=30)
    drawn = np.array([values[rows].mean() for rows in resampled(30, resamples=500)])
    found = bootstrap(mean_of(values), 30, resamples=500)["mean"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    fewer = bootstrap(mean_of(values), 30, groups=np.arange(30) // 3, resamples=500)["mean"]
    drawn = np.array([values[rows].mean() for rows in resampled(30, groups=np.arange(30) // 3, resamples=500)])
    outside = norm.cdf(-((10 / 9) ** 0.5) * t.ppf(0.975, 9))
    assert (fewer.low, fewer.high) == pytest.approx(tuple(np.quantile(drawn, [outside, 1 - outside])))
    alone = bootstrap(mean_of(values), 30, groups=["one"] * 30, resamples=500)["mean"]
    assert alone == found  # of one group rows are drawn


def answered(n, heat, random):
    """Return confidences and whether each is right, of a model that is calibrated at heat 1."""
    logits = 1.5 * random.normal(size=(n, 6))
    chances, said = softmax(logits, 1), softmax(logits / heat, 1)
    truth = (chances.cumsum(1) > random.random((n, 1))).argmax(1)
    return CalibrationError(sure=said.max(1), right=said.argmax(1) == truth)


@pytest.mark.parametrize("heat", [1.0, 1.5])
def test_the_interval_of_the_calibration_error_holds_the_true_one(heat):
    random = np.random.default_rng(0)
    true = answered(200_000, heat, random)(np.arange(200_000))
    held = 0
    for trial in range(30):
        one = answered(300, heat, random)
        found = bootstrap({"ece": one}, 300, resamples=60, seed=trial)["ece"]
        assert found.low <= found.value <= found.high
        assert found.value == one(np.arange(300))
        held += found.low <= true <= found.high
    assert held >= 26  # of a calibrated model the plain percentiles hold it never
    assert true == pytest.approx(0.0, abs=0.005) if heat == 1.0 else true > 0.1


@pytest.mark.parametrize("groups", [None, np.arange(40) // 4, np.arange(40) // 3, np.repeat([0, 1, 2], [30, 9, 1])])
def test_a_mean_taken_of_many_resamples_at_once_is_that_of_each(groups):
    values = np.random.default_rng(1).normal(size=40) * 1e3
    assert bootstrap({"mean": Mean(values)}, 40, groups=groups) == bootstrap(mean_of(values), 40, groups=groups)
    others = values[::-1] ** 2
    for second in (Mean(others), mean_of(others)["mean"]):  # of which one is asked row by row
        found = paired(Mean(values), second, 40, groups=groups)
        assert found == paired(mean_of(values)["mean"], mean_of(others)["mean"], 40, groups=groups)
    hits = (values > 0).astype(np.float64)
    one, other = (Share(of=of, weights=np.ones(40)) for of in (Mean(hits), mean_of(hits)["mean"]))
    assert bootstrap({"share": one}, 40, groups=groups) == bootstrap({"share": other}, 40, groups=groups)


def test_blocks_of_resamples_lose_none_and_means_are_not_taken_one_by_one(monkeypatch):
    monkeypatch.setattr(sys.modules["mmsdk.evaluate.bootstrap"], "BLOCK", 90)  # three resamples, and one at the end
    drawn: list[int] = []

    def counted(rows):
        drawn.append(len(rows))
        return float(rows.mean())

    found = bootstrap({"one": counted, "many": Mean(np.arange(30))}, 30, resamples=100)
    assert drawn == [30] * 101  # all rows once, and each resample
    assert found["one"] == found["many"]
    called = []
    monkeypatch.setattr(Mean, "__call__", lambda self, rows: called.append(rows) or 1.0)
    bootstrap({"many": Mean(np.arange(30))}, 30, resamples=100)
    assert len(called) == 1
