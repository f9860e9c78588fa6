"""The audit log of a run: a line for each answer, written before it is given; inputs as hashes only."""

from __future__ import annotations

import hashlib
import json

import pytest

import mmsdk
from mmsdk.cli import main

ENDLESS = (float("inf"), float("-inf"))  # JSON has no infinities
ROWS = [{"text": "oak lamp zyxsecret", "price": 20}, {"text": "oak lamp zyxsecret", "price": 21}, {"price": 80}]


def read(path):
    return [json.loads(one) for one in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_for_each_answer(tasks_app, tmp_path):
    log = tmp_path / "log.jsonl"
    answers = tasks_app.predict(ROWS, audit=log)
    lines = read(log)
    assert len(lines) == 3
    run = hashlib.sha256((tasks_app.folder / "run.json").read_bytes()).hexdigest()
    assert {(one["model"], one["run"]) for one in lines} == {(tasks_app.document["fingerprint"], run)}
    for line, answer in zip(lines, answers, strict=True):
        assert line["fired"] == []
        for task, output in answer.outputs.items():
            told = line["answers"][task]
            assert told["value"] == (list(output.value) if isinstance(output.value, tuple) else output.value)
            assert told["abstained"] == output.abstained
            assert told["set"] == [None if one in ENDLESS else one for one in output.prediction_set]
            assert told["probabilities"] == pytest.approx(dict(output.probabilities))
    assert tasks_app.predict(ROWS) == answers


def test_inputs_are_hashes_that_tell_same_from_other_and_nothing_else(tasks_app, tmp_path):
    log = tmp_path / "log.jsonl"
    tasks_app.predict(ROWS, audit=log)
    tasks_app.predict(ROWS[:1], audit=log)
    tasks_app.predict(ROWS[:1], audit=tmp_path / "other.jsonl")
    first, second, third, again = (one["inputs"] for one in read(log))
    assert first["text"] == second["text"] == again["text"]
    assert first["price"] != second["price"]
    assert third["text"] is None
    (elsewhere,) = read(tmp_path / "other.jsonl")
    assert elsewhere["inputs"]["text"] != first["text"]
    assert "zyxsecret" not in log.read_text(encoding="utf-8")
    assert mmsdk.verify_journal(log).lines == 4


def test_a_file_is_hashed_by_its_bytes(tasks_app, shop, tmp_path):
    photos = sorted((shop / "photos").iterdir())[:2]
    copied = tmp_path / "copy.png"
    copied.write_bytes(photos[0].read_bytes())
    (name,) = [key for key, one in tasks_app.application.inputs.items() if one.modality == "image"][:1]
    log = tmp_path / "log.jsonl"
    tasks_app.predict([{name: str(one)} for one in (photos[0], copied, photos[1])], audit=log)
    one, same, other = (line["inputs"][name] for line in read(log))
    assert one == same != other


def run(*words):
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in words])
    return left.value.code


def test_the_command_line_writes_and_checks_one(tasks_app, shop, tmp_path, capsys):
    log, out = tmp_path / "log.jsonl", tmp_path / "answers.csv"
    table = shop / "items.csv"
    words = ("predict", tasks_app.folder, table, "--out", out, "--audit", log, "--quiet", "--allow-outside")
    assert run(*words) == 0
    capsys.readouterr()
    assert run("audit", "verify", log, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["whole"] is True
    assert found["lines"] == len(mmsdk.read_table(table))
    assert run("audit", "verify", log, "--head", found["head"]) == 0
    assert f"{found['lines']} lines, whole" in capsys.readouterr().out
    assert run("audit", "verify", log, "--head", "0" * 63 + "1") == 1
    assert "cut off" in capsys.readouterr().out
    log.write_bytes(log.read_bytes().replace(b'"abstained":false', b'"abstained":true', 1))
    assert run("audit", "verify", log) == 1
    assert "changed" in capsys.readouterr().out
