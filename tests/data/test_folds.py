"""Folds: each row once, groups whole, labels evenly, whatever the order of the rows."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from mmsdk import DataError
from mmsdk.app.draft import Draft
from mmsdk.app.resolving import resolve_application
from mmsdk.data import fold_rows, folds_of_time, group_cells, read_table, resampled

IDS = [f"r{number:03d}" for number in range(120)]
KINDS = ["rare" if number % 6 == 0 else "common" for number in range(120)]
GROUPS = [f"g{number // 5}" for number in range(120)]


def test_labels_are_dealt_out_evenly():
    found = fold_rows(IDS, folds=4, labels=KINDS)
    assert Counter(found.tolist()) == dict.fromkeys(range(4), 30)
    assert [sum(KINDS[row] == "rare" for row in np.flatnonzero(found == fold)) for fold in range(4)] == [5] * 4


def test_folds_of_time_follow_each_other():
    times = np.random.default_rng(0).permutation(len(IDS)) // 2  # two rows of each moment
    found = folds_of_time(IDS, times, folds=4)
    assert np.ptp(np.bincount(found)) <= 1
    assert all(times[found == fold].max() <= times[found == fold + 1].min() for fold in range(3))
    turned = folds_of_time(IDS[::-1], times[::-1], folds=4)
    assert np.array_equal(turned[::-1], found)


def test_groups_stay_whole_and_the_labels_even():
    found = fold_rows(IDS, folds=4, labels=KINDS, groups=GROUPS)
    assert all(len(set(found[5 * one : 5 * one + 5])) == 1 for one in range(24))
    assert min(Counter(found.tolist()).values()) >= 20
    assert {sum(KINDS[row] == "rare" for row in np.flatnonzero(found == fold)) for fold in range(4)} <= {4, 5, 6}


def test_rows_without_a_group_are_no_group_together():
    cells = ["a", None, "b", None, "a", ""]
    assert group_cells([1, 2.0, "x"]).tolist() == [1, 2.0, "x"]
    application = resolve_application(
        {"inputs": {"n": {"column": "n", "modality": "number"}}, "split": {"group": "who"}}
    )
    samples = SimpleNamespace(table=read_table([{"n": row, "who": cell} for row, cell in enumerate(cells)]))
    draft = Draft(application=application, pipeline=None, samples=samples, embeddings=None)
    assert len(set(draft.groups)) == 5  # a, b, and three rows alone
    for rows in resampled(6, groups=draft.groups, resamples=50):
        assert (rows == 0).sum() == (rows == 4).sum()
    drawn = [(rows == 1).sum() == (rows == 3).sum() for rows in resampled(6, groups=draft.groups, resamples=50)]
    assert not all(drawn)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_the_order_of_the_rows_does_not_matter_and_the_seed_does(groups):
    order = np.random.default_rng(0).permutation(120)
    found = fold_rows(IDS, folds=5, labels=KINDS, groups=groups, seed=3)
    mixed = fold_rows(
        [IDS[row] for row in order],
        folds=5,
        labels=[KINDS[row] for row in order],
        groups=None if groups is None else [groups[row] for row in order],
        seed=3,
    )
    assert (mixed == found[order]).all()
    assert (fold_rows(IDS, folds=5, labels=KINDS, groups=groups, seed=4) != found).any()


def test_numbers_are_spread_by_their_size():
    found = fold_rows(IDS, folds=3, labels=[float(number) for number in range(120)])
    means = [np.flatnonzero(found == fold).mean() for fold in range(3)]
    assert max(means) - min(means) < 6


def test_rare_labels_and_missing_cells_are_no_error():
    labels = ["only one", None, *KINDS[2:]]
    assert len(set(fold_rows(IDS, folds=5, labels=labels).tolist())) == 5
    assert sorted(fold_rows(IDS[:6], folds=4, labels=list("aabbcc")).tolist()) == [0, 0, 1, 1, 2, 3]
    lone = fold_rows(IDS, folds=5, labels=labels, groups=[None] * 120)
    assert max(Counter(lone.tolist()).values()) == 24


@pytest.mark.parametrize(("folds", "groups"), [(1, None), (121, None), (25, GROUPS)])
def test_folds_that_cannot_be_made_are_refused(folds, groups):
    with pytest.raises(DataError, match=f"cannot make {folds} folds of"):
        fold_rows(IDS, folds=folds, groups=groups)
