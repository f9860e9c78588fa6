"""mmsdk.evaluate scores rows that the run has not seen, and no others."""

from __future__ import annotations

import json

import jsonschema
import pyarrow.parquet as pa_parquet
import pytest
from shop_data import rows, write_csv

import mmsdk
from mmsdk.evaluate.schema import metrics_schema

NO_PAGES = True  # see tests/conftest.py


def parts(run):
    found = pa_parquet.read_table(run / "splits.parquet").to_pydict()
    return dict(zip(found["id"], found["split"], strict=True))


def test_held_out_rows_score_as_when_fitted(tasks_app, shop):
    found = mmsdk.evaluate(tasks_app, shop / "items.csv")
    jsonschema.Draft202012Validator(metrics_schema()).validate(found)
    written = json.loads((tasks_app.folder / "metrics.json").read_text(encoding="utf-8"))
    for task, metric in (("kind", "balanced_accuracy"), ("tags", "map"), ("grade", "mae")):
        ours, theirs = found[task]["test"][metric], written[task]["test"][metric]
        assert ours["value"] == pytest.approx(theirs["value"], abs=1e-6)
        assert ours["n"] == theirs["n"]
        blind = "mean" if task == "grade" else "majority"  # a median, or a linear model, comes from the training rows
        assert found[task]["baselines"] == {blind: written[task]["baselines"][blind]}
        assert len(found[task]["subsets"]) == 11  # of five inputs: each alone, each left out, all
        for subset, row in found[task]["subsets"].items():
            assert row[metric]["value"] == pytest.approx(written[task]["subsets"][subset][metric]["value"], abs=1e-6)
    assert set(found["kind"]["added"]) == set(tasks_app.application.inputs)


def test_new_rows_are_scored(tasks_app, shop, tmp_path):
    new = [{**row, "sku": f"n{row['sku']}"} for row in rows()[:9]]
    found = mmsdk.evaluate(tasks_app, write_csv(tmp_path / "new.csv", new), root=shop)
    assert found["kind"]["test"]["accuracy"]["n"] == 9
    assert found["kind"]["test"]["accuracy"]["value"] >= 8 / 9
    assert mmsdk.evaluate(tasks_app, new, root=shop)["kind"]["test"] == found["kind"]["test"]


def test_an_input_that_no_row_has_is_in_no_subset_and_slices_nothing(tasks_app, shop):
    new = [
        {key: cell for key, cell in row.items() if key not in {"image", "price"}} | {"sku": f"n{row['sku']}"}
        for row in rows()[:12]
    ]
    found = mmsdk.evaluate(tasks_app, new, root=shop)["kind"]
    assert list(found["subsets"]) == [
        "text", "material", "added", "text+material", "text+added", "material+added", "text+material+added",
    ]  # fmt: skip
    assert found["subsets"]["text+material+added"]["accuracy"]["value"] == found["test"]["accuracy"]["value"]
    assert "slices" not in found
    lone = [{"sku": "n1", "title": "oak lamp", "kind": "lamp"}, {"sku": "n2", "title": "a rug", "kind": "rug"}]
    assert "subsets" not in mmsdk.evaluate(tasks_app, lone)["kind"]


def test_a_column_that_is_named_slices_the_rows(shop_runs, shop, capsys):
    app = mmsdk.load(shop_runs / "tasks", allow_outside=True)
    new = [{**row, "sku": f"n{row['sku']}"} for row in rows()]
    found = mmsdk.evaluate(app, new, root=shop, slices=["material"])
    for task in ("kind", "grade"):
        names = {(one["column"], one["value"]): one["n"] for one in found[task]["slices"]}
        assert names == {
            ("material", material): sum(row["material"] == material for row in new)
            for material in ("oak", "glass", "wool")
        }
    app.application.evaluation.slices.extend(["part", "shelf"])  # of which these rows have one
    assert {one["column"] for one in mmsdk.evaluate(app, new, root=shop)["kind"]["slices"]} == {"part"}
    assert "evaluation.slices: the list of rows has no column 'shelf' to slice by" in capsys.readouterr().err
    with pytest.raises(mmsdk.DataError, match="shelf"):
        mmsdk.evaluate(app, new, root=shop, slices=["shelf"])
    app.close()


