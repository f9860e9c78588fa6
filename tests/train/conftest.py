"""A small problem that needs both of its inputs, and the settings of a training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, prepare_targets
from mmsdk.tasks import Classification

DIMS = {"photo": 12, "title": 8}


def make_problem(n=240, seed=0, missing=0.2):
    """Return embeddings, cells and a split: the class is told by one input's half and the other input's half."""
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 2, n), random.integers(0, 2, n)
    means = {name: random.normal(size=(2, size)) for name, size in DIMS.items()}
    values = {
        "photo": (means["photo"][first] + random.normal(size=(n, 12)) * 0.5).astype(np.float32),
        "title": (means["title"][second] + random.normal(size=(n, 8)) * 0.5).astype(np.float32),
    }
    present = {name: random.random(n) >= missing for name in DIMS}
    split = np.array(["train"] * (n * 2 // 3) + ["val"] * (n // 6) + ["test"] * (n - n * 2 // 3 - n // 6), dtype=object)
    return (
        SimpleNamespace(values=values, present=present),
        [f"{a}{b}" for a, b in zip(first, second, strict=True)],
        split,
    )


def make_settings(**changed):
    """Return the ``training`` block."""
    settings = {
        "epochs": 8,
        "batch_size": 32,
        "learning_rate": 3e-3,
        "weight_decay": 0.01,
        "dropout": 0.1,
        "label_smoothing": 0.0,
        "patience": 8,
        "imbalance": "weights",
        "focal_gamma": 2.0,
        "mixup": 0.0,
        "unimodal": 0.0,
        "balance": "fixed",
        "match": 0.0,
        "match_loss": "infonce",
        "refit": False,
        "amp": True,
        "tensorboard": False,
        "seed": 0,
    }
    return SimpleNamespace(**settings | changed)


def make_parts(problem, settings, *, dims=DIMS, modality_dropout=0.2, dim=24):
    """Return targets and a fresh network for a problem."""
    _, cells, split = problem
    task = Classification(
        label_smoothing=settings.label_smoothing, imbalance=settings.imbalance, focal_gamma=settings.focal_gamma
    )
    target, _ = prepare_targets(task, cells, split, name="kind", column="kind")
    fusion = SimpleNamespace(dim=dim, members=2, modality_dropout=modality_dropout, options={})
    net = build_net(
        dims, {"kind": task}, GatedFusion, fusion, dropout=settings.dropout, input_dropout=0.1, seed=settings.seed
    )
    return {"kind": target}, net


@pytest.fixture
def problem():
    return make_problem()


@pytest.fixture
def settings():
    return make_settings


@pytest.fixture
def parts():
    return make_parts
