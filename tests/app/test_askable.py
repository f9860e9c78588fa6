"""The line of an application file that would make a column of a run an input."""

from __future__ import annotations

from types import SimpleNamespace

from mmsdk.app.askable import input_line
from mmsdk.config import load_application

TASK = {"kind": {"column": "kind", "type": "classification"}}
ROWS = [
    {
        "id": f"r{row}",
        "price": row,
        "what it is": f"a lamp number {row} for the desk",
        "kind": f"of the kind {row} here",
    }
    for row in range(20)
]


def held(rows, **application):
    """Return as much of an app as the line is made of."""
    index = SimpleNamespace(
        some_ids=lambda count: list(range(len(rows[:count]))), rows=lambda ids: [rows[i] for i in ids]
    )
    inputs = {"price": {"column": "price", "modality": "number"}}
    whole = load_application({"id": "id", "inputs": inputs, "tasks": TASK, **application})
    return SimpleNamespace(index=index, application=whole)


def test_a_column_that_is_no_name_is_quoted_and_an_answer_is_no_input():
    assert input_line(held(ROWS), "text") == 'text: {column: "what it is", modality: text}'


def test_what_is_read_already_or_is_not_there_is_not_offered():
    read = {"price": {"column": "price", "modality": "number"}, "it": {"column": "what it is", "modality": "category"}}
    for app in (held(ROWS, inputs=read), held([])):
        assert input_line(app, "text") == "NAME: {column: COLUMN, modality: text}"
