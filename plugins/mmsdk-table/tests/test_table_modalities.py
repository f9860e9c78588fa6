"""The modalities number, category, date and vector: every cell they take, every cell they refuse, and their guesses."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from mmsdk_table.modalities import Category, Date, Number, Vector


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *(("1234.5", 1234.5), (" -3 ", -3.0), ("1e6", 1e6), (7, 7.0), (2.5, 2.5), (None, None), (" ", None)),
        *((True, 1.0), ("true", 1.0), ("True", 1.0), (" FALSE ", 0.0), (False, 0.0)),
    ],
)
def test_number(cell, expected):
    assert Number().decode((cell,)) == expected


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1,234.5", "is not a plain number .'1,234.5'.; write 1234.5"),
        ("1,5", "is not a plain number"),
        ("1_000", "is not a number"),
        (
            "12 kg",
            "is not a number .'12 kg'.; strip the unit, the same in every row, or take modality",
        ),
        ("$5", "is not a number .'\\$5'.; strip the unit"),
        ("80%", "is not a number .'80%'.; strip the unit"),
        ("12 kg of salt and pepper", "is not a number .'12 kg of salt and pepper'.$"),
        ("nan", "is not a finite number .nan.; leave the cell empty"),
        (float("nan"), "is not a finite number"),
        ("inf", "is not a finite number"),
        ("-1e999", "is not a finite number"),
        (10**400, "is not a number"),
        ([1, 2], "is not a number"),
    ],
)
def test_number_refuses(cell, reason):
    with pytest.raises(ValueError, match=reason):
        Number().decode((cell,))


@pytest.mark.parametrize("modality", [Number(), Category(), Date()])
def test_one_column_only(modality):
    with pytest.raises(ValueError, match="takes one column, got 2; make an input of each"):
        modality.decode(("1", "2"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(" red ", "red"), (3, "3"), (3.0, "3"), (2.5, "2.5"), (False, "False"), ("", None), (None, None), (np.nan, None)],
)
def test_category(cell, expected):
    assert Category().decode((cell,)) == expected


def test_category_refuses_lists_and_essays():
    with pytest.raises(ValueError, match="holds several values"):
        Category().decode((["a", "b"],))
    with pytest.raises(ValueError, match="holds 1,001 characters, where a category may hold 1,000"):
        Category().decode(("x" * 1001,))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-01-31", dt.datetime(2024, 1, 31)),
        ("2024-01-31T10:30", dt.datetime(2024, 1, 31, 10, 30)),
        ("2024-01-31 10:30:05.25", dt.datetime(2024, 1, 31, 10, 30, 5, 250_000)),
        ("2024-01-31T10:30:00+08:00", dt.datetime(2024, 1, 31, 10, 30)),
        ("2024-01-31T10:30:00Z", dt.datetime(2024, 1, 31, 10, 30)),
        (dt.date(2024, 1, 31), dt.datetime(2024, 1, 31)),
        (dt.datetime(2024, 1, 31, 10, tzinfo=dt.UTC), dt.datetime(2024, 1, 31, 10)),
        (None, None),
        ("", None),
    ],
)
def test_date(cell, expected):
    assert Date().decode((cell,)) == expected


@pytest.mark.parametrize("cell", ["[true, 2, 0]", ["true", "2", "False"], [True, 2, False]])
def test_vector_takes_true_and_false_in_every_spelling(cell):
    np.testing.assert_array_equal(Vector().decode((cell,)), [1, 2, 0])
    np.testing.assert_array_equal(Vector().decode(("True", 2, False)), [1, 2, 0])


def test_true_and_false_are_guessed_to_be_a_category():
    for values in ([True, False] * 3, ["true", "false"] * 3):
        assert Category().guess(values) > Number().guess(values)


def test_date_takes_pandas_moments():
    pandas = pytest.importorskip("pandas")
    assert Date().decode((pandas.Timestamp("2024-01-31 10:00"),)) == dt.datetime(2024, 1, 31, 10)
    assert Date().decode((pandas.NaT,)) is None


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("31/01/2024", "day or month first is not told from the digits; write 2025-12-11"),
        ("11-12-25 10:05", "day or month first is not told"),
        ("2024-13-01", "is not a date such as 2026-11-26"),
        (1706659200, "is a int, not a date"),
    ],
)
def test_date_refuses(cell, reason):
    with pytest.raises(ValueError, match=reason):
        Date().decode((cell,))


@pytest.mark.parametrize(
    "cell",
    [
        ([1, 2.5, -3],),
        ("[1, 2.5, -3]",),
        ("[1.  2.5 -3. ]",),
        (" 1 2.5  -3 ",),
        (np.array([1, 2.5, -3]),),
        ("1", 2.5, "-3"),
    ],
)
def test_vector(cell):
    vector = Vector().decode(cell)
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, [1, 2.5, -3])


def test_vector_missing():
    assert Vector().decode((None,)) is None
    assert Vector().decode(("",)) is None
    assert Vector().decode((None, "", None)) is None


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ((1, None, 3), "element 2 of 3 is empty"),
        (([1, None],), "element 2 of 2 is empty"),
        (("1 x 3",), "element 2 of 3 is not a number .'x'."),
        (("[1, nan]",), "element 2 of 2 is not a finite number"),
        (([1, 1e39],), "element 2 of 2 is too large for float32"),
        (([[1, 2], [3, 4]],), "element 1 of 2 is not a number"),
        (([],), "holds an empty list"),
        (("[]",), "holds an empty list"),
        (("1,5 2,5",), "element 1 of 2 is not a plain number"),
    ],
)
def test_vector_refuses(cell, reason):
    with pytest.raises(ValueError, match=reason):
        Vector().decode(cell)


@pytest.mark.parametrize(
    ("values", "winner"),
    [
        ([str(value) for value in np.linspace(1, 99, 50)], Number),
        (["red", "blue"] * 25, Category),
        ([0, 1, 1, 0, 1] * 10, Category),
        ([f"2024-01-{day:02}" for day in range(1, 29)], Date),
        (["[0.1, 0.2]", "[0.3, 0.4]"], Vector),
        ([[0.1, 0.2], [0.3, 0.4]], Vector),
    ],
)
def test_guess(values, winner):
    scores = {modality: modality().guess(values) for modality in (Number, Category, Date, Vector)}
    assert max(scores, key=scores.get) is winner
    assert all(0 <= score <= 1 for score in scores.values())
