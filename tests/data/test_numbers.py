"""Cells as numbers: what is read, in which unit of a column, and what is not guessed at."""

import pyarrow as pa
import pytest

from mmsdk import column_numbers, number_of, read_table
from mmsdk.data.numbers import units_of, unreadable, without_units


def column(*cells):
    """Return cells as a table holds them."""
    return pa.chunked_array([pa.array(cells, pa.large_string() if isinstance(cells[0], str) else None)])


@pytest.mark.parametrize(
    ("cell", "number"),
    [("１２．５", 12.5), ("−3", -3), ("＋5", 5), ("1e6", 1e6), (" 7 ", 7), (".5", 0.5), (3, 3), (True, 1)],
)
def test_a_number_of_any_width_is_one(cell, number):
    assert number_of(cell) == number


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("3.5万", "write it out in full, without '万'"),
        ("15k", "write it out in full, without 'k'"),
        ("120/80", "it holds two numbers: make a column of each"),
        ("300g", "strip the unit, the same in every row"),
        ("￥399", "strip the unit, the same in every row"),
        ("1,119", "write 1234.5"),
        ("１，１１９", "write 1234.5"),
        ("10²", r"is not a number \('10²'\)$"),
        ("½", "is not a number"),
        ("1 234", "is not a number"),
        ("1_000", "is not a number"),
        ("0x10", "is not a number"),
        ("1.wav", r"is not a number \('1.wav'\)$"),
        ("inf", "is not a finite number"),
        (None, "is not a number"),
    ],
)
def test_what_is_no_plain_number_is_refused_with_what_to_do(cell, why):
    with pytest.raises(ValueError, match=why):
        number_of(cell)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("￥1136", "¥311", "399"), ["1136", "311", "399"]),
        (("12元", "￥3", "CNY 4", "￥5元"), ["12", "3", "4", "5"]),
        (("$5", "-$6.50", "USD 7"), ["5", "-6.50", "7"]),
        (("5 €", "EUR 6", "€7"), ["5", "6", "7"]),
        (("94", "99%", "９８％"), ["94", "99", "98"]),
        (("36.5℃", "36.6°C", "36.7 oC", "37"), ["36.5", "36.6", "36.7", "37"]),
        (("59岁", "60周岁", "61"), ["59", "60", "61"]),
        (("300g", "250 g", "２００ｇ"), ["300", "250", "200"]),
        (("72次/分", "80次/分"), ["72", "80"]),
        (("89㎡", "90m²", "91m2"), ["89", "90", "91"]),
        (("１２．５", "3", "未测", ""), ["12.5", "3", "未测", ""]),
        (("¥1,136.50", "￥2"), ["1,136.50", "2"]),
        (("-", "1.5℃", "2.5℃"), ["-", "1.5", "2.5"]),
    ],
)
def test_a_sign_or_one_unit_all_over_a_column_is_read(cells, numbers):
    found = column(*cells)
    assert without_units(found, units_of(found))[0].to_pylist() == numbers


@pytest.mark.parametrize(
    "cells",
    [
        ("300g", "1kg"),
        ("300g", "300"),
        ("5%", "0.05"),
        ("5%", "1"),
        ("￥5", "$6"),
        ("￥5元", "6円"),
        ("36.5℃", "97.7°F"),
        ("3.5万", "1.2万"),
        ("120/80", "110/70"),
        ("7天", "很快", "还行"),
        ("00001号", "00002号"),
        ("1.wav", "2.wav"),
        ("a", "b"),
        ("", ""),
    ],
)
def test_what_is_not_certain_of_a_column_is_left_as_it_stands(cells):
    assert units_of(column(*cells)) == ()


def test_numbers_without_a_unit_may_have_one_that_fits_their_size():
    assert units_of(column("94", "99")) == ("", "%", "岁")
    assert units_of(column(36.5, float("nan"), 38.2)) == ("", "%", "°C", "岁")
    assert units_of(column("0.94", "0.99")) == ("", "°C", "岁")
    assert units_of(column("1200", "-70")) == ("",)


def test_use_reads_a_column_as_training_had_it():
    plain, wrong, taken = without_units(column("36.5", "34℃", "97F", "无"), ("°C", ""))
    assert plain.to_pylist() == ["36.5", "34", "97F", "无"]
    assert wrong == {"97F": "has the unit 'F', where training had '°C'; write it as training had it"}
    assert taken == {}
    plain, wrong, taken = without_units(column("80%", "￥5"), ("", "%"))
    assert (plain.to_pylist(), list(wrong), taken) == (["80", "￥5"], ["￥5"], {"80%": "80"})
    for share in ("0.8", 0.8):
        assert "may be 0.8 % or 80 %" in without_units(column(share), ("%", ""))[1]["0.8"]


@pytest.mark.parametrize("cells", [("1", "2.5", ""), ("1,119.60", "2"), ("￥1,119.60", "2"), ("120/80", "1")])
def test_few_rows_are_read_as_many(cells):
    few, many = ([{"x": cell} for cell in cells * times] for times in (1, 50))
    one, other = (read_table(rows).cells("x") for rows in (few, many))
    assert one * 50 == other
    units = units_of(column(*cells))
    assert units_of(column(*cells * 50)) == units
    if units:
        assert without_units(column(*cells), units)[0].to_pylist() * 50 == (
            without_units(column(*cells * 50), units)[0].to_pylist()
        )
    assert unreadable(column(*cells)) == unreadable(column(*cells * 50))


def test_words_are_no_broken_numbers():
    cells = ("1", "未测", "120/80", "-", "", "<0.1", ">1000", "80mmHg", "3.5万", "1,119", "2026-11-26")
    assert list(unreadable(column(*cells))) == ["120/80", "80mmHg", "3.5万", "1,119"]


def test_the_numbers_of_cells():
    assert column_numbers(["59岁", None, "60", "不详", ""]) == [59, 60]
    assert column_numbers([1, 2.5, None]) == [1, 2.5]
    assert column_numbers(["300g", "1kg"]) == []
