"""Heads on one input, blends of rows, and imbalance: each against a closed form, and all of them resumed to the bit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, prepare_targets
from mmsdk.tasks import Classification, Multilabel, Regression
from mmsdk.train import fit_heads, loop
from mmsdk.train.batches import Labels, Rows
from mmsdk.train.learnable import class_weights_of
from mmsdk.train.mixing import Blend, blend_rows
from mmsdk.train.objective import Objective
from mmsdk.train.unimodal import UnimodalHeads


def batch(n=40, seed=0):
    """Return rows of four classes, a third of each input absent."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(n, 2, generator=generator) < 0.67
    present[~present.any(1), 0] = True
    labels = Labels(
        values=torch.randint(0, 4, (n,), generator=generator),
        labelled=torch.rand(n, generator=generator) < 0.6,
        complete=False,
    )
    standard = [torch.randn(n, size, generator=generator) * present[:, [at]] for at, size in enumerate((12, 8))]
    return Rows(standard=standard, present=present, labels={"kind": labels})


def objective_of(targets, **changed):
    return Objective(targets=targets, class_weights={"kind": None}, **{"match": 0.0, **changed})


def test_a_head_on_one_input_learns_from_rows_that_have_it(problem, settings, parts):
    targets, net = parts(problem, settings(), modality_dropout=0.9)
    net.projector.dropout.threshold, net.projector.input_dropout = 0, 0.0
    alone = UnimodalHeads(net, targets, {"title": 0.3})
    objective = objective_of(targets, unimodal={"title": 0.3})
    rows = batch()
    terms, _ = objective.terms(net.train(), rows, torch.Generator().manual_seed(0), alone)
    assert sorted(terms) == ["kind", "kind:title"]
    assert terms["kind:title"].weight == 0.3
    chosen = rows.present[:, 1] & rows.labels["kind"].labelled
    token = net.projector(rows.standard)[chosen, 1]
    losses = [
        torch.nn.functional.cross_entropy(head(part), rows.labels["kind"].values[chosen])
        for head, part in zip(alone.heads[0], token.chunk(2, dim=1), strict=True)
    ]
    assert torch.allclose(terms["kind:title"].loss, torch.stack(losses).mean())
    assert objective.weights(net) == {"kind": 1.0, "kind:title": pytest.approx(0.3)}


def test_heads_on_one_input_are_gone_in_use(problem, settings, parts):
    targets, net = parts(problem, settings(epochs=1))
    before = {name: one.shape for name, one in net.state_dict().items()}
    result = fit_heads(problem[0], targets, net, settings(epochs=1, unimodal={"photo": 0.5}), problem[2], quiet=True)
    assert {name: one.shape for name, one in net.state_dict().items()} == before
    assert {"loss/kind", "loss/kind:photo"} <= result.history[0].keys()
    assert "loss/kind:title" not in result.history[0]


def test_a_blend_has_what_both_rows_have():
    generator = torch.Generator().manual_seed(0)
    tokens, present = torch.randn(300, 3, 4), torch.rand(300, 3, generator=generator) < 0.4
    blended, seen, blend = blend_rows(tokens, present, 0.4, generator)
    both = present & present[blend.partner]
    mixed = both.any(1)
    assert torch.equal(seen, torch.where(mixed[:, None], both, present))
    assert torch.equal(blend.share[~mixed], torch.ones(int((~mixed).sum())))
    assert torch.equal(blended[~mixed], tokens[~mixed])
    share = blend.share[:, None, None]
    assert torch.allclose(blended, share * tokens + (1 - share) * tokens[blend.partner])
    assert sorted(blend.partner.tolist()) == list(range(300))


def test_shares_of_a_blend_are_of_the_beta_distribution():
    tokens, present = torch.zeros(20_000, 1, 1), torch.ones(20_000, 1, dtype=torch.bool)
    for strength in (0.2, 1.0):
        share = blend_rows(tokens, present, strength, torch.Generator().manual_seed(1))[2].share
        assert share.mean().item() == pytest.approx(0.5, abs=0.01)
        assert share.var().item() == pytest.approx(1 / (4 * (2 * strength + 1)), abs=0.004)


