"""Figures of alignment: recall, debiased CKA, the gap and held-out canonical correlations, against open formulas."""

from __future__ import annotations

import math
import sys
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from mmsdk.evaluate.alignment import (
    Judging,
    cka_statistic,
    debiased_cka,
    pair_names,
    recall_statistics,
    score_alignment,
)
from mmsdk.evaluate.bootstrap import bootstrap


def everything(n):
    return np.arange(n)


def test_recall_counts_partners_both_ways():
    random = np.random.default_rng(0)
    left, right = random.normal(size=(40, 6)), random.normal(size=(40, 6))
    right[:25] = left[:25] + 0.1 * random.normal(size=(25, 6))
    found = {name: one(everything(40)) for name, one in recall_statistics(left, right).items()}
    units = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (left, right)]
    scores = units[0] @ units[1].T
    for cut in (1, 5, 10):
        forth = np.mean([n in np.argsort(-scores[n])[:cut] for n in range(40)])
        back = np.mean([n in np.argsort(-scores[:, n])[:cut] for n in range(40)])
        assert found[f"recall@{cut}_forth"] == pytest.approx(forth)
        assert found[f"recall@{cut}_back"] == pytest.approx(back)
        assert found[f"recall@{cut}"] == pytest.approx((forth + back) / 2)
    assert found["modality_gap"] == pytest.approx(np.linalg.norm(units[0].mean(0) - units[1].mean(0)))
    assert found["recall@1_forth"] < found["mrr"] < 1


def test_resamples_of_hardly_any_rows_are_left_out():
    """Of five groups of two, one resample in a few hundred holds one group alone: too few rows for CKA without bias."""
    random = np.random.default_rng(0)
    statistic = cka_statistic(random.normal(size=(10, 4)), random.normal(size=(10, 4)))
    assert math.isnan(statistic(np.array([0, 1, 0, 1])))
    found = bootstrap({"cka": statistic}, 10, groups=np.repeat(np.arange(5), 2), resamples=1000)["cka"]
    assert -1 < found.low < found.value < found.high < 1


def test_the_gap_is_that_of_two_cones():
    random = np.random.default_rng(0)
    left = random.normal(size=(50, 8)) * 0.01 + np.eye(8)[0]
    right = random.normal(size=(50, 8)) * 0.01 + np.eye(8)[1]
    assert recall_statistics(left, right)["modality_gap"](everything(50)) == pytest.approx(np.sqrt(2), abs=0.01)
    assert recall_statistics(left, left)["modality_gap"](everything(50)) == 0


