"""The bootstrap: seeded, by group, honest about what is not defined."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.evaluate import bootstrap, paired


def mean_of(values):
    return {"mean": lambda rows: float(values[rows].mean())}


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
