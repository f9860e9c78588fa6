"""The modality table and its encoder columns."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from mmsdk_table.columns import Columns
from mmsdk_table.table import Rows

import mmsdk
from mmsdk import EncoderError


def test_decode_keeps_the_order_and_the_gaps():
    day = dt.datetime(2024, 1, 31)
    cell = (3, " red ", None, True, "", float("nan"), dt.date(2024, 1, 31), np.float32(2.5))
    assert Rows().decode(cell) == (3.0, "red", None, True, None, None, day, 2.5)
    assert Rows().decode((dt.datetime(2024, 1, 31, tzinfo=dt.UTC), "x")) == (day, "x")
    assert Rows().decode((None, " ", float("nan"))) is None


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ((1, [2]), "value 2 of 2 is a list; make an input of its own"),
        (("x" * 1001,), "value 1 of 1 holds 1,001 characters; make an input of its own of it, modality text"),
        ((10**400,), "value 1 of 1 is too large a number"),
    ],
)
def test_decode_refuses(cell, reason):
    with pytest.raises(ValueError, match=reason):
        Rows().decode(cell)


def kinds_of(batch, **options):
    encoder = Columns(**options)
    encoder.fit(batch, "table")
    return [one["kind"] for one in encoder.state()["columns"]]


def test_kinds_are_decided_on_what_is_there():
    rows = [(str(n), f"2024-01-{n + 1:02}", "ab"[n % 2], n % 2 == 0, None) for n in range(20)]
    assert kinds_of(rows) == ["number", "date", "category", "category", "category"]
    rows[3] = ("n/a", "unknown", "c", None, None)  # one slip in twenty
    assert kinds_of(rows)[:2] == ["number", "date"]
    rows[4] = ("n/a", "unknown", "c", None, None)
    assert kinds_of(rows)[:2] == ["category", "category"]


def test_kinds_may_be_told():
    rows = [(1, 2), (2, 3)]
    assert kinds_of(rows, kinds=["category", None]) == ["category", "number"]
    with pytest.raises(ValueError, match="kinds names 1 columns, where the input has 2"):
        kinds_of(rows, kinds=["number"])


def test_an_empty_value_has_a_flag_where_training_had_one():
    encoder = Columns(bins=1)
    encoder.fit([(0.0, "a"), (1.0, "b"), (None, "a")], "table")
    given, empty = encoder.encode([(1.0, "a"), (None, "a")], "table")
    number, flag = slice(0, 2), 2
    assert (given[flag], empty[flag]) == (0, 1)
    np.testing.assert_allclose(empty[number], encoder.encode([(0.0, "a"), (1.0, "a")], "table")[:, number].mean(0))
    assert encoder.dim == 5  # scaled, one bin, the flag; a, b and no flag


def test_a_value_that_training_never_saw_empty_is_its_mean():
    encoder = Columns(bins=1)
    encoder.fit([(0.0, "a"), (1.0, "b")], "table")
    np.testing.assert_allclose(encoder.encode([(None, None)], "table")[0, 1:], [0.5, 0.5, 0.5])


def test_what_is_unseen_or_unreadable_is_answered_and_counted():
    encoder = Columns(limit=2)
    encoder.fit([(1.0, "a", "2024-01-01"), (2.0, "b", "2024-02-01"), (None, "c", "2024-03-01")], "table")
    assert encoder.report() == {"unread": (0, 0)}
    answer = encoder.encode([("12 kg", "new", "31/01/2024"), (None, "b", dt.datetime(2024, 1, 1))], "table")
    assert np.isfinite(answer).all()
    np.testing.assert_array_equal(answer[0, :4], answer[1, :4])  # as empty
    assert encoder.report() == {"unread": (2, 5)}


def test_options_act():
    rows = [(float(n), f"c{n}") for n in range(8)]
    one, other = Columns(bins=2, limit=3), Columns(bins=4, limit=8)
    for encoder in (one, other):
        encoder.fit(rows, "table")
    assert (one.dim, other.dim) == (1 + 2 + 3 + 1, 1 + 4 + 8)


def test_the_same_after_its_state():
    rows = [(1.0, "a", "2024-01-01", True), (2.0, None, "2024-02-01", False), (None, "c", "2024-03-01", None)]
    one, other = Columns(), Columns()
    one.fit(rows, "table")
    other.load_state(json.loads(json.dumps(one.state())))
    np.testing.assert_array_equal(one.encode(rows, "table"), other.encode(rows, "table"))
    assert one.dim == other.dim == one.encode(rows, "table").shape[1]


def test_true_is_true_however_it_is_written():
    encoder = Columns()
    encoder.fit([(True,), (False,)], "table")
    np.testing.assert_array_equal(*encoder.encode([("TRUE",), (True,)], "table")[:, None])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"bins": 0}, "encoder 'columns': bins is 0"),
        ({"limit": "9"}, "encoder 'columns': limit is '9'"),
        (
            {"kinds": "number"},
            "encoder 'columns': kinds is 'number', expected a list of number, date",
        ),
        ({"kinds": ["text"]}, "encoder 'columns': kinds is"),
    ],
)
def test_columns_refuses_options(options, reason):
    with pytest.raises(EncoderError, match=reason):
        Columns(**options)


def test_columns_refuses_no_row_and_another_width():
    encoder = Columns()
    with pytest.raises(ValueError, match="no training row holds a value"):
        encoder.fit([], "table")
    encoder.fit([(1.0, "a")], "table")
    with pytest.raises(ValueError, match="row 2 holds 1 columns, where 2 are expected"):
        encoder.encode([(1.0, "a"), (1.0,)], "table")


def test_a_gap_is_a_signal_from_the_table_to_the_answer(tmp_path):
    """What tells the classes apart is only whether the price is empty."""
    random = np.random.default_rng(0)
    rows = [
        {"price": None if n % 2 else float(random.normal()), "colour": "abc"[n % 3], "tags": f"t{n % 5}|x", "y": n % 2}
        for n in range(120)
    ]
    application = {
        "inputs": {
            "facts": {"column": ["price", "colour"], "modality": "table"},
            "tags": {"column": "tags", "modality": "tags", "decode": {"separator": "|"}, "options": {"limit": 4}},
        },
        "tasks": {"y": {"column": "y", "type": "classification"}},
        "fusion": {"dim": 32, "members": 1},
        "training": {"epochs": 15, "match": 0},
    }
    app = mmsdk.fit(application, rows, tmp_path / "run", device="cpu", quiet=True)
    asked = [{"price": None, "colour": "a"}, {"price": 0.1, "colour": "a"}, {"price": None, "colour": None}]
    answers = app.predict(asked)
    assert [one.outputs["y"].value for one in answers[:2]] == ["1", "0"]
    assert answers[2].modalities_used == ()
