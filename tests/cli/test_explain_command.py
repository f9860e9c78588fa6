"""mmsdk explain, as it is typed."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from shop_data import rows, write_csv

from mmsdk.app.likeness import Likeness
from mmsdk.cli.explain import _bar, _beside_random_weights, _check
from mmsdk.cli.shell import run as mmsdk
from mmsdk.explain import Check, Neighbour, explanation_schema, mean_interval


def typed(capsys, *words):
    code = mmsdk(["explain", *map(str, words)])
    return code, capsys.readouterr()


def test_a_row_of_the_run(shop_runs, capsys):
    code, said = typed(capsys, shop_runs / "tasks", "--id", "004", "--allow-outside")
    assert code == 0
    assert "what each input adds" in said.out
    assert "in text, by occlusion" in said.out
    assert "without the 10 named first" in said.out
    assert "nearest training rows" in said.out


@pytest.mark.parametrize(
    ("alike", "said"),
    [(0.14, "order them otherwise, as they should"), (0.5, "much the same: do not rely on this order")],
)
def test_what_to_make_of_the_check_by_random_weights_is_said(alike, said):
    assert said in _beside_random_weights(alike)


def test_no_line_is_wider_than_the_terminal_and_the_gate_sends_to_what_inputs_add(shop_runs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, said = typed(capsys, shop_runs / "tasks", "--id", "004", "--allow-outside")
    assert max(map(len, said.out.splitlines())) <= 60
    assert "go by what each input adds, above" in " ".join(said.out.split())


def test_a_neighbour_without_a_label_is_said_to_have_none(shop_runs, capsys, monkeypatch):
    near = [Neighbour(id="x", similarity=0.95, label=None), Neighbour(id="y", similarity=0.9, label=0)]
    monkeypatch.setattr(Likeness, "nearest", lambda *_, **__: near)
    _, said = typed(capsys, shop_runs / "tasks", "--id", "004", "--allow-outside")
    assert "  x  cosine 0.95  (no label)\n  y  cosine 0.90  0\n" in said.out


def test_a_row_of_a_table_and_of_a_file(shop, shop_runs, tmp_path, capsys):
    run = shop_runs / "tasks"
    new = write_csv(tmp_path / "new.csv", [{**rows()[7], "sku": "new", "image": str(shop / rows()[7]["image"])}])
    code, said = typed(capsys, run, "--id", "new", "--data", new, "--allow-outside", "--json")
    assert code == 0
    found = json.loads(said.out)
    jsonschema.Draft202012Validator(explanation_schema()).validate(found)
    assert found["id"] == "new"
    (tmp_path / "row.json").write_text(json.dumps({"title": rows()[7]["title"], "price": 7}))
    code, said = typed(capsys, run, "--row", tmp_path / "row.json", "--json", "--task", "grade", "-k", "2")
    assert code == 0
    other = json.loads(said.out)
    assert other["id"] is None
    assert {one["input"] for one in other["shares"]} == {"text", "price"}
    assert len(other["neighbours"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected one of --id, --row and --check"),
        (["--id", "1", "--row", "{file}"], "expected one of --id, --row and --check"),
        (["--row", "{file}", "--data", "{file}"], "--data needs --id"),
        (["--row", "{list}"], "expected one JSON object"),
        (["--row", "{torn}"], "is no JSON"),
        (["--id", "x", "--data", "{table}"], "has no row with the id 'x'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(shop_runs, tmp_path, capsys, words, said):
    (tmp_path / "file").write_text("{}")
    (tmp_path / "list").write_text("[1]")
    (tmp_path / "torn").write_text("{")
    write_csv(tmp_path / "table.csv", [{"sku": "1", "title": "a"}])
    places = {"file": tmp_path / "file", "list": tmp_path / "list", "torn": tmp_path / "torn"}
    given = [word.format(**places, table=tmp_path / "table.csv") for word in words]
    code, found = typed(capsys, shop_runs / "tasks", *given)
    assert code == 2
    assert said in found.err


def test_the_page_is_one_file_with_the_photo_and_the_words(shop_runs, tmp_path, capsys):
    page = tmp_path / "page.html"
    code, _ = typed(capsys, shop_runs / "tasks", "--id", "004", "--allow-outside", "--out", page)
    assert code == 0
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image") >= 6  # the photo, the photo with its evidence, the neighbours
    assert "<mark" in html
    assert "Nearest training rows" in html
    assert "http" not in html


def test_checking_prints_a_line_a_kind_and_a_failed_check_is_code_1(shop, shop_runs, capsys, monkeypatch):
    words = (shop_runs / "tasks", "--check", shop / "items.csv", "--rows", "6")
    code, said = typed(capsys, *words)
    assert code in (0, 1)  # six rows may not be enough
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith(("ok", "FAIL"))] == [
        "inputs,",
        "photo,",
        "text,",
    ]
    monkeypatch.setattr("mmsdk.explain.checking.ALIKE", -1.0)
    code, said = typed(capsys, *words, "--json")
    assert code == 1
    assert [one["of"] for one in json.loads(said.out)] == ["inputs", "photo", "text"]


def test_checking_says_what_it_could_not_judge(shop, shop_runs, tmp_path, capsys, monkeypatch):
    """Of two words the one named first is no choice."""
    monkeypatch.setattr("mmsdk.explain.checking._passes", lambda *_: True)  # six rows may not be enough
    told = [
        {**row, "title": f"oak {row['kind']}", "description": "", "image": str(shop / row["image"])} for row in rows(6)
    ]
    words = (shop_runs / "tasks", "--check", write_csv(tmp_path / "short.csv", told), "--allow-outside")
    code, said = typed(capsys, *words)
    assert code == 0
    assert "–    text, occlusion: fewer than five rows had a choice, not checked" in said.out.splitlines()
    code, said = typed(capsys, *words, "--json")
    assert code == 0
    text = next(one for one in json.loads(said.out) if one["of"] == "text")
    assert (text["passed"], text["ahead"]) == (None, None)


def test_half_a_check_is_no_ok_and_no_failure(capsys):
    _check([Check(of="a", method="m", named=0.2, random=0.1, ahead=mean_interval(np.ones(6)))], as_json=False)
    said = capsys.readouterr().out
    assert said.startswith("–    a, m, 6 rows")
    assert "random weights not to be had: only half is checked" in said


@pytest.mark.parametrize(("columns", "largest", "half"), [(40, 9, 4), (100, 20, 10)])
def test_bars_stay_in_proportion_on_a_narrow_terminal(monkeypatch, columns, largest, half):
    monkeypatch.setenv("COLUMNS", str(columns))
    name = "row 5 of 7, column 5 of 7, and more"
    lines = [_bar(name, 0.4, 0.4), _bar(name, -0.2, 0.4), _bar("a", 0.0, 0.0)]
    assert [line.count("#") + line[-10:].count("-") for line in lines] == [largest, half, 0]
    assert all(len(line) <= columns for line in lines)
    assert columns < 60 or "row 5 of 7, column 5 of 7" in lines[0]
