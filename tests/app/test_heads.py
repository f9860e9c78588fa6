"""Heads beside the network in a whole run: they answer in its place, inputs may be missing, a load changes nothing."""

from __future__ import annotations

import importlib
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file
from shop_data import application, rows

import mmsdk
from mmsdk.app.resolving import resolve_application
from mmsdk.app.unread import unread_line
from mmsdk.config import load_application
from mmsdk.model import infer

NAMES = {
    "linear": "LinearHead",
    "stacked": "StackedHead",
    "blend": "BlendHead",
    "population": "PopulationHead",
    "boosting": "BoostingHead",
}
ASKED = [
    {"text": "oak lamp warm light for the evening", "price": 20},
    {"text": "wool rug soft under bare feet"},
    {"price": 80},
    {},
]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
    monkeypatch.setattr("mmsdk.app.fitting.render_report", lambda data: data.title)


FOLDS = {"folds": 2}  # where a refit learns from the validation rows, they calibrate nothing


def shop_with(shop, **changed):
    whole = application(shop)
    inputs = {name: whole["inputs"][name] for name in ("text", "price")}
    return whole | {"inputs": inputs, "training": {"epochs": 4, "batch_size": 16}, **changed}


@pytest.mark.parametrize("head", ["linear", "stacked", "blend", "population", "boosting"])
def test_a_run_answers_by_its_head_and_is_loaded_as_it_was(shop, tmp_path, head):
    options = {"population": {"size": 6, "keep": 2}, "boosting": {"rounds": 30, "learning_rate": 0.2}}.get(head, {})
    app = mmsdk.fit(shop_with(shop, head={"type": head, "options": options}), out=tmp_path / "run", quiet=True)
    before = app.predict(ASKED)
    app.close()
    shutil.move(tmp_path / "run", tmp_path / "moved")
    again = mmsdk.load(tmp_path / "moved", quiet=True)
    assert again.predict(ASKED) == before
    net = again.pipeline.net
    assert [type(one).__name__ for one in net.beside] == [NAMES[head]] * 3
    document = json.loads((tmp_path / "moved" / "run.json").read_text(encoding="utf-8"))
    assert document["heads"]["kind"]["type"] == head
    assert before[0].outputs["kind"].value == "lamp"
    assert before[1].outputs["kind"].value == "rug"
    assert abs(before[2].outputs["grade"].value - 8) < 2.5
    values = {"text": np.random.default_rng(0).normal(size=(3, net.projector.dims["text"])).astype(np.float32)}
    everywhere = {name: np.ones(3, bool) for name in net.inputs}
    beside = infer(net, values, everywhere)[1]["kind"]
    net.attach({})
    assert not np.allclose(beside, infer(net, values, everywhere)[1]["kind"])
    again.close()


def test_a_network_with_heads_beside_it_is_trained_as_one_without(shop, tmp_path):
    for head in ("plain", "linear"):
        mmsdk.fit(shop_with(shop, head={"type": head}), out=tmp_path / head, quiet=True).close()
    plain, linear = (load_file(tmp_path / head / "model.safetensors") for head in ("plain", "linear"))
    assert all(np.array_equal(linear[name], one) for name, one in plain.items())
    assert {name.split(".")[1] for name in linear.keys() - plain.keys()} == {"beside"}
    runs = [json.loads((tmp_path / head / "run.json").read_text(encoding="utf-8")) for head in ("plain", "linear")]
    assert runs[0]["fingerprint"] != runs[1]["fingerprint"]


@pytest.mark.parametrize(
    "changed",
    [
        {"training": {"epochs": 3, "refit": True}},
        {"split": {"validation": 0.0, "test": 0.2}},
        {"split": {"group": "line", "validation": 0.0, "test": 0.2}},
    ],
)
def test_a_blend_is_judged_by_rows_that_neither_has_learned_from(shop, tmp_path, monkeypatch, changed):
    from mmsdk.app import heads

    seen = []
    real = heads.choose_share

    def watched(task, network, linear, targets, **words):
        seen.append(len(targets))
        return real(task, network, linear, targets, **words)

    monkeypatch.setattr(heads, "choose_share", watched)
    tasks = {"kind": {"column": "kind", "type": "classification"}}
    app = mmsdk.fit(
        shop_with(shop, head={"type": "blend"}, tasks=tasks, confidence=FOLDS, **changed),
        out=tmp_path / "run",
        quiet=True,
    )
    assert 5 <= seen[0] <= 12
    assert app.predict(ASKED[:1])[0].outputs["kind"].value == "lamp"
    app.close()


