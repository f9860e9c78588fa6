"""The match term: subsets of one row come together, so that a search by one input works without any label."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from mmsdk.align.losses import LOSSES
from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, infer
from mmsdk.train import fit_heads
from mmsdk.train.masks import drop_inputs, other_subset


def shared_meaning(n=400, seed=0):
    """Return two inputs that say the same thing in different words."""
    random = np.random.default_rng(seed)
    meaning = random.normal(size=(n, 6))
    values = {
        "photo": (meaning @ random.normal(size=(6, 20)) + 0.3 * random.normal(size=(n, 20))).astype(np.float32),
        "title": (meaning @ random.normal(size=(6, 12)) + 0.3 * random.normal(size=(n, 12))).astype(np.float32),
    }
    present = {name: np.ones(n, dtype=bool) for name in values}
    split = np.array(["train"] * (n - 100) + ["val"] * 50 + ["test"] * 50, dtype=object)
    return SimpleNamespace(values=values, present=present), split


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_one_input_finds_the_row_indexed_with_all(settings):
    embeddings, split = shared_meaning()
    rows = np.flatnonzero(split == "test")
    found = {}
    for epochs in (1, 40):
        net = build_net(
            {"photo": 20, "title": 12},
            {},
            GatedFusion,
            SimpleNamespace(dim=32, members=2, modality_dropout=0.2, options={}),
        )
        config = settings(epochs=epochs, match=1.0, patience=40)
        result = fit_heads(embeddings, {}, net, config, split, quiet=True)
        whole = unit(infer(net, embeddings.values, embeddings.present, rows=rows)[0])
        asked = unit(infer(net, embeddings.values, embeddings.present, rows=rows, keep=["title"])[0])
        found[epochs] = (np.argmax(asked @ whole.T, axis=1) == np.arange(len(rows))).mean()
    assert found[40] > 0.7
    assert found[40] > found[1]
    assert result.history[-1]["val/loss"] < result.history[0]["val/loss"]


def test_one_input_and_no_task_keeps_the_neighbours(settings):
    embeddings, split = shared_meaning()
    rows = np.flatnonzero(split == "test")
    given = embeddings.values["photo"]
    given = unit(((given - given[split == "train"].mean(0)) / given[split == "train"].std(0))[rows])
    found = {}
    for epochs in (1, 30):
        net = build_net(
            {"photo": 20}, {}, GatedFusion, SimpleNamespace(dim=32, members=2, modality_dropout=0.2, options={})
        )
        fit_heads(embeddings, {}, net, settings(epochs=epochs, match=0.5, patience=30), split, quiet=True)
        fused = unit(infer(net, embeddings.values, embeddings.present, rows=rows)[0])
        found[epochs] = np.corrcoef((fused @ fused.T).ravel(), (given @ given.T).ravel())[0, 1]
    assert found[30] > 0.9
    assert found[30] > found[1]


def test_dropping_inputs_never_drops_all_and_never_adds():
    generator = torch.Generator().manual_seed(0)
    present = torch.rand(2000, 3, generator=generator) < 0.6
    kept = drop_inputs(present, 0.7, generator)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(1), present.any(1))
    whole = present.all(1)
    share = kept[whole].float().mean().item()
    assert 0.3 < share < 0.5  # 0.3 survive, and the last one of a row stays
    assert drop_inputs(present, 0.0, generator) is present


def test_the_other_subset_differs_wherever_it_can():
    generator = torch.Generator().manual_seed(0)
    present = torch.rand(2000, 3, generator=generator) < 0.7
    first = drop_inputs(present, 0.3, generator)
    second = other_subset(present, first, generator)
    assert not (second & ~present).any()
    assert torch.equal(second.any(1), present.any(1))
    several = present.sum(1) > 1
    assert (second != first).any(1)[several].all()
    assert len({tuple(row) for row in second[present.all(1)].tolist()}) == 7


def test_rows_with_one_input_take_no_part_in_the_match():
    first, second = torch.randn(6, 4), torch.randn(6, 4)
    counts = torch.tensor([True, True, False, True, False, True])
    for name, loss in LOSSES.items():
        assert torch.allclose(loss(first, second, counts), loss(first[counts], second[counts], counts[counts])), name
        assert loss(first, second, torch.zeros(6, dtype=torch.bool)).item() == 0.0, name
