"""What is said of bad rows: one sentence for all that read tables."""

from __future__ import annotations

import pytest

from mmsdk import Problem
from mmsdk.data.bad_rows import bad_rows, skipped_rows
from mmsdk.data.media import SKIP_BAD_ROWS

COUNTED = "(rows are counted without the header)"


def cells(column, *rows, drops_row=False):
    return [Problem(row=row, column=column, reason="is bad", drops_row=drops_row) for row in rows]


@pytest.mark.parametrize(
    ("problems", "skipping"),
    [
        (cells("price", 1, 2), "take bad cells as missing"),
        (
            [*cells("price", 1), *cells("sku", 2, drops_row=True)],
            "take bad cells as missing, and leave out rows without a sku of their own",
        ),
    ],
)
def test_the_headline_says_what_skipping_would_do(problems, skipping):
    assert bad_rows("a.csv", problems).endswith(f"; mend them, or use {SKIP_BAD_ROWS} to {skipping} {COUNTED}")
    assert bad_rows("a.csv", problems, "leave them out").endswith(f"use {SKIP_BAD_ROWS} to leave them out {COUNTED}")


def test_the_headline_counts_rows_and_names_the_columns_with_most():
    problems = [*cells("a", 1), *cells("b", 1, 2, 3), *(one for name in "cdefg" for one in cells(name, 3))]
    assert bad_rows("a.csv", problems).startswith("a.csv: 3 bad rows, in b (3), a (1), c (1), d (1), e (1), ...; ")
    assert bad_rows("a.csv", cells("a", 9)).startswith("a.csv: 1 bad row, in a (1); ")


def test_skipped_cells_and_rows_are_told_apart():
    missing, dropped = cells("价格", 1, 1, 2), cells("id", 4, 5, drops_row=True)
    assert skipped_rows(missing) == "3 bad cells in 2 rows taken as missing: 价格 (3)"
    assert skipped_rows(dropped) == "2 rows left out: id (2)"
    assert skipped_rows([*dropped[:1], *missing[:1]]) == (
        "1 bad cell in 1 row taken as missing: 价格 (1); 1 row left out: id (1)"
    )
