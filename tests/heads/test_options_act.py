"""Every option of every head changes what is answered; heads beside a network of sequences or of a joint space."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.embed.sequences import Layout
from mmsdk.fusion import GatedFusion, JointFusion
from mmsdk.heads import OPTIONS, EnsembleHead, Lesson, fit_linear, fit_stacked, read_options
from mmsdk.model import build_net, infer
from mmsdk.tasks import Classification
from mmsdk.train.population import fit_population
from mmsdk.trainable import SequenceStem

BASE = {
    "ensemble": {"members": 3, "hidden": 6, "layers": 1, "dropout": 0.1},
    "linear": {"penalty": 0.0, "folds": 2},
    "stacked": {"penalty": 0.0, "folds": 2, "margin": 0.0},
    "population": {"size": 3, "keep": 1, "hidden": 4, "rank": 3},
}
CHANGED = {
    "ensemble": {"members": 4, "hidden": 5, "layers": 2, "dropout": 0.9},
    "linear": {"penalty": 100.0, "folds": 7},
    "stacked": {"penalty": 100.0, "folds": 7, "margin": 10.0},
    "population": {"size": 6, "keep": 2, "hidden": 5, "rank": 5},
}
ELSEWHERE = {"plain": "has none", "blend": "tests/app/test_heads.py", "boosting": "tests/heads/test_boosting.py"}


def lesson_of(seed=0, n=60):
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, n)
    values = {
        name: np.eye(3)[kind] @ np.ones((3, size)) + random.normal(size=(n, size))
        for name, size in (("x", 6), ("y", 2))
    }
    values["x"][:, :3] += 1.2 * np.eye(3)[kind]
    task = Classification()
    task.prepare(["a", "b", "c"])
    vectors = {name: torch.from_numpy(one.astype(np.float32)) for name, one in values.items()}
    present = torch.ones(n, 2, dtype=torch.bool)
    return Lesson(vectors=vectors, present=present, task=task, targets=torch.from_numpy(kind))


def answered(kind, options):
    lesson = lesson_of()
    options = read_options(kind, options)
    if kind == "ensemble":
        torch.manual_seed(0)
        return EnsembleHead(6, 3, options)(lesson.vectors["x"]).mean(0).detach()
    if kind == "linear":
        head = fit_linear(lesson, options)
    elif kind == "stacked":
        head = fit_stacked(lesson, options)
    else:
        config = SimpleNamespace(epochs=3, batch_size=16, patience=3)
        head = fit_population(lesson, lesson_of(1), options, config)
    masks = {name: lesson.present[:, place] for place, name in enumerate(lesson.inputs)}
    return head(lesson.vectors, masks, torch.empty(0))


@pytest.mark.parametrize(("kind", "option"), [(kind, option) for kind, one in CHANGED.items() for option in one])
def test_an_option_acts(kind, option):
    if (kind, option) == ("linear", "folds"):
        assert _folds_asked(2) == 2
        assert _folds_asked(7) == 7
        return
    base, other = answered(kind, BASE[kind]), answered(kind, BASE[kind] | {option: CHANGED[kind][option]})
    assert not torch.allclose(base, other, atol=1e-4)


def _folds_asked(count):
    """Return how many folds the choice of a penalty makes."""
    from mmsdk.heads import linear

    seen = []
    real = linear.inner_folds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, "inner_folds", lambda lesson, asked: seen.append(real(lesson, asked)) or seen[-1])
        answered("linear", {"folds": count})
    return len(seen[0])


def test_every_option_stands_here_or_there():
    assert set(CHANGED) | set(ELSEWHERE) == set(OPTIONS)
    for kind, one in CHANGED.items():
        assert set(one) == {each.name for each in fields(read_options(kind, {}))}


def test_a_head_beside_sequences_reads_the_mean_of_their_steps():
    layout, random = Layout(steps=4, dim=3), np.random.default_rng(0)
    rows = random.normal(size=(5, layout.size)).astype(np.float32)
    rows[:, :4] = 0.5
    rows[0, 2:4] = rows[1, :4] = -1.0
    stem = SequenceStem(torch.nn.Identity(), 4, 3)
    assert np.allclose(stem.means(torch.from_numpy(rows)).numpy(), layout.means(rows), atol=1e-6)


@pytest.mark.parametrize(("fusion", "joint"), [(GatedFusion, False), (JointFusion, True)])
def test_a_head_answers_in_the_place_of_any_network(fusion, joint):
    """Also where the network knows an input more, as one that only a query has."""
    lesson = lesson_of()
    head = fit_linear(lesson, read_options("linear", {"penalty": 1.0}))
    dims = {"x": 6, "y": 2, "asked": 6} if not joint else {"x": 6, "asked": 6}
    settings = SimpleNamespace(dim=6, members=1, modality_dropout=0.0, options={})
    net = build_net(dims, {"kind": lesson.task}, fusion, settings, joint=joint).eval()
    if joint:
        head = fit_linear(
            Lesson(
                vectors={"x": lesson.vectors["x"]},
                present=lesson.present[:, :1],
                task=lesson.task,
                targets=lesson.targets,
            ),
            read_options("linear", {"penalty": 1.0}),
        )
    net.attach({"kind": head})
    values = {name: one.numpy() for name, one in lesson.vectors.items() if name in dims}
    here = {name: np.ones(60, bool) for name in dims}
    found = infer(net, values, here)[1]["kind"]
    masks = {name: torch.ones(60, dtype=torch.bool) for name in head.inputs}
    assert np.allclose(found, head(lesson.vectors, masks, torch.empty(0)).numpy(), atol=1e-6)
    blind = infer(net, {"asked": values["x"]}, here)[1]["kind"]
    assert np.allclose(blind, lesson.task.baseline(60), atol=1e-6)