def test_targets_are_blended_by_their_losses(problem, settings, parts):
    targets, _ = parts(problem, settings())
    labels = Labels(
        values=torch.tensor([0, 1, 2, 3, 0, 1]),
        labelled=torch.tensor([True, True, False, True, False, False]),
        complete=False,
    )
    blend = Blend(partner=torch.tensor([1, 2, 0, 3, 5, 4]), share=torch.tensor([0.7, 0.6, 0.9, 0.5, 0.8, 0.2]))
    logits = torch.randn(2, 6, 4)
    loss = -logits.log_softmax(2).mean(0)
    expected = 0.7 * loss[0, 0] + 0.6 * loss[1, 1] + 0.5 * loss[3, 3]  # own labels
    expected = expected + 0.3 * loss[0, 1] + 0.1 * loss[2, 0] + 0.5 * loss[3, 3]  # the partners'
    found = objective_of(targets).task_loss("kind", logits, labels, blend)
    assert torch.allclose(found, expected / (0.7 + 0.6 + 0.5 + 0.3 + 0.1 + 0.5))


def test_blends_are_for_training_alone(problem, settings, parts):
    targets, net = parts(problem, settings())
    rows = batch()
    answers = [
        objective_of(targets, mixup=mixup)(net.eval(), rows, torch.Generator().manual_seed(0))[0] for mixup in (0, 5.0)
    ]
    assert torch.equal(*answers)


@pytest.mark.parametrize("way", ["focal", "logit_adjustment"])
def test_a_way_with_rare_classes_is_refused_where_no_task_has_classes(problem, settings, way):
    embeddings, cells, split = problem
    task = Regression()
    target, _ = prepare_targets(task, list(range(len(cells))), split, name="size", column="size")
    block = SimpleNamespace(dim=8, members=1, modality_dropout=0.0, options={})
    net = build_net({"photo": 12, "title": 8}, {"size": task}, GatedFusion, block)
    with pytest.raises(ConfigError, match=f"training.imbalance: {way} is for rare classes, and no task here has"):
        fit_heads(embeddings, {"size": target}, net, settings(epochs=1, imbalance=way), split, quiet=True)
    fit_heads(embeddings, {"size": target}, net, settings(epochs=1, imbalance="none"), split, quiet=True)


def test_one_input_without_a_task_keeps_the_cosines_of_rows_and_not_of_blends():
    """The term compares with the row's own vector, which is nobody's once two rows are mixed."""
    settings = SimpleNamespace(dim=32, members=2, modality_dropout=0.0, options={})
    net = build_net({"photo": 12}, {}, GatedFusion, settings, input_dropout=0.0).train()
    rows = Rows(standard=[torch.randn(40, 12)], present=torch.ones(40, 1, dtype=torch.bool), labels={})
    losses = [
        Objective(targets={}, class_weights={}, match=1.0, mixup=mixup).terms(net, rows, torch.Generator())[0][":match"]
        for mixup in (0.0, 1.0)
    ]
    assert torch.equal(losses[0].loss, losses[1].loss)


def test_focal_is_the_formula_and_gamma_zero_the_weights():
    logits, targets = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    weights = torch.tensor([0.5, 1.0, 2.0])
    chance = logits.softmax(1)[torch.arange(7), targets]
    found = Classification(imbalance="focal", focal_gamma=2.0).loss(logits, targets, weights)
    assert torch.allclose(found, -weights[targets] * (1 - chance) ** 2 * chance.log())
    plain = Classification(label_smoothing=0.1).loss(logits, targets, weights)
    flat = Classification(label_smoothing=0.1, imbalance="focal", focal_gamma=0.0).loss(logits, targets, weights)
    assert torch.allclose(flat, plain)
    cells = torch.randint(0, 2, (7, 3)).float()
    chance = torch.where(cells > 0.5, logits.sigmoid(), 1 - logits.sigmoid())
    found = Multilabel(imbalance="focal", focal_gamma=3.0).loss(logits, cells, None)
    assert torch.allclose(found, (-((1 - chance) ** 3) * chance.log()).mean(1), atol=1e-6)


def test_focal_has_a_finite_slope_on_a_row_that_is_surely_right():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    Classification(imbalance="focal", focal_gamma=0.5).loss(logits, torch.tensor([0]), None).sum().backward()
    assert torch.isfinite(logits.grad).all()


