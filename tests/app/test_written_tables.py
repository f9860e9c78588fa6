"""Tables of answers: a column for everything that is told; those for people begin with the mark that Excel needs."""

from __future__ import annotations

import codecs

import pyarrow as pa
import pytest

from mmsdk.app.prediction import Prediction
from mmsdk.app.predictions import prediction_table, write_table
from mmsdk.config.application import ANSWERED
from mmsdk.data import read_table
from mmsdk.protocols import Output


@pytest.mark.parametrize(("cell", "marked"), [("积极", True), ("positive", False)])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_table_for_people_is_read_by_excel_and_by_us(tmp_path, cell, marked, ending):
    path = tmp_path / f"ask.{ending}"
    write_table(path, pa.table({"id": ["a"], "label": [cell]}), for_people=True)
    assert path.read_bytes().startswith(codecs.BOM_UTF8) == marked
    assert read_table(path).cells("label") == [cell]
    assert read_table(path).names == ("id", "label")
    write_table(path, pa.table({"id": ["a"], "label": [cell]}))
    assert not path.read_bytes().startswith(codecs.BOM_UTF8)


def test_no_task_has_a_column_that_the_check_of_their_names_does_not_know():
    told = Output(value="red", confidence=0.7, prediction_set=("red", "blue"), rules=("r",))
    row = Prediction(outputs={"kind": told, "size": told}, modalities_used=("photo",))
    found = prediction_table(["1"], [row], None, ruled=["kind", "size"])
    own = [f"{task}{end}" for task in ("kind", "size") for end in ANSWERED]
    assert found.column_names == ["id", *own, "inputs", "novelty"]