def test_rows_it_learned_from_are_refused(tasks_app, shop):
    learned = [row for row in rows() if parts(tasks_app.folder)[row["sku"]] in {"train", "val"}]
    with pytest.raises(mmsdk.DataError, match=f"all {len(learned)} rows were used to make"):
        mmsdk.evaluate(tasks_app, learned, root=shop)


def test_rows_it_learned_from_are_left_out_and_counted(shop_runs, shop, capsys):
    app = mmsdk.load(shop_runs / "tasks")
    test = sum(part == "test" for part in parts(app.folder).values())
    found = mmsdk.evaluate(app, shop / "items.csv")
    assert found["kind"]["test"]["accuracy"]["n"] == test
    assert f"left out {60 - test} rows" in capsys.readouterr().err
    app.close()


@pytest.mark.parametrize("written", [lambda sku: str(int(sku)), lambda sku: f"{float(sku)}", lambda sku: f" {sku} "])
def test_rows_it_learned_from_are_recognised_as_excel_and_pandas_write_their_ids(tasks_app, shop, written):
    test = sum(part == "test" for part in parts(tasks_app.folder).values())
    again = [{**row, "sku": written(row["sku"])} for row in rows()]
    assert mmsdk.evaluate(tasks_app, again, root=shop)["kind"]["test"]["accuracy"]["n"] == test
    table = mmsdk.read_table(again, root=shop)
    assert mmsdk.compare(tasks_app.folder, tasks_app.folder, table)["rows"] == test


def test_without_labels_there_is_nothing_to_score(tasks_app, shop):
    with pytest.raises(mmsdk.DataError, match="kind"):
        mmsdk.evaluate(tasks_app, [{"sku": "n1", "title": "lamp"}])
    blank = [{**rows()[0], "sku": "n1", "kind": "", "tags": None, "grade": ""}]
    with pytest.raises(mmsdk.DataError, match=r"tasks.kind: no row to score has a label.*; tasks.grade: no row"):
        mmsdk.evaluate(tasks_app, blank, root=shop)


def test_a_task_without_a_label_is_left_out_and_the_others_are_scored(shop_runs, shop, capsys):
    app = mmsdk.load(shop_runs / "tasks")
    some = [{**row, "sku": f"n{row['sku']}", "kind": ""} for row in rows()[:20]]
    without = [{name: cell for name, cell in row.items() if name != "kind"} for row in some]
    for table in (some, without):
        assert list(mmsdk.evaluate(app, table, root=shop)) == ["tags", "grade"]
        said = "tasks.kind: no row to score has a label in column 'kind'; the other tasks are scored"
        assert said in capsys.readouterr().err
    app.close()


def test_a_recommender_says_where_its_figures_are(recommender_app, shop):
    with pytest.raises(mmsdk.RunError, match=r"metrics.json"):
        mmsdk.evaluate(recommender_app, shop / "items.csv")


def test_a_label_never_seen_is_named(tasks_app, shop):
    with pytest.raises(mmsdk.DataError, match="sofa"):
        mmsdk.evaluate(tasks_app, [{**rows()[0], "sku": "n1", "kind": "sofa"}], root=shop)


def test_inspect_guesses_an_application_that_fits(shop, tmp_path):
    found = mmsdk.inspect(shop / "items.csv", quiet=True)
    assert found.application["id"] == "sku"
    assert found.application["inputs"]["image"]["modality"] == "image"
    assert found.application["inputs"]["added"]["modality"] == "date"
    assert found.application["tasks"]["tags"] == {"column": "tags", "type": "multilabel"}
    assert {finding.severity for finding in found.findings} == {"ok"}
    (shop.parent / "guessed.yaml").write_text(found.yaml, encoding="utf-8")
    fitted = mmsdk.fit(
        shop.parent / "guessed.yaml",
        data=shop / "items.csv",
        out=tmp_path / "run",
        overrides={"training.epochs": 1},
        quiet=True,
    )
    assert len(fitted.index) == 60
    fitted.close()
