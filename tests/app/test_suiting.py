"""A preset's encoder that does not know the words of the cells is passed over; one that was named stays."""

from __future__ import annotations

import random

import pytest

import mmsdk
from mmsdk.app.bill import make_bill
from mmsdk.app.encoders import open_encoders
from mmsdk.app.probing import probe
from mmsdk.app.suiting import known_share, suited
from mmsdk.config import load_application
from mmsdk.data import read_samples, read_table

GOOD = ("质量很好，物流也快", "非常满意，还会再来", "颜色漂亮，做工精细", "客服耐心，值得推荐")
BAD = ("太差了，再也不买了", "刚收到就坏了，要退货", "客服态度恶劣，很生气", "颜色不对，尺寸也小")
ENGLISH = ("the quality is good", "it broke at once", "very happy with it", "never again")


def rows(count=60):
    draw = random.Random(0)
    return [
        {
            "编号": f"P{n}",
            "评论": f"{draw.choice(BAD if n % 2 else GOOD)}{n}",
            "情感": "消极" if n % 2 else "积极",
            "words": f"{draw.choice(ENGLISH)} {n}",
        }
        for n in range(count)
    ]


def application(column="评论", **more):
    return {
        "id": "编号",
        "inputs": {"text": {"column": column, "modality": "text", **more}},
        "tasks": {"情感": {"column": "情感", "type": "classification"}},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 3},
        "confidence": {"source": "validation"},
    }


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 5)


def test_chinese_is_read_by_an_encoder_that_can_and_a_loaded_run_knows_which(tmp_path, capsys):
    app = mmsdk.fit(application(), rows(), tmp_path / "run")
    assert app.pipeline.encoders["text"].name == "ngrams"
    assert app.document["inputs"]["text"]["encoder"] == "ngrams"
    (answer,) = app.predict([{"评论": "非常满意，质量很好"}])
    assert answer.outputs["情感"].probabilities["积极"] > 0.5
    app.close()
    assert "of what the cells hold; ngrams is taken instead (--preset multilingual, or" in capsys.readouterr().err


def asked(column, **more):
    read = load_application(application(column, **more))
    samples, _ = read_samples(read_table(rows()), read)
    return suited(read, "text", samples.inputs["text"], open_encoders(read, "cpu")["text"], "cpu")


def test_english_keeps_the_first_of_the_preset():
    taken, told = asked("words")
    assert (taken.name, told) == ("minilm", "")


def test_an_encoder_that_was_named_stays_and_it_is_said():
    taken, told = asked("评论", encoder="minilm")
    assert taken.name == "minilm"
    assert told.startswith("warning: text: minilm knows ")
    assert "take another" in told


def test_cells_that_cannot_be_read_are_not_asked_about(monkeypatch):
    read = load_application(application())
    samples, _ = read_samples(read_table([{**row, "评论": ""} for row in rows()]), read)
    assert known_share(open_encoders(read, "cpu")["text"], samples.inputs["text"]) == 1
    samples, _ = read_samples(read_table([{**row, "评论": "字" * 1_000_001} for row in rows(4)]), read)
    assert known_share(open_encoders(read, "cpu")["text"], samples.inputs["text"]) == 1


def test_worth_and_the_bill_speak_of_the_same_encoder(tmp_path, monkeypatch, capsys):
    path = tmp_path / "评论.csv"
    lines = [",".join(rows()[0]), *(",".join(row.values()).replace("，", " ") for row in rows())]
    path.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("mmsdk.app.bill.probe_apart", probe)
    bill = make_bill(load_application({**application(), "data": str(path)}), device="cpu")
    assert (bill.inputs["text"].encoder, bill.inputs["text"].dim) == ("ngrams", 512)
    mmsdk.worth(application(), rows())
    assert "ngrams is taken instead" in capsys.readouterr().err
    mmsdk.cross_validate(application(), rows(), folds=2)
    assert "ngrams is taken instead" in capsys.readouterr().err
