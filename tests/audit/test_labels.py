"""Columns that give the answer away, and those that only look like it."""

from __future__ import annotations

from mmsdk.audit import label_leaks
from mmsdk.data import read_table


def rows(**cells):
    return read_table([dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)])


def test_a_column_that_tells_the_label_is_named_and_one_that_does_not_is_not():
    kinds = ["lamp", "vase"] * 20
    table = rows(
        kind=kinds, code=["L1", "V7"] * 20, title=[f"a {kind} of oak" for kind in kinds], price=list(range(40))
    )
    assert [name for name, _ in label_leaks(table, "kind")] == ["code", "title"]


def test_without_a_label_or_with_one_for_all_there_is_nothing_to_give_away():
    assert list(label_leaks(rows(kind=[None, None, ""], code=[1, 1, 2]), "kind")) == []
    assert list(label_leaks(rows(kind=["x"] * 60, code=["c"] * 60), "kind")) == []
