"""``auto`` takes what is best on rows it did not learn from, and noise makes it take nothing unusual."""

from __future__ import annotations

import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from shop_data import application, rows

import mmsdk
from mmsdk.app.aligning import align_inputs
from mmsdk.app.choosing import (
    BOOSTED,
    FUSIONS,
    HEADS,
    PAIRS,
    Trials,
    _Judged,
    _sentence,
    candidates,
    check_judges,
    choose,
)
from mmsdk.app.fitting import learn, open_pipeline, prepare
from mmsdk.config import load_application
from mmsdk.data import Policy
from mmsdk.evaluate import metrics_schema
from mmsdk.model import infer, prepare_targets
from mmsdk.plugins import get_registry
from mmsdk.tasks import Classification

NO_PAGES = True  # see tests/conftest.py

SHORT = {"epochs": 2, "batch_size": 16}
PARTED = {"column": "part"}


@pytest.fixture
def by_validation(monkeypatch):
    """Judge by the validation rows, however few, so that a candidate is learned once."""
    monkeypatch.setattr("mmsdk.app.choosing.FEW", 0)


def small(folder, **changed):
    """Return an application of two inputs and one task."""
    whole = application(folder)
    inputs = {name: whole["inputs"][name] for name in ("price", "material")}
    tasks = {"kind": whole["tasks"]["kind"]}
    return {**whole, "inputs": inputs, "tasks": tasks, "training": SHORT, "fusion": {"dim": 8}, **changed}


def fitted(described, out):
    """Fit, close, and return run.json and metrics.json."""
    mmsdk.fit(described, out=out, quiet=True).close()
    return [json.loads((out / name).read_text(encoding="utf-8")) for name in ("run.json", "metrics.json")]


def test_auto_names_what_it_took(shop, tmp_path, by_validation, drawn):
    jsonschema = pytest.importorskip("jsonschema")
    described = small(shop, fusion={"type": "auto", "dim": 8}, head={"type": "auto"}, split=PARTED)
    document, metrics = fitted(described, tmp_path / "run")
    named = document["application"]
    chosen = document["choice"]["chosen"]
    assert chosen == f"{named['fusion']['type']} + {named['head']['type']}"
    assert (named["fusion"]["type"], named["head"]["type"]) in (*PAIRS, BOOSTED)
    assert list(metrics["kind"]["choice"]) == [f"{fusion} + {head}" for fusion, head in (*PAIRS, BOOSTED)]
    jsonschema.validate(metrics, metrics_schema())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What auto compared" in page
    assert f"<strong>{chosen}</strong>" in page
    app = mmsdk.load(tmp_path / "run", quiet=True)
    assert app.predict([{"price": 12.0, "material": None}])[0].outputs["kind"].value in {"lamp", "vase", "rug"}
    app.close()


def test_the_budget_ends_the_list(shop, tmp_path, by_validation):
    described = small(shop, fusion={"type": "auto", "dim": 8, "budget": 0.0}, split=PARTED)
    choice = fitted(described, tmp_path / "run")[0]["choice"]
    assert choice["chosen"] == f"{FUSIONS[0]} + plain"
    assert choice["left_out"] == [f"{one} + plain" for one in FUSIONS[1:]]


def test_labels_of_test_rows_choose_nothing(shop, tmp_path, by_validation):
    """Other labels in the test rows: the same figures of every candidate."""
    described = small(shop, head={"type": "auto"}, split=PARTED)
    table = rows()
    turned = [{**row, "kind": "rug"} if row["part"] == "test" else row for row in table]
    del described["data"]
    found = []
    for name, given in (("as it is", table), ("turned", turned)):
        mmsdk.fit(described, given, tmp_path / name, quiet=True).close()
        found.append(json.loads((tmp_path / name / "metrics.json").read_text(encoding="utf-8"))["kind"])
    assert found[0]["choice"] == found[1]["choice"]
    assert found[0]["test"] != found[1]["test"]


