"""Many heads that share their matrices: apart in training, the mean in use, and the options of every head."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.fusion import GatedFusion
from mmsdk.heads import OPTIONS, EnsembleHead, read_options, width_of
from mmsdk.model import build_net, infer
from mmsdk.tasks import Classification, Regression
from mmsdk.train import fit_heads

DIM, WIDTH = 6, 3


def head_of(**options):
    torch.manual_seed(0)
    return EnsembleHead(DIM, WIDTH, read_options("ensemble", options)).eval()


def test_each_member_is_a_perceptron_of_its_own():
    """Beside the same arithmetic with the full matrices ``diag(s) W diag(r)`` written out."""
    head, rows = head_of(members=4, hidden=5, layers=2), torch.randn(7, DIM)
    found = head(rows)
    assert found.shape == (4, 7, WIDTH)
    for member in range(4):
        hidden = rows
        for layer in head.layers:
            matrix = layer.out[member].T * layer.weight * layer.into[member]
            hidden = torch.relu(hidden @ matrix.T + layer.bias[member])
        expected = hidden @ head.weight[member] + head.bias[member]
        assert torch.allclose(found[member], expected, atol=1e-6)
    assert (found - found[:1]).abs().amax((1, 2))[1:].min() > 0.01


def test_members_share_their_matrix():
    one, many = (sum(p.numel() for p in head_of(members=k, hidden=64).layers.parameters()) for k in (1, 8))
    assert many - one == 7 * (DIM + 2 * 64)


def test_no_hidden_layer_is_a_linear_head():
    head, rows = head_of(members=2, layers=0), torch.randn(5, DIM)
    assert torch.allclose(head(rows), rows @ head.weight + head.bias, atol=1e-6)


def test_the_network_answers_by_the_mean_and_learns(problem, parts, settings):
    config = settings(epochs=12)
    targets, _ = parts(problem, config)
    fusion = SimpleNamespace(dim=24, members=2, modality_dropout=0.2, options={})
    block = SimpleNamespace(type="ensemble", options={"members": 8, "hidden": 16})
    dims = {name: one.shape[1] for name, one in problem[0].values.items()}
    net = build_net(dims, {"kind": targets["kind"].task}, GatedFusion, fusion, head=block)
    fit_heads(problem[0], targets, net, config, problem[2], quiet=True)
    vectors, logits = infer(net, problem[0].values, problem[0].present)
    answers = net.answers(torch.from_numpy(vectors))["kind"]
    assert answers.shape[0] == 8
    assert np.allclose(answers.mean(0).detach().numpy(), logits["kind"], atol=1e-5)
    rows = np.flatnonzero((problem[2] == "test") & problem[0].present["photo"] & problem[0].present["title"])
    assert (logits["kind"].argmax(1)[rows] == targets["kind"].values[rows]).mean() > 0.8


def test_width_is_what_the_task_answers():
    number, classes = Regression(), Classification()
    classes.prepare(["a", "b", "c"])
    assert (width_of(number), width_of(classes)) == (1, 3)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("ensemble", {"membres": 3}, r"takes no option named 'membres'. Did you mean 'members'\?"),
        ("ensemble", {"members": 0}, "members: 0 is not a whole number from 1 to 1024"),
        ("ensemble", {"members": 2.5}, "is not a whole number"),
        ("ensemble", {"dropout": True}, "dropout: True is not a number from 0.0 to 0.95"),
        ("plain", {"members": 3}, "plain takes no option named 'members'. Known: none"),
    ],
)
def test_options_that_do_not_fit_are_refused(kind, options, said):
    with pytest.raises(ConfigError, match=said):
        read_options(kind, options)


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_head_has_its_options_with_defaults(kind):
    assert read_options(kind, {}) == OPTIONS[kind]()
