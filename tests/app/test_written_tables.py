"""Tables for people begin with the mark that Excel needs; those for programs do not."""

from __future__ import annotations

import codecs

import pyarrow as pa
import pytest

from mmsdk.app.predictions import write_table
from mmsdk.data import read_table


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