def test_debiased_cka_is_the_u_statistic_of_song():
    """HSIC without bias is the mean over all quadruples of different rows, which six rows allow to write out."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6, 3)), random.normal(size=(6, 2))

    def hsic(a, b):
        one, two = a @ a.T, b @ b.T
        terms = [one[i, j] * (two[i, j] + two[q, r] - 2 * two[i, q]) for i, j, q, r in permutations(range(6), 4)]
        return np.mean(terms)

    expected = hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))
    assert debiased_cka(x @ x.T, y @ y.T) == pytest.approx(expected, rel=1e-9)


def test_debiased_cka_of_few_wide_rows_is_not_near_one():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 500)), random.normal(size=(40, 500))
    centred = [one - one.mean(0) for one in (x, y)]
    plain = np.linalg.norm(centred[0].T @ centred[1]) ** 2 / np.prod([np.linalg.norm(c.T @ c) for c in centred])
    assert plain > 0.8
    assert abs(cka_statistic(x, y)(everything(40))) < 0.1
    turned = np.linalg.qr(random.normal(size=(500, 500)))[0]
    assert cka_statistic(x, 3 * x @ turned + 2)(everything(40)) == pytest.approx(1)


def test_a_resample_does_not_raise_cka_by_its_copies():
    random = np.random.default_rng(1)
    x, y = random.normal(size=(200, 20)), random.normal(size=(200, 20))
    statistic = cka_statistic(x, y)
    drawn = [statistic(random.integers(0, 200, 200)) for _ in range(100)]
    assert abs(np.mean(drawn) - statistic(everything(200))) < 0.01


def test_the_interval_of_cka_is_as_wide_as_it_should_be():
    """Against the spread of the value over fresh samples, and centred on it also where rows come in groups."""
    random = np.random.default_rng(1)
    way = random.normal(size=(6, 6))

    def sample(copies=1):
        x = np.repeat(random.normal(size=(120 // copies, 6)), copies, axis=0)
        return x, x @ way + 2 * random.normal(size=(120, 6))

    fresh = np.std([cka_statistic(*sample())(everything(120)) for _ in range(200)])
    spreads = []
    for _ in range(10):
        statistic = cka_statistic(*sample())
        spreads.append(np.std([statistic(random.integers(0, 120, 120)) for _ in range(100)]))
    assert np.mean(spreads) == pytest.approx(fresh, rel=0.25)
    statistic = cka_statistic(*sample(copies=4))
    drawn = [statistic((random.integers(0, 30, 30)[:, None] * 4 + np.arange(4)).ravel()) for _ in range(200)]
    assert np.mean(drawn) == pytest.approx(statistic(everything(120)), abs=0.03)


def both_ways(n=400, seed=0):
    random, told = np.random.default_rng(seed), np.random.default_rng(5)
    meaning = random.normal(size=(n, 3))
    values = {
        "photo": (meaning @ told.normal(size=(3, 8)) + random.normal(size=(n, 8))).astype(np.float32),
        "title": (meaning @ told.normal(size=(3, 6)) + random.normal(size=(n, 6))).astype(np.float32),
    }
    present = {name: np.ones(n, bool) for name in values}
    before = SimpleNamespace(values=values, present=present)
    aligned = {name: (meaning + 0.3 * random.normal(size=(n, 3))).astype(np.float32) for name in values}
    split = np.array((["train"] * 6 + ["val"] * 2 + ["test"] * 2) * (n // 10), dtype=object)
    return before, SimpleNamespace(values=aligned, present=present), split


def test_a_pair_is_scored_before_and_after_on_held_out_rows():
    before, after, split = both_ways()
    after.present["title"][split == "test"] = np.arange((split == "test").sum()) % 2 == 0
    found = score_alignment(before, after, ["photo", "title"], split, judging=Judging(resamples=20))
    assert list(found) == ["align photo+title"] == list(pair_names({"photo": 3, "title": 3}))
    entry = found["align photo+title"]
    assert set(entry) == {"val", "test", "baselines", "paired"}
    assert entry["val"]["recall@1"]["n"] == 80
    assert entry["test"]["recall@1"]["n"] == 40
    assert "recall@1" not in entry["baselines"]["before"]  # 8 and 6 dims have no cosine
    assert set(entry["baselines"]["before"]) == {"cka", "canonical_correlation"} == set(entry["paired"]["before"])
    assert entry["test"]["cka"]["value"] > entry["baselines"]["before"]["cka"]["value"]
    for part in ("val", "test"):
        assert all(one["low"] <= one["value"] <= one["high"] for one in entry[part].values() if one["value"] != 0)


def test_canonical_correlations_are_those_of_rows_that_taught_nothing():
    """Of noise in many dims the rows that taught seem to agree; others do not."""
    random = np.random.default_rng(0)
    values = {name: random.normal(size=(300, 60)).astype(np.float32) for name in ("a", "b")}
    noise = SimpleNamespace(values=values, present={name: np.ones(300, bool) for name in values})
    split = np.array(["train"] * 200 + ["test"] * 100, dtype=object)
    found = score_alignment(noise, noise, ["a", "b"], split, judging=Judging(resamples=5))["align a+b"]["test"]
    assert abs(found["canonical_correlation"]["value"]) < 0.1


def test_few_rows_are_not_judged_and_many_are_thinned(monkeypatch):
    before, after, split = both_ways()
    split[split == "test"] = "train"
    split[np.flatnonzero(split == "val")[9:]] = "train"
    assert score_alignment(before, after, ["photo", "title"], split) == {}
    monkeypatch.setattr(sys.modules["mmsdk.evaluate.alignment"], "MOST_ROWS", 50)
    before, after, split = both_ways()
    found = score_alignment(before, after, ["photo", "title"], split, judging=Judging(resamples=2))
    assert found["align photo+title"]["test"]["mrr"]["n"] == 50


def test_groups_are_drawn_whole():
    before, after, split = both_ways()
    widths = []
    for groups in (None, np.arange(400) // 100):
        judging = Judging(resamples=50, groups=groups)
        one = score_alignment(before, after, ["photo", "title"], split, judging=judging)["align photo+title"]
        widths.append((one["test"]["mrr"]["low"], one["test"]["mrr"]["high"]))
    assert widths[0] != widths[1]


def test_the_interval_of_a_small_gap_holds_it():
    random = np.random.default_rng(0)
    statistic = recall_statistics(random.normal(size=(100, 50)), random.normal(size=(100, 50)))["modality_gap"]
    drawn = [statistic(random.integers(0, 100, 100)) for _ in range(200)]
    assert np.quantile(drawn, 0.025) < statistic(everything(100)) < np.quantile(drawn, 0.975)
