"""A pattern of columns means in use what it meant in training: the columns of the table that was learned from."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mmsdk
from mmsdk.errors import DataError

NO_PAGES = True
INPUTS = {"face": {"column": "AU*", "modality": "vector"}, "note": {"column": "note", "modality": "category"}}
TASKS = {"mood": {"column": "mood", "type": "classification"}}


def rows(count=90):
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, count)
    return [
        {
            **{f"AU{n}": float(value) for n, value in enumerate(random.normal([3 * kind, 0, -3 * kind]))},
            "note": str(random.choice(["left", "right"])),
            "mood": ("calm", "angry")[kind],
        }
        for kind in kinds
    ]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patterns") / "run"
    described = {"inputs": INPUTS, "tasks": TASKS, "training": {"epochs": 20}}
    return mmsdk.fit(described, rows(), out=folder, quiet=True)


def chances(app, row):
    (answer,) = app.predict([row])
    return answer.modalities_used, answer.outputs["mood"].probabilities


def test_the_columns_are_read_in_use(app):
    asked = rows()
    answers = app.predict(asked)
    assert {one.modalities_used for one in answers} == {("face", "note")}
    right = [one.outputs["mood"].value == row["mood"] for one, row in zip(answers, asked, strict=True)]
    assert np.mean(right) > 0.95


def test_the_run_names_the_columns_it_learned_from(app):
    document = json.loads((app.folder / "run.json").read_text("utf-8"))
    assert document["application"]["inputs"]["face"]["column"] == ["AU0", "AU1", "AU2"]
    assert document["application"]["inputs"]["note"]["column"] == "note"


def test_a_further_column_that_fits_is_not_read(app, tmp_path):
    import csv

    asked = rows()[:5]
    with (tmp_path / "more.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["AU9", *asked[0]])
        writer.writeheader()
        writer.writerows({**row, "AU9": 5.0} for row in asked)
    told = [one.outputs["mood"].probabilities for one in app.predict(asked)]
    again = [one.outputs["mood"].probabilities for one in app.predict(tmp_path / "more.csv")]
    assert again == told


def test_a_column_that_is_gone_is_said_and_a_whole_input_may_be_missing(app):
    row = rows()[0]
    with pytest.raises(DataError, match="element 2 of 3 is empty"):
        app.predict([{name: cell for name, cell in row.items() if name != "AU1"}])
    assert chances(app, {"note": row["note"]})[0] == ("note",)


@pytest.mark.parametrize("of", [list, tuple, np.array])
def test_an_input_of_several_columns_is_given_whole_by_its_name(app, of):
    row = rows()[0]
    whole = {"face": of([row["AU0"], row["AU1"], row["AU2"]]), "note": row["note"]}
    assert chances(app, whole) == chances(app, row)
    with pytest.raises(DataError, match=r"row 2: face takes 3 values \(AU0, AU1, AU2\), 2 were given"):
        app.predict([row, {"face": of([1.0, 2.0])}])


def test_folds_and_what_inputs_are_worth_read_them_too():
    described = {"inputs": INPUTS, "tasks": TASKS, "training": {"epochs": 5}, "confidence": {"calibration": "none"}}
    found = mmsdk.cross_validate(described, rows(), folds=3, quiet=True)
    assert found.metrics["mood"]["pooled"]["accuracy"]["value"] > 0.9
    worth = mmsdk.worth(described, rows(), quiet=True)
    assert set(worth.cost) == {"face", "note"}