def test_what_only_one_candidate_can_learn_is_seen():
    """The better one far down the list is taken; one that is behind by noise alone gives way to the first."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300)
    right = np.eye(2)[truth] * 4.0
    worse = np.where((random.random(300) < 0.4)[:, None], right[:, ::-1], right)
    nearly = np.where((np.arange(300) == 7)[:, None], right[:, ::-1], right)
    judged = {name: _Judged(logits={"k": one}, seconds=1.0) for name, one in (("a + x", worse), ("b + y", right))}
    assert trials(truth).decide(judged, []).chosen == "b + y"
    judged = {name: _Judged(logits={"k": one}, seconds=1.0) for name, one in (("a + x", nearly), ("b + y", right))}
    choice = trials(truth).decide(judged, ["c + z"])
    assert choice.chosen == "a + x"
    said = _sentence(choice)
    assert said.startswith("chose a + x by validation (0.00")
    assert "within its noise; to the best: b + y +0.000)" in said
    assert said.endswith("not tried for want of time: c + z")


def trials(truth, groups=None, split=None, time=None):
    """Return trials of some rows, judged by folds unless it is set otherwise."""
    cells = [str(one) for one in truth]
    split = np.array(["train", "val"] * (len(cells) // 2) if split is None else split, dtype=object)
    target, _ = prepare_targets(Classification(), cells, split, name="k", column="k")
    table = SimpleNamespace(cells=lambda column: cells)
    samples = SimpleNamespace(split=split, ids=[str(one) for one in range(len(cells))], table=table)
    tasks = {"k": SimpleNamespace(column="k", type="classification")}
    block = SimpleNamespace(split=SimpleNamespace(group=None, seed=0, time=time), tasks=tasks)
    draft = SimpleNamespace(application=block, samples=samples, targets={"k": target}, groups=groups, adapters={})
    return Trials(draft, None, None)


def test_few_rows_are_judged_by_folds_that_keep_groups_whole(shop, tmp_path):
    described = load_application(small(shop, head={"type": "auto"}, split={"group": "line"}))
    pipeline = open_pipeline(described, "cpu", Policy(), quiet=True)
    draft = prepare(pipeline, described.data)
    judge = Trials(draft, tmp_path, learn)
    assert judge.judged_by == "folds"
    lines = np.array(draft.samples.table.cells("line"))
    for split, asked in judge.splits:
        assert not set(lines[asked]) & set(lines[np.isin(split, ("train", "val"))])
        assert not set(lines[split == "train"]) & set(lines[split == "val"])
    every = np.concatenate([asked for _, asked in judge.splits])
    assert sorted(every) == np.flatnonzero(draft.samples.split != "test").tolist()
    pipeline.close()


@pytest.mark.parametrize(
    ("judging", "time", "by"), [(149, None, "folds"), (150, None, "validation"), (1, "at", "validation")]
)
def test_few_validation_rows_do_not_judge_alone_unless_time_parts_them(judging, time, by):
    truth = np.arange(1000) % 2
    split = np.where(np.arange(1000) < judging, "val", "train")
    assert trials(truth, split=split, time=time).judged_by == by


@pytest.mark.parametrize(("judging", "by"), [(5, "folds"), (6, "validation")])
def test_validation_rows_of_few_groups_do_not_judge_alone(by_validation, judging, by):
    """One speaker more makes the validation rows enough."""
    truth = np.arange(300) % 2
    groups = np.array([f"speaker {place % 12}" for place in range(300)], dtype=object)
    heard = {f"speaker {one}" for one in range(judging)}
    found = trials(truth, groups=groups, split=np.where([one in heard for one in groups], "val", "train"))
    assert found.judged_by == by
    two = np.where(np.arange(300) < 150, "train", "val")  # folds need three groups, so two are judged as they are
    assert trials(truth, groups=two.astype(object), split=two).judged_by == "validation"


def test_the_short_list_is_installed():
    known = {one.spec.name for one in get_registry().entries("fusion")}
    assert {*FUSIONS, *(fusion for fusion, _ in PAIRS)} <= known
    for changed, expected in (({"head": {"type": "auto"}}, len(HEADS)), ({"fusion": {"type": "auto"}}, len(FUSIONS))):
        block = {"inputs": {"a": {"column": "a", "modality": "number"}}, **changed}
        assert len(candidates(load_application(block))) == expected


def test_boosting_is_tried_where_every_input_is_columns(shop, tmp_path, by_validation, monkeypatch, capsys):
    columns = small(shop, head={"type": "auto"}, split=PARTED)
    listed = [f"gated + {head}" for head in (*HEADS, "boosting")]
    assert list(fitted(columns, tmp_path / "columns")[0]["choice"]["seconds"]) == listed
    words = {**columns, "inputs": {**columns["inputs"], "text": application(shop)["inputs"]["text"]}}
    assert list(fitted(words, tmp_path / "words")[0]["choice"]["seconds"]) == listed[:-1]
    monkeypatch.setattr("mmsdk.app.choosing.has_boosting", lambda: False)
    capsys.readouterr()
    mmsdk.fit(columns, out=tmp_path / "absent").close()
    assert "boosting is not tried, pip install 'mmsdk[boosting]'" in capsys.readouterr().err


def test_boosting_wins_where_trees_see_more(tmp_path, by_validation):
    """Where one number means the opposite once another is below zero, no sum over the columns can say it."""
    numbers = np.random.default_rng(0).normal(size=(700, 4))
    table = [
        {**{f"x{n}": float(v) for n, v in enumerate(row)}, "y": "same" if row[0] * row[1] > 0 else "not"}
        for row in numbers
    ]
    described = {
        "inputs": {"row": {"column": [f"x{n}" for n in range(4)], "modality": "table"}},
        "tasks": {"y": {"column": "y", "type": "classification"}},
        "fusion": {"type": "gated", "dim": 8},
        "head": {"type": "auto"},
        "training": {"epochs": 3},
    }
    app = mmsdk.fit(described, table, tmp_path / "run", quiet=True)
    assert app.application.head.type == "boosting"
    app.close()


@pytest.mark.parametrize(("fusion", "head"), [("late", "auto"), ("auto", "ensemble")])
def test_what_cannot_be_together_is_no_candidate(shop, tmp_path, fusion, head):
    described = load_application(small(shop, fusion={"type": fusion, "dim": 8}, head={"type": head}))
    listed = candidates(described)
    assert ("late", "ensemble") not in listed
    assert len(listed) == len(HEADS if head == "auto" else FUSIONS) - 1


def test_what_rules_cannot_teach_is_no_candidate(shop, tmp_path, by_validation, capsys):
    rule = {"when": "price > 60", "task": "kind", "never": "lamp"}
    described = small(shop, head={"type": "auto"}, split=PARTED, rules=[rule], training={**SHORT, "rules": 1.0})
    mmsdk.fit(described, out=tmp_path / "run").close()
    document = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert list(document["choice"]["seconds"]) == ["gated + blend", "gated + plain", "gated + ensemble"]
    told = "head: auto: linear, stacked, boosting, population are not tried, training.rules teaches the network"
    assert capsys.readouterr().err.count(told) == 1
    both = load_application({**described, "fusion": {"type": "auto", "dim": 8}})
    assert candidates(both) == [(fusion, head) for fusion, head in PAIRS if head != "linear"]


def test_fusions_that_would_answer_alike_are_not_compared(shop, tmp_path, capsys):
    described = small(shop, fusion={"type": "auto", "dim": 8}, head={"type": "linear"})
    resolved = load_application(described)
    pipeline = open_pipeline(resolved, "cpu", Policy(), quiet=True)
    draft = prepare(pipeline, resolved.data)
    learned = []
    pipeline.quiet = False
    choose(draft, tmp_path, lambda trial, folder: learned.append(trial))
    assert (draft.application.fusion.type, draft.application.head.type) == ("mixed", "linear")
    assert (learned, draft.choice) == ([], None)
    assert "fusion: auto: mixed, uncompared: head linear answers without the fused vector" in capsys.readouterr().err
    pipeline.close()
    document, _ = fitted(described, tmp_path / "run")
    assert (document["application"]["fusion"]["type"], document["choice"]) == ("mixed", None)


def test_what_compares_nothing_needs_no_rows_to_judge_by(shop):
    """Beside a tuned encoder, whose rows no fold may judge, and without a labelled validation row."""
    for head, choosing in (("linear", False), ("plain", True)):
        described = small(shop, fusion={"type": "auto", "dim": 8}, head={"type": head})
        described["inputs"]["price"] = {**described["inputs"]["price"], "tune": {"mode": "lora"}}
        target = SimpleNamespace(labelled=np.array([True, False]))
        samples = SimpleNamespace(split=np.array(["train", "val"], dtype=object))
        draft = SimpleNamespace(application=load_application(described), targets={"kind": target}, samples=samples)
        with pytest.raises(mmsdk.ConfigError, match="auto and search") if choosing else nullcontext():
            check_judges(draft)


def test_a_fusion_that_needs_more_width_than_there_is_is_no_candidate(shop):
    for dim, there in ((8, True), (4, False)):
        described = load_application(small(shop, fusion={"type": "auto", "dim": dim}))
        assert (("late", "plain") in candidates(described)) == there


def test_candidates_are_aligned_without_the_rows_that_judge(shop, tmp_path, monkeypatch):
    monkeypatch.setattr("mmsdk.app.choosing.FOLDS", 3)
    described = load_application(small(shop, align={"type": "whitening"}, training={"epochs": 1}))
    pipeline = open_pipeline(described, "cpu", Policy(), quiet=True)
    draft = prepare(pipeline, described.data)
    align_inputs(draft)
    own, trials = pipeline.maps["price"].centre.copy(), []
    judge = Trials(draft, tmp_path, lambda trial, folder: (learn(trial, folder), trials.append(trial)))
    for number, (split, asked) in enumerate(judge.splits[:2]):
        found = judge.answers(draft.application, split, asked, str(number))
        trial = trials[-1]
        assert trial.alignment.before is draft.alignment.before  # not what the run has aligned already
        assert not np.array_equal(trial.pipeline.maps["price"].centre, own)
        values, present = trial.embeddings.values, trial.embeddings.present
        np.testing.assert_array_equal(found["kind"], infer(trial.pipeline.net, values, present, rows=asked)[1]["kind"])
    np.testing.assert_array_equal(pipeline.maps["price"].centre, own)
    pipeline.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fusion": {"type": "auto", "options": {"gate_dim": 3}}}, "fusion.options: fusion.type is auto"),
        ({"head": {"type": "auto", "options": {"members": 3}}}, "head.options: head.type is auto"),
        ({"head": {"type": "auto"}, "tasks": {}}, "auto needs a task"),
    ],
)
def test_auto_that_cannot_choose_is_refused(shop, tmp_path, changed, said):
    with pytest.raises(mmsdk.ConfigError, match=said):
        mmsdk.fit(small(shop, **changed), out=tmp_path / "run", quiet=True)
