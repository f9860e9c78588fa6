"""Splits: shares, groups that never straddle, time, and the same draw whatever the order of the rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mmsdk.config import SplitConfig
from mmsdk.data import read_table, split_rows
from mmsdk.errors import DataError


def parts_of(rows, *, target=None, **config) -> dict[str, str]:
    """Return id -> part."""
    ids = [row["id"] for row in rows]
    parts, problems = split_rows(read_table(rows), SplitConfig(**config), ids=ids, target=target)
    assert problems == []
    return dict(zip(ids, parts, strict=True))


def rows_of(count, **columns):
    return [{"id": f"r{n}", **{name: make(n) for name, make in columns.items()}} for n in range(count)]


def test_random_parts_have_their_shares():
    counts = Counter(parts_of(rows_of(1000)).values())
    assert counts == {"train": 700, "val": 100, "test": 200}
    counts = Counter(parts_of(rows_of(1000), validation=0.25, test=0.5).values())
    assert counts == {"train": 250, "val": 250, "test": 500}


def test_the_draw_depends_on_ids_and_seed_and_not_on_the_order():
    rows = rows_of(200, kind=lambda n: n % 7, maker=lambda n: n // 5)
    turned = list(np.array(rows, dtype=object)[np.random.default_rng(0).permutation(len(rows))])
    for config in ({}, {"seed": 3}, {"group": "maker"}, {"target": "kind"}):
        assert parts_of(rows, **config) == parts_of(turned, **config)
    assert parts_of(rows) != parts_of(rows, seed=1)
    assert parts_of(rows, group="maker") != parts_of(rows, group="maker", seed=1)


def test_classes_keep_their_shares_and_a_single_row_trains():
    rows = rows_of(1000, kind=lambda n: "common" if n < 900 else "rare" if n < 999 else "once")
    parts = parts_of(rows, target="kind")
    by_class = Counter((row["kind"], parts[row["id"]]) for row in rows)
    assert by_class["common", "test"] == pytest.approx(180, abs=1)
    assert by_class["rare", "test"] == pytest.approx(20, abs=1)
    assert by_class["rare", "val"] == pytest.approx(10, abs=1)
    assert by_class["once", "train"] == 1


def test_every_class_trains_and_many_small_ones_still_give_their_share():
    rows = rows_of(400, kind=lambda n: n // 2)
    parts = parts_of(rows, target="kind")
    assert {row["kind"] for row in rows if parts[row["id"]] == "train"} == set(range(200))
    assert 50 <= sum(part == "test" for part in parts.values()) <= 110


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_few_rows_give_every_part_one(count):
    assert set(parts_of(rows_of(count)).values()) == {"train", "val", "test"}
    assert set(parts_of(rows_of(count, kind=lambda n: n), target="kind").values()) == {"train", "val", "test"}
    assert set(parts_of(rows_of(count, t=lambda n: n), time="t").values()) == {"train", "val", "test"}


def test_one_or_two_rows_leave_one_to_train():
    assert set(parts_of(rows_of(1)).values()) == {"train"}
    assert "train" in parts_of(rows_of(2)).values()


def test_a_share_of_nothing_is_nothing():
    assert set(parts_of(rows_of(10), validation=0.0, test=0.0).values()) == {"train"}
    assert set(parts_of(rows_of(10), test=0.0).values()) == {"train", "val"}


def test_groups_never_straddle_and_come_near_the_shares():
    rows = rows_of(1000, maker=lambda n: f"m{n % 40}")
    parts = parts_of(rows, group="maker")
    seen: dict[str, set[str]] = {}
    for row in rows:
        seen.setdefault(row["maker"], set()).add(parts[row["id"]])
    assert all(len(found) == 1 for found in seen.values())
    assert Counter(parts.values()) == {"train": 700, "test": 200, "val": 100}


def test_a_row_without_a_group_is_one_of_its_own():
    rows = rows_of(100, maker=lambda n: None)
    assert Counter(parts_of(rows, group="maker").values())["test"] == 20


def test_one_large_group_still_leaves_rows_to_train_on_and_to_score():
    rows = rows_of(100, maker=lambda n: "big" if n < 90 else f"m{n}")
    counts = Counter(parts_of(rows, group="maker").values())
    assert set(counts) == {"train", "val", "test"}
    assert counts["train"] >= 80


def test_two_groups_leave_one_to_train_whatever_the_shares():
    rows = rows_of(100, maker=lambda n: n % 2)
    for config in ({}, {"test": 0.5, "validation": 0.49}, {"test": 0.0, "validation": 0.9}):
        parts = parts_of(rows, group="maker", **config)
        assert len(set(parts.values())) == 2
        assert "train" in parts.values()


def test_three_groups_give_each_part_one_and_one_group_cannot_be_split():
    rows = rows_of(9, maker=lambda n: n % 3)
    assert set(parts_of(rows, group="maker").values()) == {"train", "val", "test"}
    with pytest.raises(DataError, match="holds one group only"):
        parts_of(rows_of(5, maker=lambda n: "a"), group="maker")
    assert set(parts_of(rows_of(5, maker=lambda n: "a"), group="maker", test=0.0, validation=0.0).values()) == {"train"}


def test_by_time_the_oldest_train_and_the_newest_are_the_test():
    rows = rows_of(100, t=lambda n: f"2024-01-01T{n // 60:02}:{n % 60:02}")
    parts = list(parts_of(rows, time="t").values())
    assert parts == ["train"] * 70 + ["val"] * 10 + ["test"] * 20


def test_times_may_be_numbers_and_zones_count():
    rows = [
        {"id": "a", "t": "2024-01-01T01:00+02:00"},
        {"id": "b", "t": "2024-01-01"},
        {"id": "c", "t": "2024-01-01T01:00Z"},
    ]
    assert list(parts_of(rows, time="t", validation=0.3, test=0.3).values()) == ["train", "val", "test"]
    rows = rows_of(3, t=lambda n: str(-n))
    assert list(parts_of(rows, time="t", validation=0.3, test=0.3).values()) == ["test", "val", "train"]


def test_a_row_without_a_time_is_a_problem_and_in_no_part():
    rows = [{"id": "a", "t": "2024-01-01"}, {"id": "b", "t": "soon"}, {"id": "c", "t": None}, {"id": "d", "t": "inf"}]
    parts, problems = split_rows(read_table(rows), SplitConfig(time="t"), ids=list("abcd"))
    assert parts.tolist() == ["train", "", "", ""]
    assert [(p.row, p.column, p.value) for p in problems] == [(1, "t", "soon"), (2, "t", None), (3, "t", "inf")]


def test_a_column_names_the_parts():
    words = ["train", "Val", "validation", " test ", None]
    rows = [{"id": str(n), "part": word} for n, word in enumerate(words)]
    assert list(parts_of(rows, column="part").values()) == ["train", "val", "val", "test", ""]


def test_a_column_that_lets_groups_straddle_is_refused():
    rows = [
        {"id": "a", "part": "train", "maker": "x"},
        {"id": "b", "part": "test", "maker": "x"},
        {"id": "c", "part": "test", "maker": "y"},
    ]
    with pytest.raises(DataError, match="column 'maker', 'x': stands in test and train"):
        parts_of(rows, column="part", group="maker")
    assert parts_of(rows[1:], column="part", group="maker") == {"b": "test", "c": "test"}