@pytest.mark.parametrize("split", [{"validation": 0.0, "test": 0.2}, {"group": "line", "validation": 0.0, "test": 0.2}])
def test_every_task_of_a_blend_has_rows_that_judge_it(shop, tmp_path, monkeypatch, split):
    """Tasks that label rows of their own each: what judges one says nothing of the other."""
    from mmsdk.app import heads

    seen, parts = [], []
    real, drawn = heads.choose_share, heads._with_validation
    monkeypatch.setattr(heads, "choose_share", lambda *words, **more: seen.append(words[3]) or real(*words, **more))
    monkeypatch.setattr(heads, "_with_validation", lambda *words: parts.append(drawn(*words)) or parts[-1])
    table = rows()
    for number, row in enumerate(table):
        row["grade" if number % 6 < 3 else "kind"] = ""
    tasks = {name: application(shop)["tasks"][name] for name in ("kind", "grade")}
    described = shop_with(shop, head={"type": "blend"}, tasks=tasks, split=split, confidence=FOLDS)
    mmsdk.fit({**described, "data": None}, table, tmp_path / "run", quiet=True).close()
    first, second = (len(one) for one in seen[:2])
    assert first >= 3
    assert second >= 3
    if "group" in split:
        lines = np.array([row["line"] for row in table])
        assert not set(lines[parts[0] == "val"]) & set(lines[parts[0] == "train"])


@pytest.mark.parametrize(
    "changed",
    [
        {"training": {"epochs": 3, "refit": True}},
        {"split": {"validation": 0.0, "test": 0.2}, "training": {"epochs": 3}},
    ],
)
def test_a_population_learns_from_the_rows_that_judged_it_too_where_it_may(shop, tmp_path, monkeypatch, changed):
    from mmsdk.app import heads

    seen = []
    real = heads.fit_population

    def watched(lesson, judge, *words, refit=None):
        seen.append((len(lesson), len(judge), 0 if refit is None else len(refit)))
        return real(lesson, judge, *words, refit=refit)

    monkeypatch.setattr(heads, "fit_population", watched)
    tasks = {"kind": {"column": "kind", "type": "classification"}}
    head = {"type": "population", "options": {"size": 4, "keep": 2}}
    mmsdk.fit(
        shop_with(shop, head=head, tasks=tasks, confidence=FOLDS, **changed), out=tmp_path / "run", quiet=True
    ).close()
    train, judge, again = seen[0]
    assert judge > 3
    assert train + judge == again


def test_a_share_that_is_given_is_taken(shop, tmp_path):
    head = {"type": "blend", "options": {"share": 1.0, "penalty": 1.0}}
    app = mmsdk.fit(shop_with(shop, head=head), out=tmp_path / "run", quiet=True)
    assert app.document["heads"]["kind"]["share"] == 1.0
    assert set(app.document["heads"]["kind"]["linear"]["penalties"].values()) == {1.0}
    app.close()