def minimum_of(task, targets, weights, width):
    """Return the logits that minimise the loss when no input tells anything."""
    logits = torch.zeros(1, width, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-9)

    def closure():
        optimiser.zero_grad()
        loss = task.loss(logits.expand(len(targets), width), targets, weights).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    return logits.detach()[0]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_logit_adjustment_answers_balanced(smoothing):
    """Where no input tells anything, balanced answers are even, whatever the shares; smoothing does not spoil it."""
    task = Classification(label_smoothing=smoothing, imbalance="logit_adjustment")
    task.prepare(["a"] * 90 + ["b"] * 9 + ["c"])
    targets = np.array([0] * 90 + [1] * 9 + [2])
    prior = task.log_prior(targets)
    assert np.exp(prior) == pytest.approx([0.9, 0.09, 0.01])
    found = minimum_of(task, torch.from_numpy(targets), torch.from_numpy(prior), 3)
    assert (found - found.mean()).abs().max().item() < 1e-2


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_logit_adjustment_of_several_labels(smoothing):
    task = Multilabel(label_smoothing=smoothing, imbalance="logit_adjustment")
    cells = np.array([[1, 0]] * 9 + [[0, 1]] + [[0, 0]] * 10, dtype=np.float32)
    prior = task.log_prior(cells)
    assert prior == pytest.approx(np.log([9.5 / 11.5, 1.5 / 19.5]))
    found = minimum_of(task, torch.from_numpy(cells), torch.from_numpy(prior), 2)
    assert found.abs().max().item() < 0.5  # half a row is added to either side
    odds = minimum_of(Multilabel(imbalance="none"), torch.from_numpy(cells), None, 2)
    assert odds.numpy() == pytest.approx(np.log([9 / 11, 1 / 19]), abs=1e-3)


def test_a_task_that_does_not_know_the_way_says_so(problem, settings, parts):
    targets, _ = parts(problem, settings())
    rows = np.arange(100)
    for way in ("focal", "logit_adjustment"):
        with pytest.raises(ConfigError, match=rf"made without imbalance='{way}'"):
            class_weights_of(targets, rows, settings(imbalance=way), torch.device("cpu"))
    assert class_weights_of(targets, rows, settings(imbalance="none"), torch.device("cpu")) == {"kind": None}
    adjusted, _ = parts(problem, settings(imbalance="logit_adjustment"))
    found = class_weights_of(adjusted, rows, settings(imbalance="logit_adjustment"), torch.device("cpu"))["kind"]
    assert found.exp().sum().item() == pytest.approx(1.0)


EVERYTHING = [
    {"imbalance": "focal", "focal_gamma": 1.0, "mixup": 0.4, "unimodal": 0.3, "balance": "uncertainty", "match": 0.1},
    {"imbalance": "logit_adjustment", "unimodal": {"photo": 0.3}, "balance": "gradnorm", "match": 0.1},
    {"imbalance": "none", "mixup": 1.0, "balance": "pcgrad", "match": 0.1},
]


@pytest.mark.parametrize("changed", EVERYTHING, ids=lambda one: one["balance"])
def test_stopped_and_resumed_it_ends_with_the_same_weights(problem, settings, parts, tmp_path, monkeypatch, changed):
    config = settings(epochs=5, patience=5, **changed)
    targets, whole = parts(problem, config)
    expected = fit_heads(problem[0], targets, whole, config, problem[2], quiet=True)
    judged = loop._judge

    def stop(state, row, training):
        if row["epoch"] == 3:
            raise KeyboardInterrupt
        judged(state, row, training)

    targets, net = parts(problem, config)
    monkeypatch.setattr(loop, "_judge", stop)
    with pytest.raises(KeyboardInterrupt):
        fit_heads(problem[0], targets, net, config, problem[2], folder=tmp_path, quiet=True, checkpoint_seconds=0)
    monkeypatch.setattr(loop, "_judge", judged)
    targets, net = parts(problem, config)
    result = fit_heads(problem[0], targets, net, config, problem[2], folder=tmp_path, quiet=True)
    assert result.resumed_from == 2
    assert result.history == expected.history
    assert all(torch.equal(one, net.state_dict()[name]) for name, one in whole.state_dict().items())
