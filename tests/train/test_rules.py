"""Rules teach: the semantic loss against the closed form, rows without labels included, and nothing where none acts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.fusion import GatedFusion
from mmsdk.model import Clash, build_net, infer, prepare_targets
from mmsdk.tasks import Classification, Multilabel, Regression
from mmsdk.train import fit_heads
from mmsdk.train.batches import Labels
from mmsdk.train.checkpoint import training_key
from mmsdk.train.mixing import Blend
from mmsdk.train.ruled import apart_loss, clash_loss, either, rule_terms, tree_loss


def test_the_cost_is_minus_the_log_of_what_is_allowed():
    logits = torch.randn(5, 4, dtype=torch.float64)
    allowed = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]], dtype=torch.bool)
    single = -(logits.softmax(1) * allowed).sum(1).log()
    assert torch.allclose(Classification().allowed_loss(logits, allowed), single)
    assert Classification().allowed_loss(logits, allowed)[1] == 0
    signs = torch.tensor([[1, -1, 0, 0], [0, 0, 0, 0], [-1, -1, 1, 1], [0, 1, 0, -1], [1, 1, 1, 1]], dtype=torch.int8)
    there = logits.sigmoid()
    right = torch.where(signs > 0, there, torch.where(signs < 0, 1 - there, 1.0)).prod(1)
    assert torch.allclose(Multilabel().allowed_loss(logits, signs), -right.log() / 4)
    rough = torch.tensor([[6.0, 0.0, 0.0]]).bfloat16()  # mixed precision on a GPU: 0.005 is no nothing
    forbidden = torch.tensor([[True, False, False]])
    assert Classification().allowed_loss(rough, forbidden)[0] == pytest.approx(0.004945, rel=0.01)


PAIRS = np.array([[0, 1], [1, 2], [3, 2]])
FORBIDDEN = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)


def between(mask):
    return Clash(mask=mask, rows=np.ones(1, dtype=bool), other="second")


def test_labels_that_forbid_the_same_are_looked_at_once_and_in_one_go():
    clash = between(FORBIDDEN)
    allowed, kind = clash.beside
    assert kind.tolist()[2] == 0  # forbids nothing
    assert kind[0] == kind[3] != kind[1]
    assert {tuple(allowed[place - 1]) for place in kind if place} == {(1, 2), (1, 3)}  # 3 is no label, and never stands
    assert clash.beside is clash.beside


def test_a_child_without_its_parent_costs_minus_the_log_that_there_is_none():
    logits = torch.randn(5, 4, dtype=torch.float64)
    chance = logits.sigmoid()
    holds = torch.stack([1 - chance[:, child] * (1 - chance[:, parent]) for child, parent in PAIRS])
    assert torch.allclose(tree_loss(logits, PAIRS), -holds.log().sum(0) / 4)


def test_labels_that_exclude_each_other_cost_minus_the_log_that_one_at_most_stands():
    logits = torch.randn(5, 4, dtype=torch.float64)
    chance = logits.sigmoid()
    assert torch.allclose(apart_loss(logits, np.array([0, 2])), -(1 - chance[:, 0] * chance[:, 2]).log() / 4)
    three = chance[:, [0, 2, 3]]
    none = (1 - three).prod(1)
    one = sum(three[:, place] * (1 - three).prod(1) / (1 - three[:, place]) for place in range(3))
    assert torch.allclose(apart_loss(logits, np.array([0, 2, 3])), -(none + one).log() / 4)


def test_what_is_forbidden_together_costs_minus_the_log_that_it_does_not_stand():
    first, second = (torch.randn(5, width, dtype=torch.float64) for width in (4, 3))
    one = FORBIDDEN & (np.arange(12).reshape(4, 3) == 5)  # a single pair
    apart = 1 - first.softmax(1)[:, 1] * second.softmax(1)[:, 2]
    assert torch.allclose(clash_loss(first, second, between(one)), -apart.log())
    together = torch.einsum("ba,bc,ac->b", first.softmax(1), second.softmax(1), torch.from_numpy(FORBIDDEN).double())
    assert torch.allclose(clash_loss(first, second, between(FORBIDDEN)), -(1 - together).log())


def test_a_number_costs_its_loss_to_the_nearer_bound():
    logits, bounds = torch.tensor([[-3.0], [0.5], [1.5], [9.0]]), torch.tensor([[-2.5, 1.0]] * 3 + [[-torch.inf, 9.5]])
    assert Regression().allowed_loss(logits, bounds).tolist() == [0.125, 0.0, 0.125, 0.0]


def test_gradients_are_those_of_finite_differences():
    random = torch.Generator().manual_seed(0)
    first, second = (
        torch.randn(6, width, generator=random, dtype=torch.float64).mul(3).requires_grad_() for width in (4, 3)
    )
    signs = torch.randint(-1, 2, (6, 4), generator=random, dtype=torch.int8)
    bounds = torch.tensor([[-1.0, 1.0]], dtype=torch.float64).expand(6, 2)
    assert torch.autograd.gradcheck(lambda one: tree_loss(one, PAIRS), first)
    assert torch.autograd.gradcheck(lambda one: apart_loss(one, np.array([0, 1, 3])), first)
    assert torch.autograd.gradcheck(lambda *both: clash_loss(*both, between(FORBIDDEN)), (first, second))
    assert torch.autograd.gradcheck(lambda one: Multilabel().allowed_loss(one, signs), first)
    assert torch.autograd.gradcheck(lambda one: Classification().allowed_loss(one, signs >= 0), first)
    assert torch.autograd.gradcheck(lambda one: Regression().allowed_loss(one, bounds), first[:, :1])


def test_a_certain_network_that_breaks_a_rule_still_learns():
    """Logits of hundreds, whose probabilities are 0 and 1 to the last bit; and half precision of what hardly breaks."""
    sure = torch.tensor([[500.0, -300.0, 0.0, 0.0]], requires_grad=True)
    cost = tree_loss(sure, PAIRS[:1])
    assert cost.item() == pytest.approx(300 / 4)
    cost.backward()
    assert sure.grad[0, :2].tolist() == pytest.approx([0.25 * share for share in (0.0, -1.0)])  # the parent is raised
    first, second = torch.tensor([[500.0, 0.0]], requires_grad=True), torch.tensor([[400.0, 0.0]], requires_grad=True)
    cost = clash_loss(first, second, between(np.array([[True, False], [False, False]])))
    assert cost.item() == pytest.approx(400.0)
    cost.backward()
    assert second.grad[0].tolist() == [1.0, -1.0]  # the one that is less sure gives way
    sure = torch.tensor([[500.0, 400.0]], requires_grad=True)
    cost = apart_loss(sure, np.array([0, 1]))
    assert cost.item() == pytest.approx(400 / 2)
    cost.backward()
    assert sure.grad[0].tolist() == [0.0, 0.5]  # the likelier stays
    rough = torch.tensor([[6.0, 0.0]]).bfloat16()
    forbidden = np.array([[False, False], [True, False]])
    assert clash_loss(rough, rough, between(forbidden))[0] == pytest.approx(0.002467, rel=0.01)


def test_a_blend_is_bound_by_what_binds_both_rows():
    labels = torch.tensor([[True, False], [False, True]])
    assert either(labels, labels.flip(0)).all()
    signs = torch.tensor([[1, -1, 0], [1, 1, -1]], dtype=torch.int8)
    assert either(signs, signs.flip(0)).tolist() == [[1, 0, 0], [1, 0, 0]]
    bounds = torch.tensor([[-1.0, torch.inf], [0.0, 1.0]])
    assert either(bounds, bounds.flip(0)).tolist() == [[-1.0, torch.inf]] * 2


def kinds(clash):
    """Return the terms of a batch of four rows, of which two are unlabelled, under one rule."""
    targets, logits = {}, {}
    for name, task in (("tags", Multilabel()), ("first", Classification()), ("second", Classification())):
        cells = ["a|b", "a", "", ""] if name == "tags" else ["a", "b", "", ""]
        target, _ = prepare_targets(task, cells, np.full(4, "train"), name=name, column=name)
        mine = (clash,) if clash is not None and name == ("first" if clash.other else "tags") else ()
        targets[name] = replace(target, clashes=mine, rule_weight=2.0)
        logits[name] = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(len(name)))
    labels = {
        name: Labels(
            values=torch.from_numpy(one.values),
            labelled=torch.from_numpy(one.labelled),
            complete=False,
            fired=torch.from_numpy(clash.rows)[:, None] if one.clashes else None,
        )
        for name, one in targets.items()
    }
    return targets, logits, labels


@pytest.mark.parametrize("kind", ["hierarchy", "apart", "pair"])
def test_a_clash_is_a_term_of_its_first_task_over_the_rows_it_holds_for(kind):
    pair = np.array([[True, False], [False, False]])
    mask = {"hierarchy": np.array([[0, 1]]), "apart": np.array([0, 1]), "pair": pair}[kind]
    other = "second" if kind == "pair" else ""
    rows = np.array([False, True, True, True])
    targets, logits, labels = kinds(Clash(mask=mask, rows=rows, other=other))
    name = "first" if other else "tags"
    ((key, term),) = rule_terms(targets, logits, labels, None).items()
    assert (key, term.weight, term.balanced) == (f"rules/{name}", 2.0, False)
    flat = {task: one.flatten(0, 1) for task, one in logits.items()}
    within = apart_loss if kind == "apart" else tree_loss
    cost = clash_loss(flat["first"], flat["second"], between(mask)) if other else within(flat["tags"], mask)
    assert term.loss == pytest.approx(float((cost.view(3, 4) * torch.from_numpy(rows)).mean()))
    blend = Blend(partner=torch.tensor([1, 2, 0, 3]), share=torch.ones(4))
    blended = rule_terms(targets, logits, labels, blend)[key].loss  # the first and the third lie beside row 0
    assert blended == pytest.approx(float((cost.view(3, 4) * torch.tensor([False, True, False, True])).mean()))
    assert rule_terms(*kinds(None), None) == {}


def test_a_checkpoint_under_another_clash_is_not_taken_up(problem, parts, settings):
    targets, net = parts(problem, settings())
    rows, keys = np.ones(len(problem[2]), dtype=bool), set()
    for mask, where in ((FORBIDDEN, rows), (~FORBIDDEN, rows), (FORBIDDEN, ~rows), (None, None)):
        clashes = () if mask is None else (Clash(mask=mask, rows=where, other="kind"),)
        target = replace(targets["kind"], clashes=clashes, rule_weight=1.0)
        keys.add(training_key(net, {}, problem[0], {"kind": target}, problem[2]))
    assert len(keys) == 4


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


class Mute(Regression):
    """A task that does not say what a forbidden answer costs."""

    @property
    def allowed_loss(self):
        raise AttributeError


def test_a_task_that_cannot_be_taught_by_rules_says_so(problem, settings):
    embeddings, cells, split = problem
    target, _ = prepare_targets(Mute(), [int(cell) for cell in cells], split, name="price", column="price")
    fusion = SimpleNamespace(dim=8, members=2, modality_dropout=0.0, options={})
    net = build_net({"photo": 12, "title": 8}, {"price": target.task}, GatedFusion, fusion)
    target = replace(target, allowed=np.zeros((len(cells), 2)), rule_weight=1.0)
    with pytest.raises(ConfigError, match=r"tasks\.price: rules cannot teach a Mute"):
        fit_heads(embeddings, {"price": target}, net, settings(), split, quiet=True)
