"""mmsdk.compare: the rows that neither run was made with, and a verdict."""

from __future__ import annotations

import contextlib
import json

import pyarrow.parquet as pa_parquet
import pytest
from shop_data import application, rows, write_csv

import mmsdk
from mmsdk.cli.shell import run as typed

NO_PAGES = True  # see tests/conftest.py


@pytest.fixture(scope="module")
def runs(shop, tmp_path_factory):
    """Two runs of one split, one of another seed's split, and one of another task."""
    folder = tmp_path_factory.mktemp("compared")
    small = {"fusion": {"dim": 12}, "training": {"epochs": 8, "learning_rate": 0.01}}
    whole = application(shop, **small)
    text = {"text": whole["inputs"]["text"]}
    price = {"price": whole["inputs"]["price"]}
    of = {name: {**whole, "inputs": inputs} for name, inputs in (("text", text), ("price", price))}
    of["other"] = {**of["text"], "split": {"seed": 5}}
    of["grouped"] = {**of["text"], "split": {"group": "line"}}
    of["stranger"] = {**of["text"], "tasks": {"made": {"column": "material", "type": "classification"}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
        for name, app in of.items():
            mmsdk.fit(app, out=folder / name, quiet=True).close()
    return folder


def parts(run):
    found = pa_parquet.read_table(run / "splits.parquet").to_pydict()
    return dict(zip(found["id"], found["split"], strict=True))


def test_runs_of_one_split_are_compared_on_their_test_rows(runs):
    found = mmsdk.compare(runs / "price", runs / "text", resamples=200)
    assert found["rows"] == sum(part == "test" for part in parts(runs / "text").values())
    assert found["left_out"] == {"a": 0, "b": 0}
    written = json.loads((runs / "text" / "metrics.json").read_text(encoding="utf-8"))
    for task, metric in (("kind", "log_loss"), ("tags", "map"), ("grade", "mae")):
        row = found["tasks"][task]["metrics"][metric]
        assert row["b"] == pytest.approx(written[task]["test"][metric]["value"], abs=1e-5)
        assert row["b"] - row["a"] == pytest.approx(row["difference"]["value"])
    assert found["tasks"]["kind"]["verdict"].startswith("B is better by")
    assert set(found["tasks"]["kind"]["tests"]) == {"mcnemar"}
    assert set(found["tasks"]["grade"]["tests"]) == {"sign", "wilcoxon"}


def test_rows_that_the_other_learned_from_are_left_out(runs):
    ours, theirs = parts(runs / "text"), parts(runs / "other")
    both = [name for name, part in ours.items() if part == "test" and theirs[name] == "test"]
    found = mmsdk.compare(runs / "text", runs / "other", resamples=20)
    assert found["rows"] == len(both) > 0
    assert found["left_out"]["b"] == sum(part == "test" for part in ours.values()) - len(both)


def test_nothing_is_left_is_an_error_that_counts(runs, shop):
    theirs = parts(runs / "other")
    learned = [row for row in rows() if theirs[row["sku"]] == "train"]
    with pytest.raises(
        mmsdk.DataError, match=rf"no row .* is new to both runs: of {len(learned)} rows .* with {len(learned)};"
    ):
        mmsdk.compare(runs / "text", runs / "other", learned, root=shop)


def test_new_rows_are_compared(runs, shop, tmp_path):
    new = write_csv(tmp_path / "new.csv", [{**row, "sku": f"n{row['sku']}"} for row in rows()[:30]])
    found = mmsdk.compare(runs / "text", runs / "text", new, root=shop, resamples=20)
    assert found["rows"] == 30
    assert found["tasks"]["kind"]["verdict"].endswith("they answer alike")


def test_groups_are_resampled_whole(runs):
    found = mmsdk.compare(runs / "grouped", runs / "grouped", resamples=20)
    assert found["grouped_by"] == "line"


def test_other_tasks_are_refused(runs):
    with pytest.raises(mmsdk.RunError, match=r"no task in common.*made"):
        mmsdk.compare(runs / "text", runs / "stranger")


def test_a_table_that_is_gone_must_be_named(runs, shop, tmp_path):
    table = rows()
    app = {
        **application(shop),
        "inputs": {"price": {"column": "price", "modality": "number"}},
        "training": {"epochs": 1},
    }
    app.pop("data")
    with contextlib.closing(mmsdk.fit(app, data=table, out=tmp_path / "memory", quiet=True)) as fitted:
        with pytest.raises(mmsdk.DataError, match=r"table in memory; name the rows .*--data"):
            mmsdk.compare(fitted, runs / "text")
        assert mmsdk.compare(fitted, runs / "text", table, root=shop, resamples=5)["rows"] > 0


def test_a_label_that_nobody_has_is_an_error(runs, shop):
    blank = [{**row, "sku": f"n{row['sku']}", "kind": "", "tags": None, "grade": ""} for row in rows()[:5]]
    with pytest.raises(mmsdk.DataError, match=r"tasks.kind: no row to compare on has a label.*; tasks.grade: no row"):
        mmsdk.compare(runs / "text", runs / "text", blank, root=shop)


def test_a_task_without_a_label_is_left_out_and_the_others_are_compared(runs, shop, capsys):
    some = [{**row, "sku": f"n{row['sku']}", "kind": ""} for row in rows()[:20]]
    found = mmsdk.compare(mmsdk.load(runs / "text"), runs / "text", some, root=shop, resamples=5)
    assert list(found["tasks"]) == ["tags", "grade"]
    assert "tasks.kind: no row to compare on has a label in column 'kind'; the other tasks" in capsys.readouterr().err


def test_the_command_prints_the_verdict(runs, capsys):
    assert typed(["compare", str(runs / "price"), str(runs / "text"), "--quiet"]) == 0
    said = capsys.readouterr()
    assert "B is better by" in said.out
    assert "mcnemar" in said.out
    assert said.err == ""
    assert typed(["compare", str(runs / "text"), str(runs / "other")]) == 0
    assert "left out:" in capsys.readouterr().out
