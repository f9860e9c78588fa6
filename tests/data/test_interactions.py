"""Interactions: pairs and sets, and every row that does not fit."""

from __future__ import annotations

import pytest

from mmsdk.config import InteractionsConfig
from mmsdk.data import Policy, read_interactions
from mmsdk.errors import DataError

ITEMS = ("007", "008", "009")


def read(tmp_path, text, items=ITEMS, policy=None, **config):
    (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
    settings = InteractionsConfig(**{"file": "orders.csv", "user": "user", "item": "item", **config})
    return read_interactions(settings, items, root=tmp_path, policy=policy)


def problems_of(*arguments, **named) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(*arguments, **named)
    return [str(problem) for problem in caught.value.problems]


def test_pairs_are_positions_and_users_are_sorted(tmp_path):
    found = read(tmp_path, "user,item\nz,009\na,007\nz,007\n")
    assert found.user_ids == ("a", "z")
    assert found.users.tolist() == [1, 0, 1]
    assert found.items.tolist() == [2, 0, 0]
    assert found.weights.tolist() == [1.0, 1.0, 1.0]
    assert (found.times, found.split, found.said, found.problems) == (None, None, None, ())


def test_repeats_are_summed_and_the_latest_counts(tmp_path):
    text = "user,item,when,n,words\na,007,2024-01-02,2,later\na,007,2024-01-01,3,early\na,008,5,1,\n"
    found = read(tmp_path, text, time="when", weight="n", said="words")
    assert len(found) == 2
    assert found.weights.tolist() == [5.0, 1.0]
    assert found.times is not None
    assert found.times.tolist() == [1704153600.0, 5.0]
    assert found.said == ("later", None)


def test_a_pair_in_two_parts_stays_two(tmp_path):
    found = read(tmp_path, "user,item,part\na,007,train\na,007,test\na,008,validation\n", split="part")
    assert found.split is not None
    assert found.split.tolist() == ["train", "test", "val"]


def test_sets_stand_in_one_cell(tmp_path):
    found = read(tmp_path, "user,item\nb1,007 | 009|\nb2,008\nb3,|\n", separator="|")
    assert list(zip(found.users, found.items, strict=True)) == [(0, 0), (0, 2), (1, 1)]
    assert read(tmp_path, "user,item\nb1,a|b\n", items=("a|b",)).items.tolist() == [0]


def test_lists_of_json_are_sets_and_numbers_are_ids(tmp_path):
    (tmp_path / "orders.jsonl").write_text('{"user": 1, "item": [7, 8]}\n{"user": 2, "item": [8]}\n')
    config = InteractionsConfig(file=str(tmp_path / "orders.jsonl"), user="user", item="item")
    found = read_interactions(config, ("7", "8"))
    assert found.user_ids == ("1", "2")
    assert found.items.tolist() == [0, 1, 1]


def test_every_bad_row_is_named(tmp_path):
    text = "user,item,when,n,part\na,070,1,1,train\n,007,soon,1,dev\na,,1,x,test\na,008,nan,-1,test\na,009,1,0,\n"
    found = problems_of(tmp_path, text, time="when", weight="n", split="part")
    assert found == [
        "row 1, column 'item', '070': is no id of the item table",
        "row 2, column 'when', 'soon': is not a moment in time; write it as 2024-01-31T10:00 or as a number",
        "row 2, column 'part', 'dev': is no part of a split; "
        "expected train, val (or validation), test, or an empty cell",
        "row 2, column 'user': is empty, but every row needs a user",
        "row 3, column 'n', 'x': is no number above 0",
        "row 3, column 'item': is empty, but every row needs an item",
        "row 4, column 'when', 'nan': is not a moment in time",
        "row 4, column 'n', '-1': is no number above 0",
        "row 5, column 'n', '0': is no number above 0",
    ]


def test_a_rare_problem_is_not_hidden_behind_many_of_another_kind(tmp_path):
    rows = [f"u{n},007,{n % 9 + 1}/{n % 8 + 1}/2025" for n in range(400)]
    text = "\n".join(["user,item,when", *rows, "u,99999,2025-02-01", "u,99998,2025-02-01", ",007,2025-02-01", ""])
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, time="when")
    assert str(caught.value).splitlines()[1:] == [
        "  row 1, column 'when', '1/1/2025': day or month first is not told from the digits; write 2025-12-11 "
        "(399 more like it)",
        "  row 401, column 'item', '99999': is no id of the item table (1 more like it)",
        "  row 403, column 'user': is empty, but every row needs a user",
    ]
    assert len(caught.value.problems) == 403


def test_skipping_leaves_bad_rows_out_and_counts_them(tmp_path):
    policy = Policy(on_bad_row="skip")
    found = read(tmp_path, "user,item\na,007|070\n,008\nb,008\n", separator="|", policy=policy)
    assert found.items.tolist() == [0, 1]
    assert [(problem.row, problem.value) for problem in found.problems] == [(1, "070"), (2, None)]


def test_nothing_usable_is_an_error_even_when_skipping(tmp_path):
    with pytest.raises(DataError, match="holds no usable interactions"):
        read(tmp_path, "user,item\na,070\n", policy=Policy(on_bad_row="skip"))


def test_missing_columns_are_named_at_once(tmp_path):
    found = problems_of(tmp_path, "usr,item\na,007\n", time="when")
    assert found == ["column 'user': no such column. Did you mean 'usr'?", "column 'when': no such column."]


def test_a_file_that_is_not_there_is_said(tmp_path):
    config = InteractionsConfig(file="absent.csv", user="u", item="i")
    with pytest.raises(DataError, match="no such file"):
        read_interactions(config, ITEMS, root=tmp_path)
