"""Histories: order, repeats, selection, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.errors import DataError
from mmsdk.tasks.ranking import Histories
from mmsdk.tasks.ranking.folds import inner_folds


def _histories(**more):
    users, items = np.array([1, 0, 1, 1]), np.array([2, 0, 3, 2])
    return Histories.of(users, items, n_users=3, n_items=5, **more)


def test_time_orders_and_a_repeat_keeps_its_latest_place_and_the_sum_of_its_weights():
    found = _histories(times=np.array([9.0, 0.0, 5.0, 1.0]), weights=np.array([1, 2, 3, 4]))
    assert found.of_user(1).tolist() == [3, 2]
    assert found.weights.tolist() == [2, 3, 5]
    assert found.rows.tolist() == [1, 2, 0]
    assert found.lengths.tolist() == [1, 2, 0]
    assert found.ordered


def test_without_times_the_order_is_that_of_the_rows():
    found = _histories()
    assert found.of_user(1).tolist() == [3, 2]
    assert not found.ordered


def test_selecting_and_keeping():
    found = _histories()
    again = found.select(np.array([2, 1, 0]))
    assert [again.of_user(place).tolist() for place in range(3)] == [[], [3, 2], [0]]
    fewer = found.kept(found.items != 3)
    assert [fewer.of_user(place).tolist() for place in range(3)] == [[0], [2], []]


def test_coefficients_have_length_one_and_halve_with_age():
    found = Histories.from_lists([[0, 1, 2], []], 4, ordered=True)
    row = found.coefficients(half_life=1.0).toarray()
    assert np.linalg.norm(row[0]) == pytest.approx(1)
    assert row[0, 2] / row[0, 1] == pytest.approx(2)
    assert row[0, 1] / row[0, 0] == pytest.approx(2)
    assert not row[1].any()


def test_weights_count_by_their_logarithm():
    found = Histories.of(np.zeros(2, int), np.array([0, 1]), n_users=1, n_items=2, weights=np.array([1.0, 7.0]))
    row = found.coefficients(weighted=True).toarray()[0]
    assert row[1] / row[0] == pytest.approx(3)
    assert len(set(found.coefficients(weighted=False).toarray()[0])) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": np.array([1, 0, 1, 1])}, "no number above 0"),
        ({"weights": np.array([1, 1])}, "differ in shape"),
        ({"times": np.array([1, np.nan, 1, 1])}, "time is missing"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(change, said):
    with pytest.raises(DataError, match=said):
        _histories(**change)


def test_positions_out_of_range_are_refused():
    with pytest.raises(DataError, match="item position"):
        Histories.of(np.array([0]), np.array([5]), n_users=1, n_items=5)
    with pytest.raises(DataError, match="user position"):
        Histories.of(np.array([2]), np.array([0]), n_users=1, n_items=5)


@pytest.fixture
def _nothing_new(monkeypatch):
    """No item loses all its pairs."""
    monkeypatch.setattr("mmsdk.tasks.ranking.folds.UNTOUCHED", (0.0, 0.0))


@pytest.mark.usefixtures("_nothing_new")
def test_leave_outs_without_times_hide_each_pair_once():
    histories = Histories.from_lists([list(range(10)), [3, 4], [7]], 12)
    hidden = []
    for fold in inner_folds(histories, seed=1):
        assert not (set(fold.targets.items.tolist()) - set(range(12)))
        assert (fold.histories.lengths > 0).all()
        kept = {(int(u), int(i)) for u, i in zip(fold.train.users, fold.train.items, strict=True)}
        hidden += [pair for pair in _pairs(histories) if pair not in kept]
    assert sorted(hidden) == sorted(pair for pair in _pairs(histories) if pair[0] != 2)


@pytest.mark.usefixtures("_nothing_new")
def test_leave_outs_with_times_hide_the_end_and_whatever_follows():
    histories = Histories.from_lists([list(range(16)), [3]], 16, ordered=True)
    first, second = inner_folds(histories)[:2]
    assert first.targets.of_user(0).tolist() == [14, 15]
    assert first.histories.of_user(0).tolist() == list(range(14))
    assert second.targets.of_user(0).tolist() == [12, 13]
    assert second.train.of_user(0).tolist() == list(range(12))
    assert second.train.of_user(1).tolist() == [3]


def _pairs(histories):
    return [(int(u), int(i)) for u, i in zip(histories.users, histories.items, strict=True)]
