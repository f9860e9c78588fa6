"""Late fusion: inputs answer apart, what they answer is calibrated on validation rows and stacked."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mmsdk.config.learning import TrainingConfig
from mmsdk.errors import ConfigError
from mmsdk.fusion import LateFusion, LateHead, stack_answers
from mmsdk.model import build_net, infer, prepare_targets
from mmsdk.tasks import Classification
from mmsdk.train import fit_heads

ROWS = 400


def test_the_stack_is_what_its_docstring_says():
    torch.manual_seed(0)
    own, here = torch.randn(3, 2, 4), torch.tensor([[True, True], [True, False], [False, False]])
    heat, weights, trust = torch.tensor([0.5, -0.3]), torch.tensor([0.2, 1.0]), torch.tensor([0.7])
    found = stack_answers(own, here, heat, weights, trust)
    shares, cooled = weights.softmax(0), own / heat.exp()[:, None]
    both = 2**0.7 * (shares[0] * cooled[:, 0] + shares[1] * cooled[:, 1])
    assert torch.allclose(found[0], both[0])
    assert torch.allclose(found[1], cooled[1, 0])
    assert torch.allclose(found[2], both[2])


def test_the_vector_is_the_tokens_side_by_side():
    torch.manual_seed(0)
    fusion, tokens = LateFusion(["a", "b", "c"], 8), torch.randn(2, 3, 8)
    vector = fusion(tokens, torch.tensor([[True, True, True], [True, False, True]]))
    assert fusion.size == 2
    assert torch.equal(vector[1, 2:4], torch.zeros(2))
    assert torch.equal(vector[:, 6:], torch.zeros(2, 2))
    for n in range(3):
        assert torch.allclose(vector[0, 2 * n : 2 * n + 2], tokens[0, n] @ fusion.shorten[n] + fusion.start[n, 0])


def test_each_input_is_taught_by_its_own_loss_alone():
    torch.manual_seed(0)
    head = LateHead([nn.Linear(2, 3) for _ in range(2)], 2).train()
    vector = torch.tensor([[1.0, 2.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]], requires_grad=True)
    answers = head(vector)
    assert answers.shape == (2, 2, 3)
    answers[1, 0].sum().backward()  # of input 1 in the row that lacks it: the stack stands in, without a gradient
    assert head.heads[0].weight.grad is None or not head.heads[0].weight.grad.any()
    assert not head.heads[1].weight.grad.any()
    vector.grad = None
    head(vector)[1, 1].sum().backward()
    assert not vector.grad[:, :2].any()
    assert vector.grad[1, 2:].all()


def test_too_many_inputs_for_the_width_are_refused():
    with pytest.raises(ConfigError, match="late gives each of 5 inputs its part of the 4 values"):
        LateFusion(list("abcde"), 4)


def clues(seed=0):
    """Return two inputs that each know the answer with an error of their own; one shouts, one knows more."""
    random = np.random.default_rng(seed)
    kind = random.integers(2, size=ROWS)
    values = {}
    for name, error in (("sure", 1.0), ("unsure", 2.0)):
        values[name] = random.normal(size=(ROWS, 6)).astype(np.float32)
        values[name][:, 0] = 2 * kind - 1 + random.normal(size=ROWS) * error
    present = {name: random.random(ROWS) > 0.1 for name in values}
    split = np.array(["train", "val"], dtype=object)[(np.arange(ROWS) % 2)]
    return SimpleNamespace(values=values, present=present), [("no", "yes")[one] for one in kind], split


def fitted(split=None, **training):
    embeddings, cells, drawn = clues()
    split = drawn if split is None else split
    target, _ = prepare_targets(Classification(), cells, split, name="kind", column="kind")
    fusion = SimpleNamespace(dim=16, members=2, modality_dropout=0.2, options={})
    net = build_net({"sure": 6, "unsure": 6}, {"kind": target.task}, LateFusion, fusion, dropout=0.2)
    result = fit_heads(
        embeddings, {"kind": target}, net, TrainingConfig(epochs=15, patience=15, **training), split, quiet=True
    )
    return net, result, embeddings, target


def test_the_stack_is_settled_on_validation_rows():
    net, _, embeddings, target = fitted()
    told = net.readings()
    assert told["kind, weight of sure"] > told["kind, weight of unsure"] > 0
    assert told["kind, trust"] > 0.3  # they err independently
    assert set(told) == {
        *(f"kind, {what} of {name}" for what in ("weight", "temperature") for name in ("sure", "unsure")),
        "kind, trust",
    }
    held = np.arange(1, ROWS, 2)
    truth = torch.from_numpy(target.values[held])
    settled = {name: one.clone() for name, one in net.state_dict().items()}

    def loss():
        logits = infer(net, embeddings.values, embeddings.present, rows=held)[1]["kind"]
        return nn.functional.cross_entropy(torch.from_numpy(logits), truth).item()

    best = loss()
    for name, one in settled.items():
        if name.endswith(("log_temperature", "weights", "trust")):
            one.zero_()
    net.load_state_dict(settled)
    assert best < loss() - 0.005


def test_without_validation_rows_nothing_is_settled():
    net = fitted(np.full(ROWS, "train", dtype=object))[0]
    assert net.readings()["kind, trust"] == 0
    assert net.readings()["kind, weight of sure"] == pytest.approx(0.5)


def test_a_refit_keeps_what_was_settled():
    once, again = fitted()[0], fitted(refit=True)[0]
    assert once.readings() == again.readings()
    assert not torch.equal(once.heads[0][0].heads[0].weight, again.heads[0][0].heads[0].weight)


def test_a_row_without_one_input_or_any_is_answered():
    net, _, embeddings, _ = fitted()
    for keep in (("sure",), ("unsure",), ()):
        logits = infer(net, embeddings.values, embeddings.present, keep=keep)[1]["kind"]
        assert np.isfinite(logits).all()
        assert keep or np.allclose(logits, logits[0])


def test_the_match_term_is_left_out_and_without_a_task_there_is_nothing_to_learn():
    _, result, embeddings, _ = fitted(match=0.5)
    assert "loss/match" not in result.history[0]
    fusion = SimpleNamespace(dim=16, members=2, modality_dropout=0.2, options={})
    net = build_net({"sure": 6, "unsure": 6}, {}, LateFusion, fusion)
    with pytest.raises(ConfigError, match="LateFusion ties no inputs together, and there is no task"):
        fit_heads(embeddings, {}, net, TrainingConfig(), np.full(ROWS, "train", dtype=object), quiet=True)


def test_another_head_is_refused():
    fusion = SimpleNamespace(dim=16, members=2, modality_dropout=0.2, options={})
    task = fitted()[3].task
    with pytest.raises(ConfigError, match="the fusion late has heads of its own"):
        build_net({"a": 6}, {"kind": task}, LateFusion, fusion, head=SimpleNamespace(type="ensemble", options={}))
