"""Columns that give the answer away, and those that only look like it."""

from __future__ import annotations

import html

import pytest

import mmsdk
from mmsdk.app.inspecting import inspect
from mmsdk.audit import label_leaks
from mmsdk.data import read_table


def rows(**cells):
    return read_table([dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)])


def test_a_column_that_tells_the_label_is_named_and_one_that_does_not_is_not():
    kinds = ["lamp", "vase"] * 20
    table = rows(
        kind=kinds, code=["L1", "V7"] * 20, title=[f"a {kind} of oak" for kind in kinds], price=list(range(40))
    )
    assert [name for name, _ in label_leaks(table, "kind")] == ["code", "title"]


def test_without_a_label_or_with_one_for_all_there_is_nothing_to_give_away():
    assert list(label_leaks(rows(kind=[None, None, ""], code=[1, 1, 2]), "kind")) == []
    assert list(label_leaks(rows(kind=["x"] * 60, code=["c"] * 60), "kind")) == []


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["bug", "bug ", "Bug", "tax"], "label: 'Bug' (6) and 'bug' (12) differ only by case: one class or two?"),
        (
            ["not well", "not  well", "x", "y"],
            "label: 'not  well' (6) and 'not well' (6) differ only by case or spaces: ",
        ),
        (["Straße", "STRASSE", "straße", "x"], "label: 'STRASSE' (6) and 'Straße' (6) and 'straße' (6) differ only by"),
        (
            ["a", "A", "b", "B"],
            "label: 'A' (6) and 'a' (6); 'B' (6) and 'b' (6) differ only by case: one class each, or",
        ),
        (["bug", " bug", "bugs", "tax"], None),  # spaces around a label are no part of it
    ],
)
def test_classes_that_differ_only_by_case_or_spaces_are_asked_about(tmp_path, capsys, kinds, told):
    lines = "".join(f"{n},{n % 9}.5,{kinds[n % 4]}\n" for n in range(24))
    path = tmp_path / "t.csv"
    path.write_text("id,size,label\n" + lines, encoding="utf-8")
    application = {
        "data": str(path),
        "id": "id",
        "inputs": {"size": {"column": "size", "modality": "number"}},
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "training": {"epochs": 1},
    }
    mmsdk.fit(application, out=tmp_path / "run")
    report, card = (html.unescape((tmp_path / "run" / name).read_text("utf-8")) for name in ("report.html", "card.md"))
    guessed = "\n".join(map(str, inspect(path, quiet=True).findings))
    for place in (capsys.readouterr().err, report, card, guessed):
        said = " ".join(place.split())  # as a page shows it
        assert "differ only by" not in said if told is None else " ".join(told.split()) in said
