"""Columns that say nothing, and rows that stand twice in a table."""

from __future__ import annotations

import pytest

from mmsdk.app.inspecting import inspect


def test_empty_columns_are_no_columns_that_say_the_same():
    rows = [{**row, "note": "", "country": "SE", "shop": "north"} for row in tickets(0)]
    told = [str(one) for one in inspect(rows, quiet=True).findings if one.code in {"empty", "constant"}]
    assert told == [
        "note: 1 column is empty (note)",
        "note: 2 columns say the same in every row (country, shop)",
    ]
    alone = inspect([{**row, "country": "SE"} for row in tickets(0)], quiet=True).findings
    assert "note: 1 column says the same in every row (country)" in list(map(str, alone))


def findings(rows):
    return [one for one in inspect(rows, quiet=True).findings if one.code == "repeated-rows"]


def tickets(repeated):
    """Return rows that are learned from as they say; the last ones repeat the first ones."""
    rows = [{"Ticket #": f"T-{n}", "size": n % 7 + 0.5, "label": "ab"[n % 2], "split": "train"} for n in range(60)]
    rows[1]["split"] = "test"
    return [*rows, *[dict(row) for row in rows[:repeated]]]


@pytest.mark.parametrize(
    ("repeated", "title", "detail"),
    [
        (1, "1 row repeats an earlier one in every column", "row 61 = row 1"),
        (3, "3 rows repeat an earlier one in every column", "row 61 = row 1, row 62 = row 2, row 63 = row 3"),
    ],
)
def test_rows_that_repeat_another_are_named(repeated, title, detail):
    (found,) = findings(tickets(repeated))
    assert (found.severity, found.title, found.detail) == ("note", title, detail)


def test_a_repeat_on_another_side_of_the_split_is_a_warning():
    rows = [{key: cell for key, cell in row.items() if key != "split"} for row in tickets(60)]
    (found,) = findings(rows)
    assert found.severity == "warning"
    assert "60 rows repeat an earlier one in every column; " in found.title
    assert "of them on another side of the split" in found.title


def test_rows_that_differ_in_one_column_are_no_repeats():
    rows = tickets(3)
    rows[60]["size"], rows[61]["Ticket #"], rows[62]["label"] = 99.5, "T-60", "a" if rows[62]["label"] == "b" else "b"
    assert findings(rows) == []
