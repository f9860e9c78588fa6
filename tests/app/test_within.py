"""``within``: vectors relative to the rows of the same group, in training and in use."""

from __future__ import annotations

import json

import numpy as np
import pytest
from moods_data import application, rows

import mmsdk
from mmsdk.embed.within import Usual, relative, usual_of

NO_PAGES = True  # see tests/conftest.py


def accuracy(app):
    found = json.loads((app.folder / "metrics.json").read_text())
    return found["mood"]["test"]["accuracy"]["value"]


def test_within_takes_the_person_away(tmp_path):
    data = rows(range(12), 0)
    plain = mmsdk.fit(application(), data, tmp_path / "plain", device="cpu", quiet=True)
    within = mmsdk.fit(application(within="who"), data, tmp_path / "within", device="cpu", quiet=True)
    assert accuracy(plain) < 0.75
    assert accuracy(within) > 0.85
    again = mmsdk.load(tmp_path / "within", device="cpu", quiet=True)
    strangers = rows([77], 5)
    answers = again.predict(strangers)
    assert (
        np.mean([one.outputs["mood"].value == row["mood"] for one, row in zip(answers, strangers, strict=True)]) > 0.9
    )
    assert np.array_equal(again.embed(strangers), within.embed(strangers))


def test_a_lone_row_and_one_without_a_group_are_answered(tmp_path):
    app = mmsdk.fit(application(within="who"), rows(range(8), 0), tmp_path / "run", device="cpu", quiet=True)
    one, other = app.predict([{"face": [0, 0, 0, 0], "who": "new"}, {"face": [0, 0, 0, 0]}])
    assert one == other
    assert one.modalities_used == ("face",)


def test_small_groups_are_drawn_towards_what_is_usual():
    usual = Usual(mean=np.zeros(1), spread=np.ones(1), ratio=np.full(1, 8.0))
    values = np.array([[10.0], [12.0], [50.0]] + [[10.0], [12.0]] * 50)
    groups = ["a", "a", None] + ["b"] * 100
    found = relative(values, np.ones(len(values), bool), groups, usual)[:, 0]
    assert abs(found[3] + found[4]) < 2  # many rows: nearly their own mean
    assert found[0] > 5  # two rows: mostly the usual one
    assert found[2] > 20  # alone
    assert found.dtype == np.float32


def test_how_far_groups_differ_decides_how_much_they_are_trusted():
    random = np.random.default_rng(0)
    apart = np.repeat(random.normal(scale=10, size=(20, 1)), 5, axis=0) + random.normal(size=(100, 1))
    alike = random.normal(size=(100, 1))
    groups = [str(row // 5) for row in range(100)]
    far, near = (usual_of(values, np.arange(100), groups) for values in (apart, alike))
    assert far.ratio[0] < 0.1
    assert near.ratio[0] > 5
    assert far.spread[0] == pytest.approx(1, abs=0.3)


def test_absent_rows_and_flat_columns_do_no_harm():
    values = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, np.nan]])
    present = np.array([True, True, False])
    found = relative(values, present, ["a", "a", "a"], usual_of(values, np.array([0, 1]), ["a", "a", "a"]))
    assert np.isfinite(found).all()
    assert not found[2].any()
    assert np.isfinite(usual_of(values, np.array([], int), []).spread).all()


def test_what_does_not_go_together_is_refused(tmp_path):
    with pytest.raises(mmsdk.DataError, match="nobody"):
        mmsdk.fit(application(within="nobody"), rows(range(4), 0), tmp_path / "run", device="cpu", quiet=True)