def test_an_unknown_option_is_refused_before_any_work(shop, tmp_path):
    with pytest.raises(mmsdk.ConfigError, match=r"linear takes no option named 'penalt'\. Did you mean"):
        mmsdk.fit(shop_with(shop, head={"type": "linear", "options": {"penalt": 1}}), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_booster_that_is_lost_or_changed_is_an_error(shop, tmp_path):
    head = {"type": "boosting", "options": {"rounds": 3}}
    tasks = {"kind": {"column": "kind", "type": "classification"}}
    mmsdk.fit(shop_with(shop, head=head, tasks=tasks), out=tmp_path / "run", quiet=True).close()
    file = tmp_path / "run" / "boosters" / "0-0.txt"
    text = file.read_text(encoding="utf-8")
    assert text.startswith("tree\n")
    file.write_text(text.replace("learning_rate: 0.05", "learning_rate: 0.06"), encoding="utf-8")
    with pytest.raises(mmsdk.RunError, match="not those it was saved with"):
        mmsdk.load(tmp_path / "run", quiet=True)
    file.unlink()
    with pytest.raises(mmsdk.RunError, match="is not there"):
        mmsdk.load(tmp_path / "run", quiet=True)


@pytest.mark.parametrize("head", ["population", "boosting"])
def test_each_task_is_judged_by_rows_that_it_labels(shop, tmp_path, monkeypatch, head):
    heads = importlib.import_module("mmsdk.app.heads")
    judged, fit = [], f"fit_{head}"
    real = getattr(heads, fit)
    monkeypatch.setattr(
        heads, fit, lambda train, judge, *rest, **more: judged.append(judge) or real(train, judge, *rest, **more)
    )
    table = [{key: row[key] for key in ("sku", "title", "description", "price", "kind", "grade")} for row in rows()]
    for number, row in enumerate(table):
        row |= {"part": ("train", "test")[number % 5 == 0], ("grade" if number < 40 else "kind"): ""}
    tasks = {name: application(shop)["tasks"][name] for name in ("kind", "grade")}
    described = shop_with(shop, head=head, tasks=tasks, split={"column": "part"}, confidence={"folds": 2})
    mmsdk.fit(described, table, tmp_path / "run", quiet=True).close()
    assert min(len(one) for one in judged) > 0


AWAY = {
    "tasks.kind.weight": 2.0,
    "fusion.modality_dropout": 0.4,
    "training.mixup": 0.2,
    "training.unimodal": {"text": 0.3},
    "training.balance": "uncertainty",
    "training.label_smoothing": 0.0,
    "training.imbalance": "focal",
}
FOCAL = "training.imbalance: focal (taken as weights)"
ALL = [*(name for name in AWAY if name != "training.imbalance"), FOCAL]
ADJUSTED = {"training.imbalance": "logit_adjustment"}


def told(shop, head, settings, tuned=()):
    """Return the line about keys that a head does not read."""
    kind = {"kind": {"column": "kind", "type": "classification"}}
    described = shop_with(shop, head={"type": head}, tasks=kind, training={}, fusion={})
    resolved = load_application(described, settings)
    return unread_line(SimpleNamespace(application=resolved, adapters=dict.fromkeys(tuned)))


@pytest.mark.parametrize("head", ["linear", "stacked", "boosting"])
def test_what_a_head_beside_the_network_does_not_read_is_said(shop, head):
    assert told(shop, head, AWAY).startswith(f"head {head} does not read {', '.join(ALL)}: ")
    assert told(shop, head, {}) == ""
    assert told(shop, head, AWAY, tuned=["text"]) == ""  # the encoder has learned by them
    assert told(shop, head, {"training.refit": True, "training.seed": 3, "training.imbalance": "none"}) == ""


def test_what_a_head_reads_is_not_said(shop):
    assert told(shop, "plain", AWAY) == told(shop, "blend", AWAY) == ""
    read = {"training.epochs": 5, "training.patience": 2, "training.batch_size": 8, "training.label_smoothing": 0.0}
    focal = {"training.imbalance": "focal", "training.focal_gamma": 1.0}
    assert told(shop, "population", {**read, **focal}) == ""
    assert "training.dropout" in told(shop, "population", {**read, "training.dropout": 0.1})
    assert told(shop, "linear", ADJUSTED) == told(shop, "stacked", ADJUSTED) == ""
    assert "logit_adjustment (taken as weights)" in told(shop, "boosting", ADJUSTED)


@pytest.mark.parametrize("head", ["linear", "stacked", "boosting", "population"])
def test_it_is_true_of_the_answers(shop, tmp_path, head):
    """Whatever is said of a head, its answers are the same to the bit."""
    small = {"population": {"size": 4, "keep": 2}, "boosting": {"rounds": 10}}.get(head, {})
    whole = shop_with(
        shop,
        head={"type": head, "options": small},
        tasks={"kind": {"column": "kind", "type": "classification"}},
        confidence={"calibration": "none", "sets": "none", "novelty": False},
        training={"epochs": 2, "batch_size": 16},
    )
    keys = AWAY | {"fusion.dim": 32, "training.learning_rate": 0.01, "training.match": 0.0, "training.dropout": 0.1}
    if head == "population":
        keys = {key: one for key, one in keys.items() if key not in {"training.imbalance", "training.label_smoothing"}}
    answers = []
    for name, settings in (("default", {}), ("away", keys)):
        with mmsdk.fit(whole, out=tmp_path / name, overrides=settings, quiet=True, device="cpu") as app:
            answers.append(app.predict(ASKED))
    assert answers[0] == answers[1]


def test_the_note_is_said_once_a_run(shop, tmp_path, capsys):
    mmsdk.fit(shop_with(shop, head={"type": "linear"}, fusion={}), out=tmp_path / "run").close()
    assert capsys.readouterr().err.count("head linear does not read training.epochs, training.batch_size: ") == 1


@pytest.mark.parametrize("head", ["linear", "stacked", "boosting", "population"])
def test_rules_that_would_teach_what_answers_nothing_are_refused(shop, head):
    taught = {"training.rules": 1.0}
    with pytest.raises(mmsdk.ConfigError, match=f"training.rules: .* which head {head} answers without; set"):
        resolve_application(shop_with(shop, head={"type": head}), overrides=taught)
    resolve_application(shop_with(shop, head={"type": head}))
    for other in ("plain", "ensemble", "blend", "auto"):
        resolve_application(shop_with(shop, head={"type": other}), overrides=taught)
    tuned = taught | {"inputs.text.tune": "lora"}
    resolve_application(shop_with(shop, head={"type": head}), overrides=tuned)  # the encoder learns by them
    with pytest.raises(mmsdk.ConfigError, match="it teaches the network"):
        resolve_application(shop_with(shop, head={"type": head}), overrides=taught | {"inputs.text.tune": "frozen"})
