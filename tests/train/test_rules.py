"""Rules teach: the semantic loss against the closed form, rows without labels included, and nothing where none acts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, infer, prepare_targets
from mmsdk.tasks import Classification, Multilabel, Regression
from mmsdk.train import fit_heads


def test_the_cost_is_minus_the_log_of_what_is_allowed():
    logits = torch.randn(5, 4, dtype=torch.float64)
    allowed = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]], dtype=torch.bool)
    single = -(logits.softmax(1) * allowed).sum(1).log()
    assert torch.allclose(Classification().allowed_loss(logits, allowed), single)
    assert Classification().allowed_loss(logits, allowed)[1] == 0
    absent = -torch.where(allowed, 1.0, 1 - logits.sigmoid()).prod(1).log() / 4
    assert torch.allclose(Multilabel().allowed_loss(logits, allowed), absent)
    rough = torch.tensor([[6.0, 0.0, 0.0]]).bfloat16()  # mixed precision on a GPU: 0.005 is no nothing
    forbidden = torch.tensor([[True, False, False]])
    assert Classification().allowed_loss(rough, forbidden)[0] == pytest.approx(0.004945, rel=0.01)


def ruled(problem, parts, settings, *, weight, labelled=True):
    """Train under a rule that forbids classes 2 and 3 to every row; return its net and the share they are given."""
    embeddings, cells, split = problem
    if not labelled:
        cells = [cell if n % 4 == 0 else "" for n, cell in enumerate(cells)]
    config = settings(epochs=4)
    targets, net = parts((embeddings, cells, split), config)
    allowed = np.tile([True, True, False, False], (len(split), 1))
    allowed[(np.arange(len(split)) % 4 == 0) if not labelled else slice(1, None, 2)] = False  # nothing left: no rule
    targets = {"kind": replace(targets["kind"], allowed=allowed, rule_weight=weight)}
    result = fit_heads(embeddings, targets, net, config, split, quiet=True)
    chances = np.exp(infer(net, embeddings.values, embeddings.present)[1]["kind"])
    return result, (chances / chances.sum(1, keepdims=True))[:, 2:].mean(), net


def test_what_is_forbidden_becomes_unlikely(problem, parts, settings):
    (_, free, _), (result, bound, _) = (ruled(problem, parts, settings, weight=weight) for weight in (0.0, 5.0))
    assert bound < 0.5 * free
    assert result.history[-1]["loss/rules/kind"] < result.history[0]["loss/rules/kind"]


def test_rows_without_a_label_learn_from_rules(problem, parts, settings):
    (_, free, _), (_, bound, _) = (ruled(problem, parts, settings, weight=w, labelled=False) for w in (0.0, 5.0))
    assert bound < 0.5 * free


def test_rules_that_leave_everything_change_nothing(problem, parts, settings):
    found = []
    for allowed in (None, np.ones((240, 4), dtype=bool)):
        config = settings(epochs=2)
        targets, net = parts(problem, config)
        targets = {"kind": replace(targets["kind"], allowed=allowed, rule_weight=1.0 if allowed is not None else 0.0)}
        fit_heads(problem[0], targets, net, config, problem[2], quiet=True)
        found.append(torch.cat([one.flatten() for one in net.state_dict().values()]))
    assert torch.allclose(*found, atol=1e-6)


def test_a_task_that_cannot_be_taught_by_rules_says_so(problem, settings):
    embeddings, cells, split = problem
    target, _ = prepare_targets(Regression(), [int(cell) for cell in cells], split, name="price", column="price")
    fusion = SimpleNamespace(dim=8, members=2, modality_dropout=0.0, options={})
    net = build_net({"photo": 12, "title": 8}, {"price": target.task}, GatedFusion, fusion)
    target = replace(target, allowed=np.ones((len(cells), 1), dtype=bool), rule_weight=1.0)
    with pytest.raises(ConfigError, match=r"tasks\.price: rules cannot teach a Regression"):
        fit_heads(embeddings, {"price": target}, net, settings(), split, quiet=True)
