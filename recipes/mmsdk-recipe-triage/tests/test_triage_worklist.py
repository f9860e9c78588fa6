"""The worklist: sorted by urgency, floors first, doubts to a person, evidence beside, from the saved run alone."""

from __future__ import annotations

import codecs
import csv
import json
import shutil

import pytest
from mmsdk_recipe_triage.page import percent, render
from mmsdk_recipe_triage.recipe import Triage
from mmsdk_recipe_triage.worklist import Case, _urgency, worklist
from triage_cases import LEVELS, SECRETS, command

import mmsdk


@pytest.fixture(scope="module")
def app(fitted):
    opened = mmsdk.load(fitted, quiet=True, on_bad_row="skip")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def cases(app, strange):
    return worklist(app, strange / "fälle.tsv", evidence=3)


def test_every_case_once_most_urgent_first_and_rules_before_the_rest(cases):
    assert sorted(case.id for case in cases) == [f"F{number:03d}" for number in range(120)]
    levels = [LEVELS.index(case.level) for case in cases]
    assert levels == sorted(levels, reverse=True)
    for level in LEVELS:
        fired = [bool(case.fired) for case in cases if case.level == level]
        assert fired == sorted(fired, reverse=True)


def test_what_to_try_next_is_a_worklist_and_works_as_it_stands(app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ((*words, out),) = Triage().next_commands(app)
    assert words[0] == "triage"
    assert command(*words, out) == 0
    assert "F000" in (tmp_path / out).read_text(encoding="utf-8")


def test_the_table_of_the_cases_is_not_written_over(fitted, strange, tmp_path, capsys):
    cases = tmp_path / "cases.csv"
    cases.write_bytes((strange / "fälle.tsv").read_bytes())
    assert command("triage", fitted, cases, "--out", cases) == 2
    assert "would be lost" in capsys.readouterr().err
    assert cases.read_bytes() == (strange / "fälle.tsv").read_bytes()


def test_cases_that_the_run_was_made_with_are_said_to_be(app, cases, strange, fitted, tmp_path, capsys):
    made_with = {name for name, part in app.parts().items() if part != "test"}
    assert 60 < len(made_with) < 120
    assert {case.id for case in cases if case.known} == made_with
    words = ("triage", fitted, strange / "fälle.tsv", "--evidence", 0, "--out", tmp_path / "list.html")
    assert command(*words) == 0
    said = f"The run was made with {len(made_with)} of them"
    assert said in capsys.readouterr().err
    page = (tmp_path / "list.html").read_text(encoding="utf-8")
    assert said in page
    assert page.count("The run was made with this case.") == len(made_with)
    new = worklist(app, [{"Fall": "new", "Befund-Text": "stabil"}], evidence=0)
    assert [case.known for case in new] == [False]
    assert "The run was made with" not in render(new, title="", notice="", order=(), sorted_by="")


def test_floors_show_and_hold(cases, strange):
    text = (strange / "fälle.tsv").read_text(encoding="utf-8")
    rows = {row["Fall"]: row for row in csv.DictReader(text.splitlines(), delimiter="\t")}
    for case in cases:
        low = rows[case.id]["SpO2"] not in ("", "97")
        assert bool(case.fired) == low
        if low:
            assert case.level in ("gelb", "rot")
            assert "grün" not in case.possible


def test_a_case_without_an_id_is_a_case(app):
    table = [{"Fall": one, "Alter": "50", "Befund-Text": "stabil"} for one in ("[x]", "")]
    assert sorted(case.id for case in worklist(app, table, evidence=0)) == ["2", "[x]"]


def test_a_reading_that_is_no_number_is_said_and_comes_before_those_that_are_in_order(app, tmp_path):
    said = {"n/a": ("NEWS2 oxygen saturation low",), "": (), "97": ()}
    table = [{"Fall": f"[{one}]", "Alter": "50", "SpO2": one, "Befund-Text": "stabil"} for one in ("97", "", "n/a")]
    found = {case.id: case for case in worklist(app, table, evidence=0)}
    assert {name.strip("[]"): case.unjudged for name, case in found.items()} == said
    assert found["[n/a]"].fired == ()
    page = render(list(found.values()), title="", notice="", order=LEVELS, sorted_by="")
    assert page.count("Not judged, its reading is no number: NEWS2 oxygen saturation low") == 1
    assert _urgency(case(unjudged=("low",)), ("low", "high")) < _urgency(case(), ("low", "high"))


def test_what_the_run_declines_goes_to_a_person_as_the_most_urgent_label_possible(cases):
    declined = [case for case in cases if case.to_a_person]
    assert declined
    for case in declined:
        assert case.answer is None
        assert case.level == max(case.possible, key=LEVELS.index)
    assert all(case.answer == case.level for case in cases if not case.to_a_person)


def test_evidence_stands_beside_the_first_cases_only(cases):
    for case in cases[:3]:
        assert case.explained == case.level
        assert set(case.shares) == {"Röntgenbild", "record", "notes"} - set(case.missing)
        assert len(case.nearest) == 3
    seen = [case for case in cases[:3] if "Röntgenbild" not in case.missing]
    assert seen
    assert all(case.picture.startswith("data:image/") and case.heat for case in seen)
    assert not any(case.picture or case.shares or case.nearest for case in cases[3:])


def test_what_is_missing_is_said(cases):
    missing = {case.id: case.missing for case in cases}
    assert "Röntgenbild" in missing["F004"]
    assert "Röntgenbild" in missing["F007"]  # broken, passed over
    assert missing["F000"] == ()


def test_the_command_writes_a_page_that_stands_alone(fitted, strange, tmp_path, capsys):
    shutil.copytree(fitted, tmp_path / "moved")
    page, log = tmp_path / "list.html", tmp_path / "log.jsonl"
    words = ("triage", tmp_path / "moved", strange / "fälle.tsv", "--out", page, "--evidence", 1, "--audit", log)
    assert command(*words) == 0
    assert "120 cases" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "not a medical device" in text
    assert "不是医疗器械" in text
    assert "to a person" in text
    assert "Rule: NEWS2 oxygen saturation low" in text
    assert "http" not in text
    found = log.read_text(encoding="utf-8")
    for secret in SECRETS.values():
        assert secret not in text
        assert secret not in found
    assert mmsdk.verify_journal(log).lines == 120
    fired = [json.loads(line) for line in found.splitlines() if "NEWS2" in line]
    assert all(line["fired"] == ["NEWS2 oxygen saturation low"] for line in fired)
    assert fired


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_same_as_a_table_and_as_json(fitted, strange, tmp_path, capsys, ending, cases):
    out = tmp_path / f"list.{ending}"
    assert command("triage", fitted, strange / "fälle.tsv", "--out", out, "--evidence", 0, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cases"] == 120
    assert told["to_a_person"] == sum(case.to_a_person for case in cases)
    text = out.read_text(encoding="utf-8-sig")
    assert out.read_bytes().startswith(codecs.BOM_UTF8) == (ending == "csv"), "a mark for Excel"
    rows = json.loads(text)["cases"] if ending == "json" else list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == [case.id for case in cases]
    assert "not a medical device" in text


def test_another_ending_is_refused(fitted, strange, tmp_path, capsys):
    assert command("triage", fitted, strange / "fälle.tsv", "--out", tmp_path / "list.pdf") == 2
    assert ".html, .csv, .json" in capsys.readouterr().err


def case(**changed):
    plain = {
        "id": "a",
        "answer": "low",
        "level": "low",
        "to_a_person": False,
        "confidence": 0.8,
        "possible": ("low",),
        "probabilities": {"low": 0.8, "high": 0.2},
        "fired": (),
        "missing": (),
    }
    return Case(**(plain | changed))


def test_without_an_order_doubts_come_first():
    some = [case(id="sure", confidence=0.9), case(id="person", to_a_person=True), case(id="unsure", confidence=0.6)]
    assert [one.id for one in sorted(some, key=lambda one: _urgency(one, ()))] == ["person", "unsure", "sure"]


def test_nothing_of_a_case_is_markup():
    nasty = "<b>&\"'"
    page = render(
        [case(id=nasty, fired=(nasty,), missing=(nasty,), nearest=((nasty, nasty, 0.5),), possible=(nasty,))],
        title=nasty,
        notice=nasty,
        order=(),
        sorted_by=nasty,
    )
    assert nasty not in page
    assert page.count("&lt;b&gt;") >= 7


def test_what_is_not_certain_is_not_shown_as_certain():
    words = {"title": "t", "notice": "n", "order": (), "sorted_by": "s"}
    sure = case(confidence=0.9971, probabilities={"low": 0.9971, "high": 0.0029}, heat=((0, 0, 0.5, 0.5, 0.1),))
    page = render([sure], **words)
    assert "confidence &gt; 99%; possible: low" in page
    assert "<span>&lt; 1%</span>" in page
    assert ">100%<" not in page
    assert "green lies where the picture speaks for the label" in page
    assert "green lies" not in render([case()], **words)
    assert [percent(share) for share in (1.0, 0.0, 0.5)] == ["100%", "0%", "50%"]
