"""A search by trials: never below what was written, the same after a kill, and refused where it means nothing."""

from __future__ import annotations

import json
import sys

import pytest
from shop_data import application

import mmsdk
from mmsdk.app import searching
from mmsdk.app.searching import changed
from mmsdk.app.unread import APART
from mmsdk.config import load_application


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
    monkeypatch.setattr("mmsdk.app.fitting.render_report", lambda data: data.title)
    monkeypatch.setattr("mmsdk.app.choosing.FOLDS", 3)
    monkeypatch.setattr(searching, "FUSIONS", ("gated", "concat"))
    monkeypatch.setattr(searching, "DIMS", (8, 16))


def shop_with(shop, **more):
    whole = application(shop)
    inputs = {name: whole["inputs"][name] for name in ("text", "price")}
    tasks = {"kind": {"column": "kind", "type": "classification"}}
    base = {"training": {"epochs": 10, "learning_rate": 0.0003}, "fusion": {"dim": 16}}
    return {**whole, "inputs": inputs, "tasks": tasks, **base, **more}


def found_by(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def test_a_search_takes_what_was_best_and_never_less_than_what_was_written(shop, tmp_path, monkeypatch):
    scores = []
    real = searching.mean_score
    monkeypatch.setattr(searching, "mean_score", lambda *words: scores.append(real(*words)) or scores[-1])
    mmsdk.fit(shop_with(shop, search={"trials": 4}), out=tmp_path / "run", quiet=True).close()
    document = found_by(tmp_path / "run")
    search = document["search"]
    assert search["trials"] == 4
    assert search["score"] >= scores[2]  # the first trial's, after its third fold
    assert document["application"]["fusion"]["type"] == search["found"]["fusion.type"]
    assert document["application"]["training"]["learning_rate"] == search["found"]["training.learning_rate"]
    assert document["application"]["search"] == {"trials": 0}
    assert not list((tmp_path / "run").rglob("search.journal"))
    mmsdk.fit(shop_with(shop), out=tmp_path / "plain", quiet=True).close()
    assert found_by(tmp_path / "plain")["search"] is None
    assert found_by(tmp_path / "plain")["fingerprint"] != document["fingerprint"]


def test_a_search_that_was_killed_ends_as_if_it_had_not_been(shop, tmp_path, monkeypatch):
    described = shop_with(shop, search={"trials": 4})
    mmsdk.fit(described, out=tmp_path / "whole", quiet=True).close()
    count = []
    real = searching._try

    def killed(*words):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        real(*words)

    monkeypatch.setattr(searching, "_try", killed)
    with pytest.raises(KeyboardInterrupt):
        mmsdk.fit(described, out=tmp_path / "run", quiet=True)
    mmsdk.fit(described, out=tmp_path / "run", quiet=True).close()
    assert len(count) == 5  # two before, one killed, two after
    whole, again = found_by(tmp_path / "whole"), found_by(tmp_path / "run")
    assert again["search"] == whole["search"]
    assert again["fingerprint"] == whole["fingerprint"]


def test_a_first_trial_that_was_killed_is_tried_again(shop, tmp_path, monkeypatch):
    described = shop_with(shop, search={"trials": 2})
    mmsdk.fit(described, out=tmp_path / "whole", quiet=True).close()
    with monkeypatch.context() as patch:

        def killed(*words):
            raise KeyboardInterrupt

        patch.setattr(searching.Trials, "answers", killed)
        with pytest.raises(KeyboardInterrupt):
            mmsdk.fit(described, out=tmp_path / "run", quiet=True)
    mmsdk.fit(described, out=tmp_path / "run", quiet=True).close()
    whole, again = found_by(tmp_path / "whole"), found_by(tmp_path / "run")
    assert again["search"] == whole["search"]
    assert again["fingerprint"] == whole["fingerprint"]


def test_found_settings_are_put_in_their_places(shop):
    described = load_application(shop_with(shop, fusion={"type": "gated", "dim": 16, "options": {"gate_dim": 3}}))
    same = changed(described, {"fusion.type": "gated", "fusion.dim": 8})
    assert (same.fusion.dim, same.fusion.options) == (8, {"gate_dim": 3})
    other = changed(described, {"fusion.type": "concat", "training.dropout": 0.2})
    assert (other.fusion.type, other.fusion.options, other.training.dropout) == ("concat", {}, 0.2)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"tasks": {}}, "needs a task whose labels"),
        ({"fusion": {"type": "auto", "dim": 16}}, "both choose"),
        ({"fusion": {"type": "joint"}}, "fusion joint learns nothing"),
        *(({"head": {"type": one}}, f"which head {one} answers without") for one in APART),
    ],
)
def test_a_search_that_means_nothing_is_refused(shop, tmp_path, more, said):
    with pytest.raises(mmsdk.ConfigError, match=said):
        mmsdk.fit(shop_with(shop, search={"trials": 2}, **more), out=tmp_path / "run", quiet=True)


def test_without_the_library_it_is_said_what_to_install(shop, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(mmsdk.ConfigError, match=r"pip install 'mmsdk\[search\]'"):
        mmsdk.fit(shop_with(shop, search={"trials": 2}), out=tmp_path / "run", quiet=True)
