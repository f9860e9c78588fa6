"""The loop: it learns, stops, repeats itself, says what it cannot do; every setting acts."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError, DataError
from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, infer, prepare_targets
from mmsdk.tasks import Multilabel, Regression
from mmsdk.train import fit_heads


def weights(net):
    return torch.cat([one.flatten().float() for one in net.state_dict().values()])


def trained(problem, parts, config, **kwargs):
    targets, net = parts(problem, config)
    return fit_heads(problem[0], targets, net, config, problem[2], quiet=True, **kwargs), net


def test_it_learns_from_both_inputs(problem, settings, parts):
    result, net = trained(problem, parts, settings(epochs=20))
    embeddings, cells, split = problem
    both = (split == "test") & embeddings.present["photo"] & embeddings.present["title"]
    _, logits = infer(net, embeddings.values, embeddings.present, rows=np.flatnonzero(both))
    truth = np.unique(cells, return_inverse=True)[1][both]
    assert (logits["kind"].argmax(1) == truth).mean() > 0.9
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert not net.training


def test_a_task_may_be_called_loss(problem, settings, parts):
    config = settings(epochs=2)
    plain, _ = trained(problem, parts, config)
    targets, _ = parts(problem, config)
    block = SimpleNamespace(dim=24, members=2, modality_dropout=0.2, options={})
    net = build_net(
        {"photo": 12, "title": 8}, {"loss": targets["kind"].task}, GatedFusion, block, dropout=0.1, input_dropout=0.1
    )
    named = fit_heads(problem[0], {"loss": targets["kind"]}, net, config, problem[2], quiet=True)
    assert [row["val/loss"] for row in named.history] == [row["val/loss"] for row in plain.history]


def test_the_same_seed_gives_the_same_weights_and_torch_is_left_alone(problem, settings, parts):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = trained(problem, parts, settings())[1]
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(weights(first), weights(trained(problem, parts, settings())[1]))


CHANGES = [
    {"epochs": 3},
    {"batch_size": 8},
    {"learning_rate": 1e-3},
    {"weight_decay": 0.5},
    {"dropout": 0.5},
    {"label_smoothing": 0.3},
    {"imbalance": "none"},
    {"imbalance": "focal"},
    {"imbalance": "logit_adjustment"},
    {"mixup": 0.4},
    {"unimodal": 0.5},
    {"unimodal": {"photo": 0.5}},
    {"balance": "uncertainty", "match": 0.2},
    {"match": 0.5},
    {"seed": 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_every_setting_changes_the_weights(problem, settings, parts, change):
    config = {"epochs": 2}
    if "balance" in change:
        config |= {"match": change["match"]}
    plain = trained(problem, parts, settings(**config))[1]
    assert not torch.equal(weights(plain), weights(trained(problem, parts, settings(**config | change))[1]))


def test_modality_dropout_changes_the_weights(problem, settings, parts):
    config = settings(epochs=2)
    found = []
    for rate in (0.0, 0.5):
        targets, net = parts(problem, config, modality_dropout=rate)
        fit_heads(problem[0], targets, net, config, problem[2], quiet=True)
        found.append(weights(net))
    assert not torch.equal(*found)


def test_patience_stops_and_the_best_epoch_is_kept(problem, settings, parts):
    config = settings(epochs=60, patience=3, learning_rate=0.02)
    result, net = trained(problem, parts, config)
    assert len(result.history) < 60
    assert len(result.history) == result.best_epoch + 3
    embeddings, _, split = problem
    rows = np.flatnonzero((split == "val") & np.any(list(embeddings.present.values()), axis=0))
    targets, _ = parts(problem, config)
    _, logits = infer(net, embeddings.values, embeddings.present, rows=rows)
    score = targets["kind"].task.scores(logits["kind"], targets["kind"].values[rows])["balanced_accuracy"]
    assert score(np.arange(len(rows))) == pytest.approx(result.history[result.best_epoch - 1]["val/kind"])


def test_without_validation_rows_every_epoch_is_trained_and_it_says_so(problem, settings, parts, capsys):
    embeddings, cells, split = problem
    everything = np.array(["train"] * len(split), dtype=object)
    config = settings(epochs=4, patience=1)
    targets, net = parts((embeddings, cells, everything), config)
    result = fit_heads(embeddings, targets, net, config, everything)
    assert (len(result.history), result.best_epoch) == (4, 4)
    assert "no validation rows: training for 4 epochs" in capsys.readouterr().err


def test_nan_garbage_of_absent_inputs_changes_no_weight(problem, settings, parts):
    clean = trained(problem, parts, settings(epochs=2))[1]
    embeddings, cells, split = problem
    garbage = {
        name: np.where(embeddings.present[name][:, None], one, np.nan) for name, one in embeddings.values.items()
    }
    dirty = SimpleNamespace(values=garbage, present=embeddings.present)
    assert torch.equal(weights(clean), weights(trained((dirty, cells, split), parts, settings(epochs=2))[1]))


def test_a_row_without_any_input_is_left_out(problem, settings, parts):
    embeddings, cells, split = problem
    empty = ~(embeddings.present["photo"] | embeddings.present["title"]) & (split == "train")
    assert empty.any()
    relabelled = ["00" if gone else cell for cell, gone in zip(cells, empty, strict=True)]
    config = settings(epochs=2, imbalance="none")
    plain = trained(problem, parts, config)[1]
    assert torch.equal(weights(plain), weights(trained((embeddings, relabelled, split), parts, config)[1]))


def test_tasks_with_gaps_in_their_labels_train_together(problem, settings):
    embeddings, cells, split = problem
    random = np.random.default_rng(0)
    columns = {
        "tags": [f"{cell[0]}|{cell[1]}x" if random.random() < 0.5 else None for cell in cells],
        "price": [10 * int(cell[0]) + int(cell[1]) if random.random() < 0.5 else "" for cell in cells],
    }
    tasks = {"tags": Multilabel(), "price": Regression()}
    targets = {
        name: prepare_targets(task, columns[name], split, name=name, column=name)[0] for name, task in tasks.items()
    }
    fusion = SimpleNamespace(dim=24, members=2, modality_dropout=0.1, options={})
    net = build_net({"photo": 12, "title": 8}, tasks, GatedFusion, fusion)
    result = fit_heads(embeddings, targets, net, settings(epochs=15, patience=15), split, quiet=True)
    last = result.history[-1]
    assert last["val/tags"] > 0.7
    assert last["val/price"] < 4
    assert last["val/score"] == pytest.approx(
        np.mean([last["val/tags"], 1 - last["val/price"] / blind(targets, split, embeddings)])
    )


def blind(targets, split, embeddings):
    usable = np.any(list(embeddings.present.values()), axis=0)
    usable &= targets["tags"].labelled | targets["price"].labelled
    rows = targets["price"].labelled_rows((split == "val") & usable)
    task = targets["price"].task
    return task.scores(task.baseline(len(rows)), targets["price"].values[rows])["mae"](np.arange(len(rows)))


def test_task_weight_acts(problem, settings, parts):
    from dataclasses import replace

    config = settings(epochs=2)
    found = []
    for weight in (1.0, 0.1):
        targets, net = parts(problem, config)
        fit_heads(problem[0], {"kind": replace(targets["kind"], weight=weight)}, net, config, problem[2], quiet=True)
        found.append(weights(net))
    assert not torch.equal(*found)


def test_nothing_to_learn_is_said(problem, settings, parts):
    embeddings, _, split = problem
    net = build_net({"photo": 12}, {}, GatedFusion, SimpleNamespace(dim=8, members=2, modality_dropout=0.0, options={}))
    with pytest.raises(ConfigError, match=r"training\.match is 0 and there is no task"):
        fit_heads(embeddings, {}, net, settings(), split, quiet=True)
    nothing = SimpleNamespace(values=embeddings.values, present={k: v & False for k, v in embeddings.present.items()})
    targets, net = parts(problem, settings())
    with pytest.raises(DataError, match="no training row has"):
        fit_heads(nothing, targets, net, settings(), split, quiet=True)


def test_divergence_is_said(problem, settings, parts):
    with pytest.raises(ConfigError, match=r"lower training\.learning_rate"):
        trained(problem, parts, settings(learning_rate=1e30))


def test_tensorboard_writes_events(problem, settings, parts, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(problem, parts, settings(epochs=3, tensorboard=True), folder=tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [one.step for one in events.Scalars("val/score")] == [1, 2, 3]


def test_without_tensorboard_it_says_what_to_install(problem, settings, parts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"pip install 'mmsdk\[tensorboard\]'"):
        trained(problem, parts, settings(tensorboard=True), folder=tmp_path)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_trains_with_and_without_amp(problem, settings, parts):
    for amp in (True, False):
        result, net = trained(problem, parts, settings(epochs=20, amp=amp), device="cuda")
        again = trained(problem, parts, settings(epochs=20, amp=amp), device="cuda")[1]
        assert result.history[result.best_epoch - 1]["val/score"] > 0.6
        assert torch.equal(weights(net), weights(again))


def test_refit_learns_from_the_validation_rows_too(problem, settings, parts):
    judged, _ = trained(problem, parts, settings(epochs=3))
    result, refitted = trained(problem, parts, settings(epochs=3, refit=True))
    embeddings, cells, split = problem
    everything = embeddings, cells, np.where(split == "val", "train", split)
    _, together = trained(everything, parts, settings(epochs=3))
    assert [row["val/score"] for row in result.history] == [row["val/score"] for row in judged.history]
    assert torch.equal(weights(refitted), weights(together))


def test_refit_without_validation_rows_changes_nothing(problem, settings, parts):
    embeddings, cells, split = problem
    everything = embeddings, cells, np.where(split == "val", "train", split)
    plain, same = (trained(everything, parts, settings(epochs=2, refit=refit))[1] for refit in (False, True))
    assert torch.equal(weights(plain), weights(same))
