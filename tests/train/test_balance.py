"""Balances against references worked out by hand; a term without a label in the batch moves nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.fusion import Fusion, GatedFusion
from mmsdk.model import build_net, prepare_targets
from mmsdk.tasks import Classification, Regression
from mmsdk.train import fit_heads
from mmsdk.train.balance import ALPHA, LEAST, Term, make_balance, project_conflicts

WEIGHTS = {"a": 1.0, "b": 0.5, "c": 2.0}


class Layer(nn.Module):
    """A net of three parameters that all terms share, and a head for each."""

    def __init__(self):
        super().__init__()
        self.fusions = nn.ModuleList([nn.Linear(3, 2, bias=False)])
        self.projector = nn.Linear(3, 3, bias=False)
        self.heads = nn.ModuleList(nn.Linear(2, 1, bias=False) for _ in WEIGHTS)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for one in self.parameters():
                one.copy_(torch.randn(one.shape, generator=generator))

    def terms(self, names=tuple(WEIGHTS)):
        vector = self.fusions[0](self.projector(torch.tensor([1.0, -2.0, 0.5])))
        losses = {
            name: (head(vector) - aim).square().sum()
            for aim, (name, head) in zip((9.0, -9.0, 9.0), zip(WEIGHTS, self.heads, strict=True), strict=True)
        }
        return {name: Term(loss=losses[name], weight=WEIGHTS[name]) for name in names}


def generator():
    return torch.Generator().manual_seed(0)


def slopes_of(net, loss, parameters):
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if one is None else one for p, one in zip(parameters, found, strict=True)]


def test_fixed_is_the_weighed_sum():
    net = Layer()
    make_balance("fixed", net, WEIGHTS).backward(net, [], net.terms(), generator())
    total = sum(term.weight * term.loss for term in net.terms().values())
    for one, expected in zip(net.parameters(), slopes_of(net, total, list(net.parameters())), strict=True):
        assert torch.allclose(one.grad, expected)


def test_uncertainty_follows_the_formula():
    net = Layer()
    balance = make_balance("uncertainty", net, WEIGHTS)
    with torch.no_grad():
        for one, value in zip(balance.log_variances, (0.3, -0.2, 0.0), strict=True):
            one.fill_(value)
    figures = balance.backward(net, [], net.terms(), generator())
    for (name, term), one in zip(net.terms().items(), balance.log_variances, strict=True):
        scale = one.detach().exp()
        assert torch.allclose(one.grad, term.weight * (0.5 - term.loss / scale))
        assert figures[f"weight/{name}"].item() == pytest.approx(term.weight / scale.item())
    total = sum(
        term.weight * term.loss / one.detach().exp()
        for term, one in zip(net.terms().values(), balance.log_variances, strict=True)
    )
    shared = list(net.projector.parameters())
    assert torch.allclose(shared[0].grad, slopes_of(net, total.sum(), shared)[0], rtol=1e-4)


def test_uncertainty_is_at_rest_where_the_variance_is_twice_the_loss():
    """The minimum of exp(-s) L + s / 2; for half a squared error, the variance is then the mean squared error."""
    net = Layer()
    balance = make_balance("uncertainty", net, WEIGHTS)
    with torch.no_grad():
        for one, term in zip(balance.log_variances, net.terms().values(), strict=True):
            one.copy_((2 * term.loss).log())
    balance.backward(net, [], net.terms(), generator())
    assert all(one.grad.abs().item() < 1e-5 for one in balance.log_variances)


def test_gradnorm_pulls_by_hand_computed_norms():
    net = Layer()
    balance = make_balance("gradnorm", net, WEIGHTS)
    first = [term.loss.item() for term in net.terms().values()]
    balance.backward(net, [], net.terms(), generator())
    with torch.no_grad():
        net.fusions[0].weight.mul_(1.3)
        for one in net.parameters():
            one.grad = None
    terms = net.terms()
    figures = balance.backward(net, [], terms, generator())
    norms = np.array(
        [
            torch.cat([one.flatten() for one in slopes_of(net, term.loss, list(net.fusions.parameters()))])
            .norm()
            .item()
            for term in net.terms().values()
        ]
    )
    weights = np.array(list(WEIGHTS.values()))
    rates = np.array([term.loss.item() for term in net.terms().values()]) / first
    aims = (weights * norms).mean() * (rates / rates.mean()) ** ALPHA * weights / weights.mean()
    expected = np.sign(weights * norms - aims) * norms
    assert [one.grad.item() for one in balance.learned] == pytest.approx(expected, rel=1e-4)
    assert figures["weight/c"].item() == 2.0
    total = sum(term.weight * term.loss for term in net.terms().values())
    assert torch.allclose(net.projector.weight.grad, slopes_of(net, total, [net.projector.weight])[0], rtol=1e-4)


def test_gradnorm_keeps_weights_positive_and_their_sum():
    net = Layer()
    balance = make_balance("gradnorm", net, WEIGHTS)
    with torch.no_grad():
        balance.learned[0].fill_(-4.0)
        balance.learned[2].fill_(7.0)
    balance.after()
    values = [one.item() for one in balance.learned]
    assert sum(values) == pytest.approx(3.5)
    assert values == pytest.approx([3.5 * LEAST / 7.501, 3.5 * 0.5 / 7.501, 3.5 * 7 / 7.501], rel=1e-3)


def test_two_conflicting_gradients_by_hand():
    first, second = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])
    # (2,0) less its part along (-1,1): (2,0) + (-1,1) = (1,1);  (-1,1) less its part along (2,0): (0,1)
    assert project_conflicts(torch.stack([first, second]), generator()).tolist() == [1.0, 2.0]
    agree = torch.stack([first, torch.tensor([1.0, 1.0])])
    assert project_conflicts(agree, generator()).tolist() == [3.0, 1.0]


def test_pcgrad_projects_true_gradients_of_what_is_shared():
    net = Layer()
    figures = make_balance("pcgrad", net, WEIGHTS).backward(net, [], net.terms(), generator())
    shared = [*net.projector.parameters(), *net.fusions.parameters()]
    whole = [
        torch.cat([one.flatten() for one in slopes_of(net, term.weight * term.loss, shared)]).double().numpy()
        for term in net.terms().values()
    ]
    order, expected = generator(), np.zeros_like(whole[0])
    for place, one in enumerate(whole):
        rest = one.copy()
        for other in torch.randperm(3, generator=order).tolist():
            if other != place and rest @ whole[other] < 0:
                rest -= rest @ whole[other] / (whole[other] @ whole[other]) * whole[other]
        expected += rest
    got = torch.cat([one.grad.flatten() for one in shared]).numpy()
    assert got == pytest.approx(expected, rel=1e-4, abs=1e-4)
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert figures["conflicts"].item() == pytest.approx(np.mean([whole[a] @ whole[b] < 0 for a, b in pairs]))
    assert figures["conflicts"].item() > 0
    for term, head in zip(net.terms().values(), net.heads, strict=True):
        assert torch.allclose(head.weight.grad, slopes_of(net, term.weight * term.loss, [head.weight])[0])


@pytest.mark.parametrize("name", ["uncertainty", "gradnorm", "pcgrad"])
def test_what_rules_cost_is_added_as_it_stands(name):
    found = []
    for ruled in (False, True):
        net = Layer()
        terms = net.terms()
        if ruled:
            loss = net.projector.weight.sum()
            terms["rules/a"] = Term(loss=loss, weight=0.25, balanced=False)
        make_balance(name, net, WEIGHTS).backward(net, [], terms, generator())
        found.append(net.projector.weight.grad)
    assert torch.allclose(found[1] - found[0], torch.full((3, 3), 0.25), atol=1e-4)


@pytest.mark.parametrize("name", ["fixed", "uncertainty", "gradnorm", "pcgrad"])
def test_an_absent_term_has_no_gradient_at_all(name):
    net = Layer()
    balance = make_balance(name, net, WEIGHTS)
    balance.backward(net, [], net.terms(("a", "c")), generator())
    assert net.heads[1].weight.grad is None
    assert net.heads[0].weight.grad is not None
    learned = list(balance.parameters())
    assert [one.grad is None for one in learned] == ([False, True, False] if learned else [])


def several(problem, settings, **changed):
    """Return targets of two tasks, the second with gaps, and a net."""
    _, cells, split = problem
    config = settings(**{"epochs": 3} | changed)
    columns = {"kind": cells, "price": [10 * int(one[0]) + int(one[1]) if n % 2 else "" for n, one in enumerate(cells)]}
    tasks = {"kind": Classification(), "price": Regression()}
    targets = {
        name: prepare_targets(task, columns[name], split, name=name, column=name)[0] for name, task in tasks.items()
    }
    fusion = SimpleNamespace(dim=24, members=2, modality_dropout=0.1, options={})
    return targets, build_net({"photo": 12, "title": 8}, tasks, GatedFusion, fusion, dropout=0.1), config


@pytest.mark.parametrize("balance", ["fixed", "uncertainty", "gradnorm", "pcgrad"])
def test_a_row_without_a_label_leaves_that_task_alone(problem, settings, balance):
    """Whatever the placeholder of a missing label holds, every weight is the same to the bit."""
    found = []
    for placeholder in (0.0, 77.0):
        targets, net, config = several(problem, settings, balance=balance, match=0.1, unimodal=0.2)
        price = targets["price"]
        values = np.where(price.labelled, price.values, np.float32(placeholder))
        targets["price"] = replace(price, values=values)
        fit_heads(problem[0], targets, net, config, problem[2], quiet=True)
        found.append(net.state_dict())
    assert all(torch.equal(one, found[1][name]) for name, one in found[0].items())


@pytest.mark.parametrize("balance", ["uncertainty", "gradnorm", "pcgrad"])
def test_every_balance_learns_and_changes_the_weights(problem, settings, balance):
    found = []
    for way in ("fixed", balance):
        targets, net, config = several(problem, settings, balance=way, epochs=6)
        result = fit_heads(problem[0], targets, net, config, problem[2], quiet=True)
        found.append(net.state_dict())
    assert result.history[-1]["val/score"] > result.history[0]["val/score"]
    assert any(not torch.equal(one, found[1][name]) for name, one in found[0].items())
    figures = {name for name in result.history[0] if name.startswith(("weight/", "conflicts"))}
    assert figures == ({"conflicts"} if balance == "pcgrad" else {"weight/kind", "weight/price"})


def test_learned_weights_move(problem, settings):
    targets, net, config = several(problem, settings, balance="uncertainty", epochs=8)
    history = fit_heads(problem[0], targets, net, config, problem[2], quiet=True).history
    assert abs(history[-1]["weight/kind"] - 1) > 0.05


def test_nothing_to_weigh_is_said(problem, settings, parts):
    config = settings(balance="pcgrad")
    targets, net = parts(problem, config)
    with pytest.raises(ConfigError, match=r"training\.balance: pcgrad weighs terms .* and there is one"):
        fit_heads(problem[0], targets, net, config, problem[2], quiet=True)


class Bare(Fusion):
    """A fusion that learns nothing."""

    def forward(self, tokens, present):
        return (tokens * present[:, :, None]).sum(1)


def test_gradnorm_takes_the_projections_where_the_fusion_learns_nothing(problem, settings):
    targets, _, config = several(problem, settings, balance="gradnorm", epochs=1)
    fusion = SimpleNamespace(dim=24, members=2, modality_dropout=0.1, options={})
    net = build_net({"photo": 12, "title": 8}, {n: t.task for n, t in targets.items()}, Bare, fusion)
    history = fit_heads(problem[0], targets, net, config, problem[2], quiet=True).history
    assert np.isfinite(history[0]["weight/kind"])


def test_no_shared_weights_is_said():
    net = Layer()
    net.fusions, net.projector = nn.ModuleList(), nn.Identity()
    with pytest.raises(ConfigError, match="needs weights that terms share"):
        make_balance("gradnorm", net, WEIGHTS)
