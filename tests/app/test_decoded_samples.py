"""Rows that are decoded already answer as the same rows from files do."""

from __future__ import annotations

import pytest

import mmsdk
from mmsdk.embed import open_modality


def decoded(app, rows, shop):
    """Return the rows by input, as the modalities decode them."""
    samples, _ = app.pipeline.read(rows, root=shop, partial=True)
    found = []
    for place in range(len(rows)):
        row = {}
        for name, column in samples.inputs.items():
            cell = column.cells[place]
            row[name] = None if cell is None else open_modality(column.modality, column.decode).decode(cell)
        found.append(row)
    return found


def test_decoded_samples_answer_as_their_files_do(tasks_app, shop):
    rows = mmsdk.read_table(shop / "items.csv").records()[:12]
    names = {column for entry in tasks_app.application.inputs.values() for column in entry.columns}
    rows = [{key: str(value) for key, value in row.items() if key in names and value is not None} for row in rows]
    usual = tasks_app.predict(rows, root=shop)
    fresh = tasks_app.predict_samples(decoded(tasks_app, rows, shop))
    assert [one.modalities_used for one in fresh] == [one.modalities_used for one in usual]
    for one, other in zip(fresh, usual, strict=True):
        for task, output in one.outputs.items():
            assert output.value == pytest.approx(other.outputs[task].value)
            assert output.confidence == pytest.approx(other.outputs[task].confidence, abs=1e-3)


def test_an_input_left_out_is_missing(tasks_app):
    name = next(iter(tasks_app.application.inputs))
    (answer,) = tasks_app.predict_samples([{name: None}])
    assert answer.modalities_used == ()


def test_an_unknown_input_names_the_nearest(tasks_app):
    name = next(iter(tasks_app.application.inputs))
    with pytest.raises(mmsdk.DataError, match=f"Did you mean '{name}'"):
        tasks_app.predict_samples([{f"{name}s": None}])


def test_no_rows_no_answers(tasks_app):
    assert tasks_app.predict_samples([]) == []
