"""Slices: who is weak, by more than chance, however many are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.evaluate.slices import score_slices, slice_masks


def accuracy(right):
    return lambda rows: float(right[rows].mean())


def test_columns_are_cut_into_slices():
    kinds = slice_masks(["a", "b", None, "a"])
    assert {name: mask.tolist() for name, mask in kinds.items()} == {
        "a": [True, False, False, True],
        "b": [False, True, False, False],
        "(empty)": [False, False, True, False],
    }
    numbers = slice_masks([float(one) for one in range(100)])
    assert list(numbers) == ["up to 24.75", "24.75 to 49.5", "49.5 to 74.25", "above 74.25"]
    assert [int(mask.sum()) for mask in numbers.values()] == [25] * 4
    assert list(slice_masks([1, 2, 1, 2])) == ["1", "2"]
    many = slice_masks([f"v{one % 40}" for one in range(400)])
    assert len(many) == 21
    assert int(many["other values"].sum()) == 200
    assert slice_masks([None, None])["(empty)"].all()


def test_a_weak_slice_is_named_first_and_small_ones_are_not_judged():
    random = np.random.default_rng(0)
    part = np.array(["weak"] * 100 + ["fair"] * 380 + ["tiny"] * 20, dtype=object)
    right = random.random(500) < np.where(part == "weak", 0.5, 0.9)
    masks = {("line", value): part == value for value in ("fair", "weak", "tiny")}
    found = score_slices(accuracy(right), masks, 500, higher_is_better=True)
    first = found[0]
    assert (first["value"], first["judged"], first["worse"]) == ("weak", True, True)
    assert first["score"]["value"] == pytest.approx(right[:100].mean())
    assert first["gap"]["value"] == pytest.approx(right[:100].mean() - right[100:].mean())
    assert first["gap"]["high"] < 0
    assert [one["worse"] for one in found] == [True, False, False]
    tiny = found[-1]
    assert (tiny["value"], tiny["judged"], tiny["p"]) == ("tiny", False, None)


def test_an_error_is_worse_where_it_is_larger():
    error = np.concatenate([np.full(60, 2.0), np.full(200, 1.0)]) + np.random.default_rng(0).normal(0, 0.1, 260)
    masks = {("part", "large"): np.arange(260) < 60, ("part", "small"): np.arange(260) >= 60}
    found = score_slices(lambda rows: float(error[rows].mean()), masks, 260, higher_is_better=False)
    assert [(one["value"], one["worse"]) for one in found] == [("large", True), ("small", False)]


def test_fair_slices_are_seldom_called_weak_however_many():
    """Forty slices of nothing, sixty times: without the correction nearly every table would name one."""
    random = np.random.default_rng(1)
    part = np.arange(1600) % 40
    masks = {("part", str(one)): part == one for one in range(40)}
    called, bare = 0, 0
    for trial in range(60):
        right = random.random(1600) < 0.7
        found = score_slices(accuracy(right), masks, 1600, higher_is_better=True, resamples=60, seed=trial)
        called += any(one["worse"] for one in found)
        bare += any(one["gap"]["high"] < 0 for one in found)
    assert called <= 9  # 5 % of 60 is 3; a bootstrap spread of forty rows is a little small
    assert bare > 20


def test_groups_widen_what_chance_explains():
    groups = np.repeat(np.arange(12), 20)
    right = np.repeat(np.arange(12) % 4 != 0, 20)  # whole groups fail
    masks = {("half", "first"): np.arange(240) < 40}
    alone = score_slices(accuracy(right), masks, 240, higher_is_better=True)[0]
    together = score_slices(accuracy(right), masks, 240, higher_is_better=True, groups=groups)[0]
    assert alone["worse"]
    assert not together["worse"]
    assert together["score"]["high"] - together["score"]["low"] > 2 * (alone["score"]["high"] - alone["score"]["low"])


def test_a_slice_and_its_opposite_mirror_each_other():
    right = np.random.default_rng(0).random(200) < 0.8
    first = np.arange(200) < 80
    masks = {("half", "one"): first, ("half", "two"): ~first}
    one, two = sorted(score_slices(accuracy(right), masks, 200, higher_is_better=True), key=lambda row: row["n"])
    alone = score_slices(accuracy(right), {("half", "two"): ~first}, 200, higher_is_better=True)[0]
    assert one["gap"]["value"] == pytest.approx(-two["gap"]["value"])
    assert one["gap"]["low"] == pytest.approx(-two["gap"]["high"])
    assert (two["score"], two["gap"]) == (alone["score"], alone["gap"])


def test_a_slice_of_all_rows_has_no_rest():
    found = score_slices(accuracy(np.ones(50)), {("c", "v"): np.ones(50, bool)}, 50, higher_is_better=True)
    assert (found[0]["gap"], found[0]["judged"]) == (None, False)


def test_one_group_is_not_judged_and_few_are_seldom_called_weak():
    random = np.random.default_rng(0)
    called = 0
    for trial in range(40):
        chances = np.clip(random.normal(0.7, 0.12, 14), 0, 1)  # groups differ, none by where it lies
        groups, right = np.repeat(np.arange(14), 40), random.random(560) < np.repeat(chances, 40)
        masks = {("site", "one"): groups == 0, ("site", "two"): np.isin(groups, [1, 2])}
        found = score_slices(
            accuracy(right), masks, 560, higher_is_better=True, groups=groups, resamples=60, seed=trial
        )
        assert {row["value"]: row["judged"] for row in found} == {"one": False, "two": True}
        called += any(row["worse"] for row in found)
    assert called <= 4  # normal, as if two groups told their own spread: 12


def test_a_slice_that_is_all_wrong_beside_rows_that_are_all_right_is_weak():
    right = np.arange(200) >= 40
    [found] = score_slices(accuracy(right), {("half", "first"): ~right}, 200, higher_is_better=True)
    assert found["worse"]
    assert found["p"] == 0.0


def test_the_interval_of_a_slice_of_one_group_is_that_of_its_rows():
    right = np.random.default_rng(0).random(400) < 0.7
    groups = np.repeat(np.arange(10), 40)
    masks = {("site", "one"): groups == 0}
    [found] = score_slices(accuracy(right), masks, 400, higher_is_better=True, groups=groups)
    assert found["score"]["low"] < found["score"]["value"] < found["score"]["high"]
    assert found["score"]["high"] - found["score"]["low"] == pytest.approx(2 * 1.96 * (0.21 / 40) ** 0.5, rel=0.25)
