"""What a fit says at its door: the few choices one may want to make otherwise, and where all of them stand."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmsdk
from mmsdk.app.decided import told_decisions
from mmsdk.config import load_application

TASK = {"kind": {"column": "kind", "type": "classification"}}
INPUTS = {"price": {"column": "price", "modality": "number"}}
OPEN = {"inputs": {**INPUTS, "title": {"column": "title", "modality": "text"}}, "tasks": TASK}


def said(application, folder=Path("runs/shop"), **more):
    return list(told_decisions(load_application(application), folder, **more))


def test_a_first_fit_opens_with_few_short_lines():
    lines = said(OPEN)
    assert len(lines) <= 7
    assert lines[0] == "decided for you:"
    assert lines[-1] == "every setting: runs/shop/run.json, or --dry-run"
    assert not any("patience" in line or "focal" in line for line in lines)
    assert said(OPEN, None)[-1] == "every setting: run.json of the run, or --dry-run"


def test_a_log_has_every_default_and_nothing_that_was_chosen():
    lines = said({**OPEN, "fusion": {"dim": 8}}, whole=True)
    (fusion,) = [one for one in lines if one.startswith("by default, fusion:")]
    assert 'type "gated"' in fusion
    assert "dim" not in fusion
    assert any("patience" in one for one in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_spared_the_defaults(terminal, capsys, monkeypatch):
    rows = [{"price": n % 7, "kind": "ab"[n % 2]} for n in range(40)]
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    mmsdk.fit({"inputs": INPUTS, "tasks": TASK, "training": {"epochs": 1}}, rows).close()
    err = capsys.readouterr().err
    assert "every setting: run.json of the run" in err
    assert ("by default, training:" in err) is not terminal


@pytest.mark.parametrize(
    ("decided", "line"),
    [
        ({"id": "sku"}, "id: rows are numbered"),
        ({"split": {"group": "patient"}}, "split: at random, 20 % test, 10 % val"),
        ({"split": "part"}, "split: at random"),
        ({"split": {"time": "sold_at"}}, "split: at random"),
        ({"head": "plain"}, "head: plain (head: auto"),
        ({"confidence": {"abstain": {"below": 0.5}}}, "unsure answers: given"),
        ({"tasks": {}}, "head: plain"),
        ({"tasks": {}}, "unsure answers"),
        ({"tasks": {}}, "split: at random"),
    ],
)
def test_what_the_application_decides_is_not_said(decided, line):
    assert any(line in one for one in said(OPEN))
    assert not any(line in one for one in said({**OPEN, **decided}))


def test_the_shares_of_a_split_are_those_of_the_application():
    assert any("30 % test, 12.5 % val" in one for one in said({**OPEN, "split": {"test": 0.3, "validation": 0.125}}))


def test_a_larger_encoder_is_named_for_inputs_that_have_one():
    (line,) = [one for one in said(OPEN) if "encoders:" in one]
    assert "title by minilm or ngrams (the first that knows the cells; larger ones: --preset" in line
    assert "price" not in line
    assert "multilingual" in line
    named = {**OPEN["inputs"]["title"], "encoder": "ngrams"}
    for other in ({"preset": "builtin"}, {"inputs": INPUTS}, {"inputs": {"title": named}}):
        assert not any("encoders:" in one for one in said({**OPEN, **other}))
    assert not any("encoders:" in one for one in said(OPEN, synthetic=True))


def test_an_input_that_one_encoder_alone_reads_is_said_to_be_read_by_it():
    photo = {"inputs": {"photo": {"column": "photo", "modality": "image"}}, "tasks": TASK}
    (line,) = [one for one in said(photo) if "encoders:" in one]
    assert "photo by colour-shape (larger ones: --preset" in line


def test_nothing_is_decided_where_all_is_said():
    whole = {"id": "sku", "split": "part", "head": "auto", "confidence": {"abstain": {"below": 0.5}}}
    assert len(said({**OPEN, **whole, "preset": "builtin"})) == 1
