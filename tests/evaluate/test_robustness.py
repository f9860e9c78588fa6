"""Damage to the input that tells everything costs the score; damage to one that tells nothing does not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mmsdk.embed import Embeddings, EmbedStats
from mmsdk.embed.sequences import Layout
from mmsdk.evaluate.robustness import MISSING, NOISE, areas, robustness_curves
from mmsdk.fusion import GatedFusion
from mmsdk.model import Target, build_net, infer, prepare_targets
from mmsdk.tasks import Classification, Multilabel
from mmsdk.train import fit_heads

N = 260


@pytest.fixture(scope="module")
def curves():
    random = np.random.default_rng(0)
    kind = random.integers(0, 2, N)
    values = {
        "tells": (np.eye(4)[kind] * 4 + random.normal(size=(N, 4))).astype(np.float32),
        "idle": random.normal(size=(N, 4)).astype(np.float32),
    }
    present = {"tells": np.ones(N, bool), "idle": random.random(N) < 0.8}
    embeddings = Embeddings(values=values, present=present, stats=EmbedStats(inputs={}))
    split = np.array(["train"] * 130 + ["val"] * 30 + ["test"] * 100, dtype=object)
    task = Classification()
    target, _ = prepare_targets(task, [f"k{one}" for one in kind], split, name="kind", column="kind")
    settings = SimpleNamespace(dim=16, members=1, modality_dropout=0.2, options={})
    net = build_net({"tells": 4, "idle": 4}, {"kind": task}, GatedFusion, settings)
    from mmsdk.config import TrainingConfig

    config = TrainingConfig(epochs=15, batch_size=32, learning_rate=5e-3)
    fit_heads(embeddings, {"kind": target}, net, config, split, quiet=True)
    rows = target.labelled_rows(split == "test")
    found = robustness_curves(net, {"kind": target}, embeddings, split, {"kind": rows})
    return SimpleNamespace(net=net, target=target, embeddings=embeddings, split=split, rows=rows, found=found["kind"])


def test_curves_begin_at_the_score_of_the_run_and_fall_where_the_input_matters(curves):
    _, logits = infer(curves.net, curves.embeddings.values, curves.embeddings.present, rows=curves.rows)
    clean = curves.target.task.scores(logits["kind"], curves.target.values[curves.rows])["balanced_accuracy"]
    for kinds in curves.found.values():
        for kind, levels in (("noise", NOISE), ("missing", MISSING)):
            assert [one["level"] for one in kinds[kind]["points"]] == list(levels)
            assert kinds[kind]["points"][0]["value"] == pytest.approx(clean(np.arange(100)))
    tells, idle = curves.found["tells"], curves.found["idle"]
    assert tells["missing"]["points"][-1]["value"] < 0.65
    assert tells["noise"]["points"][-1]["value"] < tells["noise"]["points"][0]["value"] - 0.1
    assert tells["missing"]["effective"] < idle["missing"]["effective"] - 0.1
    assert idle["noise"]["effective"] > -0.1


def test_all_rows_without_an_input_are_the_subset_without_it(curves):
    values, present = curves.embeddings.values, curves.embeddings.present
    _, logits = infer(curves.net, values, present, rows=curves.rows, keep=["idle"])
    without = curves.target.task.scores(logits["kind"], curves.target.values[curves.rows])["balanced_accuracy"]
    assert curves.found["tells"]["missing"]["points"][-1]["value"] == pytest.approx(without(np.arange(100)))


def test_a_task_whose_metric_these_rows_leave_undefined_has_no_curve(curves):
    task = Multilabel()
    task.prepare([["red"], ["oak"]])
    values = np.zeros((N, 2), np.float32)  # no row to judge has any label, so there is no average precision
    targets = {"kind": curves.target, "tags": Target(task=task, values=values, labelled=np.ones(N, bool))}
    judged = {"kind": curves.rows, "tags": curves.rows}
    found = robustness_curves(curves.net, targets, curves.embeddings, curves.split, judged)
    assert found == {"kind": curves.found}


def test_areas_are_those_of_the_trapezoids():
    points = [{"level": level, "value": value} for level, value in ((0.0, 1.0), (1.0, 0.5), (3.0, 0.5))]
    assert areas(points) == {
        "relative": pytest.approx((0.75 + 1.0) / 3),
        "effective": pytest.approx((0.75 + 1.0) / 3 - 1.0),
    }


def test_packed_sequences_get_no_noise(curves):
    packed = Embeddings(
        values=curves.embeddings.values,
        present=curves.embeddings.present,
        stats=curves.embeddings.stats,
        layouts={"idle": Layout(steps=1, dim=2)},
    )
    found = robustness_curves(curves.net, {"kind": curves.target}, packed, curves.split, {"kind": curves.rows})
    assert set(found["kind"]["idle"]) == {"missing"}
    assert set(found["kind"]["tells"]) == {"noise", "missing"}
    assert robustness_curves(curves.net, {}, packed, curves.split, {}) == {}


def test_what_is_scored_is_calibrated_by_what_each_row_has_left(curves):
    seen = []

    def calibrate(name, logits, present):
        seen.append((name, present["tells"].mean(), present["idle"].mean()))
        return -logits

    found = robustness_curves(
        curves.net, {"kind": curves.target}, curves.embeddings, curves.split, {"kind": curves.rows}, calibrate=calibrate
    )["kind"]
    before, after = (one["tells"]["noise"]["points"][0]["value"] for one in (curves.found, found))
    assert after == pytest.approx(1 - before)  # of two kinds, always the other
    gone = [tells for name, tells, _ in seen if name == "kind"]
    assert sorted(set(gone))[0] == 0.0
    assert max(gone) == 1.0
