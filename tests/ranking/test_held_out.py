"""Who is asked for what: the split that is given, the latest fifth, a fifth by chance, one moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmsdk.data.interactions import Interactions
from mmsdk.errors import DataError
from mmsdk.evaluate.ranking import held_out, leave_out, over_time


def _interactions(lists, **more):
    users = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    return Interactions(
        users=users,
        items=np.concatenate(lists).astype(np.int64),
        user_ids=tuple(f"u{user}" for user in range(len(lists))),
        weights=np.ones(len(users), np.float32),
        **more,
    )


def test_a_split_is_honoured():
    parts = np.array(["train", "val", "test", "train", "val"], object)
    pairs = _interactions([[0, 1, 2], [3, 4]], split=parts)
    held = leave_out(pairs, 5)
    assert held.part == "test"
    assert held.users.tolist() == [0]
    assert (held.histories.of_user(0).tolist(), held.targets.of_user(0).tolist()) == ([0], [2])
    assert sorted(held.train.items.tolist()) == [0, 3]
    held = leave_out(replace(pairs, split=np.array(["train", "val", "val", "val", "val"], object)), 5)
    assert held.part == "val"
    assert held.targets.of_user(0).tolist() == [1, 2]
    assert held.unscored == 1
    assert held.cold.tolist() == [False, True, True, True, True]


def test_an_item_the_user_had_before_is_not_asked_for():
    parts = np.array(["train", "test", "test"], object)
    held = leave_out(_interactions([[0, 0, 1]], split=parts), 3)
    assert held.targets.of_user(0).tolist() == [1]
    assert held.repeats == 1


def test_without_a_split_the_latest_fifth_is_hidden():
    times = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 5.0])
    held = leave_out(_interactions([list(range(10)), [3]], times=times), 10)
    assert held.targets.of_user(0).tolist() == [1, 0]
    assert held.users.tolist() == [0]
    assert held.train.of_user(1).tolist() == [3]


def test_without_times_a_fifth_by_chance():
    pairs = _interactions([list(range(10)), [3, 4]])
    first, again, other = leave_out(pairs, 10), leave_out(pairs, 10), leave_out(pairs, 10, seed=5)
    assert first.targets.lengths.tolist() == [2, 1]
    assert first.targets.items.tolist() == again.targets.items.tolist()
    assert first.targets.items.tolist() != other.targets.items.tolist()


def test_one_moment_divides_everybody():
    times = np.array([0, 1, 2, 9, 3, 4, 8, 7, 9, 5.0])
    pairs = _interactions([[0, 1, 2, 3], [0, 1, 4], [0, 2, 3]], times=times)
    held = over_time(pairs, 5)
    assert held is not None
    assert held.users.tolist() == [0, 2]
    assert [held.targets.of_user(place).tolist() for place in (0, 1)] == [[3], [2]]
    assert max(times[held.train.rows]) < min(times[held.targets.rows])
    assert over_time(_interactions([[0, 1]]), 5) is None
    assert over_time(_interactions([[0], [1]], times=np.array([0.0, 1.0])), 5) is None


def test_more_users_than_are_needed_are_drawn(monkeypatch):
    monkeypatch.setattr(held_out, "MAX_USERS", 3)
    held = leave_out(_interactions([[0, 1]] * 9), 4)
    assert (len(held.users), held.sampled) == (3, 9)
    assert len(held.train) == 9


def test_nobody_to_score_is_said():
    with pytest.raises(DataError, match="nobody can be scored"):
        leave_out(_interactions([[0], [1]]), 3)
    with pytest.raises(DataError, match="nobody can be scored"):
        leave_out(_interactions([[0, 1]], split=np.array(["train", "train"], object)), 3)
