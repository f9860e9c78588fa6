"""Cells that a fit would refuse are found by inspect, and before anything is encoded."""

import pytest
from shop_data import write_csv

import mmsdk


@pytest.fixture
def table(tmp_path):
    """Return a table of prices and days, of which one each cannot be read."""
    rows = [
        {
            "id": f"a{n}",
            "price": "缺货" if n == 50 else f"{(n * 7 % 50) * 1.5}",
            "made": "soon" if n == 51 else f"2026-01-{1 + n % 28:02d}T1{n % 10}:00",
            "label": "ab"[n % 2],
        }
        for n in range(60)
    ]
    return write_csv(tmp_path / "rows.csv", rows)


def test_inspect_finds_what_a_fit_refuses(table):
    found = mmsdk.inspect(table)
    assert {name: one["modality"] for name, one in found.application["inputs"].items()} == {
        "price": "number",
        "made": "date",
    }
    (broken,) = [one for one in found.findings if one.code == "broken"]
    assert broken.title == "2 bad cells in 2 rows taken as missing: price (1), made (1)"
    with pytest.raises(mmsdk.DataError, match=r"2 bad rows, in price \(1\), made \(1\)"):
        mmsdk.fit(found.application, table, quiet=True)


def test_what_is_told_at_the_door_is_not_told_again(table, capsys):
    mmsdk.fit(mmsdk.inspect(table).application, table, on_bad_row="skip")
    assert capsys.readouterr().err.count("2 bad cells in 2 rows taken as missing: price (1), made (1)") == 1
