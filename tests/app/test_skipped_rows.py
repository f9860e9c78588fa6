"""What ``on_bad_row="skip"`` passes over in use is said, and every row of ``predict`` is answered all the same."""

from __future__ import annotations

import csv

import pytest

import mmsdk
from mmsdk.cli.shell import run as command
from tests.shop_data import rows, write_csv

NO_ID = "1 row left out: sku (1)"


@pytest.fixture
def skipping(shop_runs):
    """The app of three tasks, which skips bad rows and speaks."""
    with mmsdk.load(shop_runs / "tasks", allow_outside=True, on_bad_row="skip") as app:
        yield app


def bad():
    """Three rows: a picture that is not there, an empty id, a whole one."""
    found = [dict(row) for row in rows()[:3]]
    found[0]["image"] = "photos/none.png"
    found[1]["sku"] = ""
    return found


def test_every_row_is_answered_and_what_was_taken_as_missing_is_said(skipping, shop, capsys):
    answers = skipping.predict(bad(), root=shop)
    assert ["photo" in one.modalities_used for one in answers] == [False, True, True]
    assert capsys.readouterr().err == "the list of rows: 1 bad cell in 1 row taken as missing: image (1)\n"
    skipping.predict(rows()[:3], root=shop)
    assert capsys.readouterr().err == ""


def test_a_picture_that_does_not_decode_is_said_too(skipping, shop, tmp_path, capsys):
    (tmp_path / "torn.png").write_bytes((shop / "photos" / "003.png").read_bytes()[:60])
    assert skipping.embed([{"photo": "torn.png", "text": "a lamp"}], root=tmp_path).shape[0] == 1
    assert capsys.readouterr().err == "the list of rows: 1 bad cell in 1 row taken as missing: image (1)\n"


def test_a_list_in_the_place_of_a_text_is_said_too(skipping, capsys):
    skipping.predict([{"title": ["red", "oak"]}, {"title": "red lamp"}])
    assert "1 bad cell in 1 row taken as missing: title (1)\n" in capsys.readouterr().err


def test_the_command_writes_a_line_for_each_row(shop_runs, shop, tmp_path, capsys):
    write_csv(tmp_path / "bad.csv", bad())
    words = ["predict", shop_runs / "tasks", tmp_path / "bad.csv", "--out", tmp_path / "out.csv", "--allow-outside"]
    assert command([*map(str, words), "--on-bad-row", "skip"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("3 rows written")
    assert "bad.csv: 3 bad cells in 3 rows taken as missing: image (3)\n" in said.err
    written = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert [row["sku"] for row in csv.DictReader(written)] == ["000", "2", "002"]


def test_rows_that_are_told_apart_by_their_ids_are_left_out_without(skipping, shop, tmp_path, capsys):
    unseen = [{**row, "sku": f"new{number}"} for number, row in enumerate(rows())]
    unseen[3]["sku"] = ""
    write_csv(shop / "bare.csv", unseen)
    try:
        found = mmsdk.evaluate(skipping, shop / "bare.csv")
        assert NO_ID in capsys.readouterr().err
        assert found["kind"]["test"]["accuracy"]["n"] == len(unseen) - 1
        assert mmsdk.label(skipping, [{**row, "kind": ""} for row in unseen[:8]], 99, root=shop).num_rows == 7
        assert NO_ID in capsys.readouterr().err
    finally:
        (shop / "bare.csv").unlink()


def test_a_row_without_an_id_is_not_added(own_recommender, shop_runs, shop, capsys):
    with mmsdk.load(own_recommender.folder, allow_outside=True, on_bad_row="skip") as app:
        assert app.index.add([{"sku": "new", "title": "a"}, {"sku": "", "title": "b"}]) == ["new"]
    assert NO_ID in capsys.readouterr().err


def test_runs_are_not_compared_on_rows_that_may_be_any(skipping, shop_runs, shop):
    unseen = [{**row, "sku": f"new{number}"} for number, row in enumerate(rows())]
    unseen[3]["sku"] = ""
    found = mmsdk.compare(skipping, skipping, unseen, root=shop, resamples=10)
    assert (found["rows"], found["left_out"]) == (len(unseen) - 1, {"a": 1, "b": 1})
