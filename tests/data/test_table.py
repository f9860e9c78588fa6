"""Tables of every kind, and the sentence for each way in which one cannot be read."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmsdk.data import Table, let_go, read_table, reading_once, resolve_media, sources
from mmsdk.data.table import plain_id
from mmsdk.errors import DataError

ROWS = [{"id": "007", "price": 1.5, "tags": ["a", "b"]}, {"id": "008", "price": None, "tags": None}]


def written(tmp_path, data: bytes | str, name="t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def error_of(source) -> str:
    with pytest.raises(DataError) as caught:
        read_table(source)
    return str(caught.value)


def test_csv_cells_stay_text_and_empty_ones_are_missing(shop):
    table = read_table(shop / "products.csv")
    assert len(table) == 4
    assert table.names == ("sku", "image", "title", "price", "kind")
    assert table.cells("sku") == ["007", "008", "009", "010"]
    assert table.cells("title") == ["red lamp", None, "blue\nlamp", "green chair"]
    assert table.cells("price") == ["12.5", "3", None, "4"]
    assert table.present("price").tolist() == [True, True, False, True]
    assert table.root == shop


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("a,b\n1,x y\n", "t.csv"),
        ("a;b\n1;x y\n", "t.csv"),
        ("a\tb\n1\tx y\n", "t.csv"),
        ("a|b\r\n1|x y\r\n", "t.csv"),
        ("a\tb\n1\tx y\n", "t.tsv"),
        ("\ufeffa,b\n1,x y\n", "t.csv"),
        ('"a","b"\n"1","x y"', "t.CSV"),
        ("\n\na,b\n\n1,x y\n\n", "t.csv"),
    ],
)
def test_delimiters_marks_and_line_ends(tmp_path, data, name):
    table = read_table(written(tmp_path, data, name))
    assert table.columns.to_pydict() == {"a": ["1"], "b": ["x y"]}


def test_a_delimiter_inside_quotes_of_the_header_does_not_count(tmp_path):
    assert read_table(written(tmp_path, '"a;b;c",d\n1,2\n')).names == ("a;b;c", "d")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["36,9", " 37,5", "38", "", "-0,25", "1,5e3"], ["36.9", "37.5", "38", None, "-0.25", "1.5e3"]),
        (["36,9"] * 40 + ["hoch"], ["36.9"] * 40 + ["hoch"]),  # what is no number stays, to be named as such
        (["3,5,7", "3,5", "9"], ["3,5,7", "3,5", "9"]),  # ids in a cell
        (["ja, 3", "nein"], ["ja, 3", "nein"]),
        (["36.9", "37"], ["36.9", "37"]),
        (["1.119,60", "484,69", "3"], ["1119.60", "484.69", "3"]),
    ],
)
def test_decimal_commas_between_semicolons_are_points(tmp_path, cells, expected):
    found = read_table(written(tmp_path, "id;t\n" + "".join(f"{n};{cell}\n" for n, cell in enumerate(cells))))
    assert [cell if cell is None else str(cell) for cell in found.cells("t")] == expected


def test_between_other_separators_a_comma_is_what_it_is(tmp_path):
    assert list(read_table(written(tmp_path, 'id,t\n1,"36,9"\n2,"37,1"\n')).cells("t")) == ["36,9", "37,1"]
    assert list(read_table(written(tmp_path, "id\tt\n1\t36,9\n", "t.tsv")).cells("t")) == ["36,9"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,119.60", "484.69", "", "7"], ["1119.60", "484.69", None, "7"]),
        (["1.119,60", "484,69", "-7"], ["1119.60", "484.69", "-7"]),
        (["1,250,000", "980,000"], ["1250000", "980000"]),
        (["1.250.000", "980.000"], ["1250000", "980000"]),
        (["1,119", "2,500"], ["1,119", "2,500"]),  # may have three decimals
        (["101,102,103", "101,104"], ["101,102,103", "101,104"]),  # tags
        (["12.345.678", "12.345.679", ""], ["12.345.678", "12.345.679", None]),  # codes
        (["1,119.60", "12,50.3"], ["1,119.60", "12,50.3"]),
        (["1,119.60", "1.119,60"], ["1,119.60", "1.119,60"]),
        (["1,119.60", "on request"], ["1,119.60", "on request"]),
        (["1,119.60", "n/a", "484.69"], ["1119.60", "n/a", "484.69"]),  # which stays what it is: a cell to mend
        (["1.119,60", "NULL", "k. A.", "–"], ["1119.60", "NULL", "k. A.", "–"]),
        (["12,345,678", "23,456,789", "N/A"], ["12,345,678", "23,456,789", "N/A"]),  # codes still, all of one form
        (["0,119.60", "1.5"], ["0,119.60", "1.5"]),
    ],
)
@pytest.mark.parametrize("separator", ["|", "\t", None])
def test_thousands_are_read_where_they_can_be_nothing_else(tmp_path, cells, expected, separator):
    lines = "".join(f"{n}{separator}{cell}\n" for n, cell in enumerate(cells))
    rows = [{"id": str(n), "t": cell} for n, cell in enumerate(cells)]
    text = f"id{separator}t\n{lines}"
    found = read_table(
        rows if separator is None else written(tmp_path, text, "t.tsv" if separator == "\t" else "t.csv")
    )
    assert list(found.cells("t")) == expected


def test_thousands_are_numbers_to_filters_and_read_once(tmp_path):
    found = read_table([{"price": "1.119,60"}, {"price": "119,605"}])
    assert [row["price"] for row in found.records()] == [1119.6, 119.605]
    assert found.with_points({"price": False}).cells("price") == ["1.119,60", "119,605"]
    alone = read_table([{"price": "119,605"}]).with_points({"price": "."})
    assert alone.cells("price") == alone.with_points({"price": "."}).cells("price") == ["119.605"]


def test_utf_16_with_its_mark_is_read(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1,ü\n".encode("utf-16"))).cells("b") == ["ü"]


def test_a_cell_of_a_million_characters_and_one_longer_than_a_block(tmp_path):
    long = "x" * 20_000_000
    table = read_table(written(tmp_path, f"a,b\n1,{long[:1_000_000]}\n2,{long}\n"))
    assert [len(cell) for cell in table.cells("b")] == [1_000_000, 20_000_000]


def test_odd_characters_are_kept(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1,x\x00y\n2,\x07\n")).cells("b") == ["x\x00y", "\x07"]


def test_rows_that_do_not_fit_are_named_all_of_them(tmp_path):
    message = error_of(written(tmp_path, 'a,b\n1,2\n3\n\n"l\nm",5\n4,5,6\n"open'))
    assert "rows that do not fit its header of 2 columns" in message
    assert "row 2, '3': has 1 cell where the header has 2" in message
    assert "row 4, '4,5,6': has 3 cells where the header has 2" in message
    assert "is a quote left open?" in message


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; expected a header and rows"),
        (b" \n\n", "is empty; expected a header and rows"),
        (b"a,b\n", "holds no rows below its header (a, b)"),
        (b"a,a\n1,2\n", "several columns named 'a'"),
        (b"a,b\n1,2\n3,caf\xe9\n", "is not UTF-8 text: line 3 holds the byte 0xe9; save it as UTF-8"),
        (b"a,b\n3,caf\xc3", "is not UTF-8 text: line 2 holds the byte 0xc3"),
        (b"a,b\n3\xe9\n", "is not UTF-8 text: line 2 holds the byte 0xe9"),
        (b"a,b\n" + b"1,2\n" * 5_000_000 + b"\xff", "line 5000002 holds the byte 0xff"),
        (b"a\xe9,b\n1,2\n", "is not UTF-8 text: line 1 holds the byte 0xe9"),
        (b"PK\x03\x04" + b"\x00" * 50, "packed or binary file"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
    ],
)
def test_a_csv_that_is_none(tmp_path, data, sentence):
    assert sentence in error_of(written(tmp_path, data))


def test_a_file_that_is_not_there_or_no_table(tmp_path):
    assert "no such file" in error_of(tmp_path / "absent.csv")
    assert "it is a folder" in error_of(tmp_path)
    assert "no such file" in error_of("a\0.csv")
    assert ".docx is not one of .csv, .tsv" in error_of(written(tmp_path, "x", "t.docx"))
    assert "cannot read" in error_of(written(tmp_path, "x", "t.parquet"))
    assert "a mapping; put one row in a list" in error_of({"a": 1})
    assert "cannot read rows from int" in error_of(3)
    assert "holds no rows" in error_of([])


def test_an_unnamed_column_is_called_by_its_place(tmp_path):
    assert read_table(written(tmp_path, ",b\n0,2\n")).names == ("column 1", "b")


def test_json_lines_keep_types_and_missing_keys_are_missing(tmp_path):
    path = written(tmp_path, '{"a": "007", "n": 1}\n\n{"a": "2024-01-31", "b": [1, 2]}\n', "t.jsonl")
    table = read_table(path)
    assert table.cells("a") == ["007", "2024-01-31"]
    assert table.cells("n") == [1, None]
    assert table.cells("b") == [None, [1, 2]]


def test_bad_json_lines_are_named_all_of_them(tmp_path):
    message = error_of(written(tmp_path, '{"a": 1}\n{"a": \n[1]\n', "t.jsonl"))
    assert "row 2, '{\"a\": \\n': not JSON" in message
    assert "row 3, '[1]\\n': not a JSON object" in message


def test_a_column_of_several_kinds_becomes_text():
    table = read_table([{"a": 1, "b": 1}, {"a": "x", "b": 2.5}, {"a": True, "b": None}, {"a": [1], "b": 3}, {"a": 2.0}])
    assert table.cells("a") == ["1", "x", "True", "[1]", "2"]
    assert table.cells("b") == [1.0, 2.5, None, 3.0, None]


DAY, MOMENT = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 10, 5)
FAR, NEAR = (dt.datetime(2026, 1, 31, 10, tzinfo=dt.timezone(dt.timedelta(hours=hours))) for hours in (-8, 1))


@pytest.mark.parametrize("cells", [[DAY, MOMENT], [MOMENT, DAY], [FAR, NEAR, MOMENT], [NEAR, "2026-01-31"]])
def test_a_moment_says_the_same_in_any_company(cells):
    alone = [read_table([{"a": cell}]).cells("a")[0] for cell in cells]
    assert alone == [str(cell) for cell in cells]
    assert read_table([{"a": cell} for cell in cells]).cells("a") == alone
    assert read_table(pd.DataFrame({"a": pd.Series(cells, dtype=object)})).cells("a") == alone


@pytest.mark.parametrize("held", [b"\x89PNG", {"bytes": b"\x89PNG", "path": None}])
def test_a_path_beside_the_bytes_of_a_file_stays_a_path(held, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG there")
    table = read_table([{"a": "a.png"}, {"a": held}, {"a": None}], root=tmp_path)
    path, data, nothing = table.cells("a")
    assert resolve_media(path, root=tmp_path).path == tmp_path / "a.png"
    assert resolve_media(data, root=tmp_path).data == b"\x89PNG"
    assert nothing is None


def test_numbers_too_large_for_a_column_become_text():
    assert read_table([{"a": 10**30}, {"a": 1}]).cells("a") == [str(10**30), "1"]


def test_half_a_surrogate_pair_is_no_character(tmp_path):
    assert read_table([{"a": "x\ud800"}, {"a": "b"}]).cells("a") == ["x\ufffd", "b"]
    assert read_table(written(tmp_path, '{"a": "\\ud800y"}', "t.jsonl")).cells("a") == ["\ufffdy"]
    assert "which is not text" in error_of([{"\ud800": 1}])


def test_rows_that_are_no_mappings_are_named():
    assert "row 2: is int, expected a mapping" in error_of([{"a": 1}, 3])
    assert "column name 3, which is not text" in error_of([{3: 1}])


def test_nan_is_missing_everywhere():
    assert read_table([{"a": math.nan}, {"a": 1.0}]).cells("a") == [None, 1.0]
    assert read_table(pd.DataFrame({"a": [math.nan, 1.0]})).present("a").tolist() == [False, True]


def test_paths_and_numpy_values_in_rows():
    table = read_table([{"p": Path("a/b.jpg"), "v": np.array([1, 2], np.float32), "n": np.int64(3)}])
    assert (table.cells("p"), table.cells("v"), table.cells("n")) == (["a/b.jpg"], [[1.0, 2.0]], [3])


@pytest.mark.parametrize(
    "source",
    [
        ROWS,
        pa.Table.from_pylist(ROWS),
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        pl.DataFrame(ROWS).lazy(),
        datasets.Dataset.from_list(ROWS),
    ],
    ids=["list", "arrow", "pandas", "polars", "lazy", "datasets"],
)
def test_every_source_gives_the_same_table(source):
    table = read_table(source, root="/tmp")
    assert table.cells("id") == ["007", "008"]
    assert table.cells("price") == [1.5, None]
    assert table.cells("tags") == [["a", "b"], None]
    assert table.root == Path("/tmp").resolve()


def test_parquet_is_read_from_its_folder(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.cells("id") == ["007", "008"]
    assert table.root == tmp_path


def test_a_selected_dataset_holds_the_selected_rows():
    assert read_table(datasets.Dataset.from_list(ROWS).select([1])).cells("id") == ["008"]


def test_a_dict_of_datasets_is_refused_by_its_splits():
    both = datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)})
    assert "choose a split of it: train" in error_of(both)


def test_pandas_kinds_become_plain_ones():
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-01-31T10:00:00.000000001", None]),
            "kind": pd.Categorical(["a", "b"]),
            "mixed": [1, "x"],
            3: [1, 2],
        },
        index=[5, 6],
    )
    table = read_table(frame)
    assert table.cells("when") == ["2024-01-31 10:00:00.000000", None]
    assert table.cells("kind") == ["a", "b"]
    assert table.cells("mixed") == ["1", "x"]
    assert table.cells("3") == [1, 2]
    assert "column" not in " ".join(table.names)


def test_dates_and_decimals_of_arrow():
    table = read_table(
        pa.table({"d": [dt.date(2024, 1, 31)], "n": [decimal.Decimal("1.50")], "t": [dt.timedelta(seconds=90)]})
    )
    assert (table.cells("d"), table.cells("n"), table.cells("t")) == (["2024-01-31"], [1.5], [90.0])


def test_missing_columns_are_named_with_the_nearest(shop):
    table = read_table(shop / "products.csv")
    with pytest.raises(DataError) as caught:
        table.require(["titel", "sku", "colour"])
    message = str(caught.value)
    assert "lacks 2 columns; it has: sku, image, title, price, kind" in message
    assert "column 'titel': no such column. Did you mean 'title'?" in message
    assert "column 'colour': no such column." in message


def test_patterns_name_columns_and_exact_names_win():
    table = read_table([{"x1": 1, "x2": 2, "y*": 3, "y1": 4}])
    assert table.expand(["x*", "y*"]) == ("x1", "x2", "y*")
    with pytest.raises(DataError, match="no column that fits the pattern 'z\\*'"):
        table.expand(["z*"])


def test_records_hold_numbers_where_a_column_plainly_is_of_numbers(shop):
    rows = read_table(shop / "products.csv").records(text=["kind"])
    assert rows[0] == {"sku": "007", "image": "images/a.jpg", "title": "red lamp", "price": 12.5, "kind": "lamp"}
    assert [row["price"] for row in rows] == [12.5, 3, None, 4]
    assert read_table([{"a": "1", "b": b"x"}]).records(text=["a"]) == [{"a": "1"}]


def test_a_table_is_taken_as_it_is(shop):
    table = read_table(shop / "products.csv")
    assert read_table(table) is table
    assert isinstance(table, Table)
    assert table.take(np.array([2, 0])).cells("sku") == ["009", "007"]
    assert table.with_empty_columns(["new", "sku"]).cells("new") == [None] * 4


def test_a_file_is_kept_while_it_is_read_once_and_read_again_when_it_changed(tmp_path, monkeypatch):
    path, reads = tmp_path / "t.csv", []
    path.write_text("a\n1\n", encoding="utf-8")
    read = sources._from_file
    monkeypatch.setattr("mmsdk.data.sources._from_file", lambda path: reads.append(path) or read(path))
    monkeypatch.chdir(tmp_path)
    with reading_once():
        first, again = read_table(path), read_table("t.csv", root="/")
        assert len(reads) == 1
        assert (again.name, str(again.root)) == ("t.csv", "/")
        assert (first.name, first.root) == (str(path), tmp_path)
        path.write_text("a\n1\n2\n", encoding="utf-8")
        assert len(read_table(path)) == 2
        let_go()
        read_table(path)
    read_table(path)
    read_table(path)
    assert len(reads) == 5
    let_go()  # nothing to let go


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("007", "7"), ("7.0", "7"), (" 7 ", "7"), ("000", "0"), ("10", "10"), ("10.00", "10"), ("7.5", "7.5")),
        *(("v1.0", "v1.0"), ("1.2.0", "1.2.0"), (".0", ".0"), ("-7", "-7"), ("lamp 007", "lamp 007"), ("", "")),
    ],
)
def test_an_id_is_recognised_however_a_program_wrote_it(written, meant):
    assert plain_id(written) == meant
