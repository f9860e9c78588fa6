"""The trainables: they learn what moves, every option acts, and what is not there never counts."""

from __future__ import annotations

import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.trainable import Tcn, Trainable, Transformer

BUILT_IN = [Tcn, Transformer]


def seeded(cls, dim=3, width=8, **options) -> Trainable:
    torch.manual_seed(0)
    return cls(dim, width, **options).eval()


def batch(rows=6, steps=24, dim=3):
    generator = torch.Generator().manual_seed(1)
    times = torch.arange(steps).expand(rows, steps) / 10
    return torch.randn(rows, steps, dim, generator=generator), times, torch.ones(rows, steps, dtype=torch.bool)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_nan_in_the_place_of_an_absent_step_reaches_neither_answer_nor_gradient(cls):
    trainable, (values, times, present) = seeded(cls), batch()
    present[0, 5:] = False
    expected = trainable(torch.where(present[:, :, None], values, 0.0), times, present)
    values[0, 5:], times = float("nan"), torch.where(present, times, float("nan"))
    answer = trainable(values, times, present)
    assert torch.equal(answer, expected)
    answer.sum().backward()
    assert all(p.grad.isfinite().all() for p in trainable.parameters())


@pytest.mark.parametrize("cls", BUILT_IN)
def test_a_batch_without_any_step_is_answered_like_a_row_without_one(cls):
    trainable, (values, times, present) = seeded(cls), batch()
    nothing = trainable(values[:, :0], times[:, :0], present[:, :0])
    assert nothing.shape == (6, 8)
    assert torch.allclose(nothing, trainable(values, times, present & False), atol=1e-6)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_it_learns_an_order_that_no_mean_shows(cls):
    """A bump that rises before another: each channel has the same mean, maximum and spread in both classes."""
    generator = torch.Generator().manual_seed(2)
    first = torch.randint(2, 9, (160,), generator=generator)
    target = torch.arange(160) % 2
    gap = torch.where(target == 1, 4, 8)
    values = 0.2 * torch.randn(160, 20, 2, generator=generator)
    rows = torch.arange(160)
    values[rows, first, 0] += 3
    values[rows, first + gap, 1] += 3
    times = torch.arange(20).expand(160, 20) / 10
    present = torch.ones(160, 20, dtype=torch.bool)
    torch.manual_seed(0)
    trainable = cls(2, 2, channels=16)
    optimiser = torch.optim.AdamW(trainable.parameters(), lr=5e-3)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(trainable(values[:120], times[:120], present[:120]), target[:120])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    trainable.eval()
    found = trainable(values[120:], times[120:], present[120:]).argmax(1)
    assert (found == target[120:]).float().mean() >= 0.85


def test_causal_steps_see_no_later_one():
    values, times, present = batch(rows=1)
    changed = values.clone()
    changed[0, -1] += 1
    for causal in (False, True):
        layer = seeded(Tcn, causal=causal).layers[0]
        hidden, other = (torch.nn.functional.pad(one, (0, 61)) for one in (values, changed))
        same = torch.equal(layer(hidden, present)[0, :-1], layer(other, present)[0, :-1])
        assert same == causal
    assert times.shape == present.shape


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (Tcn, {"channels": 32}),
        (Tcn, {"layers": 2}),
        (Tcn, {"kernel": 5}),
        (Tcn, {"causal": True}),
        (Tcn, {"causal": True, "kernel": 2}),
        (Transformer, {"channels": 32}),
        (Transformer, {"layers": 1}),
        (Transformer, {"heads": 8}),
        (Transformer, {"encoding": "none"}),
    ],
)
def test_every_option_changes_the_answer(cls, options):
    assert not torch.allclose(seeded(cls)(*batch()), seeded(cls, **options)(*batch()), atol=1e-4)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_dropout_acts_in_training_only(cls):
    still, noisy = seeded(cls, dropout=0.0).train(), seeded(cls, dropout=0.5).train()
    assert torch.allclose(still(*batch()), still(*batch()), atol=1e-6)
    assert not torch.allclose(noisy(*batch()), noisy(*batch()), atol=1e-3)
    assert torch.allclose(noisy.eval()(*batch()), still.eval()(*batch()), atol=1e-6)


@pytest.mark.parametrize(("encoding", "moves"), [("sinusoidal", True), ("learned", True), ("none", False)])
def test_times_are_read_as_the_encoding_says(encoding, moves):
    trainable, (values, times, present) = seeded(Transformer, encoding=encoding), batch()
    same = torch.allclose(trainable(values, times, present), trainable(values, times * 3, present), atol=1e-4)
    assert same != moves


def test_periods_are_trained_only_where_learned():
    names = {kind: dict(seeded(Transformer, encoding=kind).named_parameters()) for kind in ("sinusoidal", "learned")}
    assert "waves.frequencies" in names["learned"]
    assert "waves.frequencies" not in names["sinusoidal"]


@pytest.mark.parametrize(
    ("cls", "options", "said"),
    [
        (Tcn, {"kernels": 3}, "Did you mean 'kernel'"),
        (Tcn, {"kernel": 4}, "trainable.options.kernel: 4 is not one of 3, 5"),
        (Tcn, {"channels": 0}, "trainable.options.channels: 0 is not a whole number from 1"),
        (Tcn, {"layers": 2.5}, "trainable.options.layers: 2.5 is not a whole number"),
        (Tcn, {"dropout": 1}, "trainable.options.dropout: 1 is not a number from 0 to below 1"),
        (Tcn, {"causal": "yes"}, "trainable.options.causal: 'yes' is not one of true, false"),
        (Transformer, {"heads": 3}, "no multiple of the 3 heads"),
        (Transformer, {"heads": True}, "trainable.options.heads: True is not a whole number"),
        (Transformer, {"encoding": "rope"}, "is not one of sinusoidal, learned, none"),
        (Transformer, {"layers": 0}, "trainable.options.layers: 0 is not"),
        (Transformer, {"dropout": "x"}, "trainable.options.dropout: 'x' is not"),
    ],
)
def test_what_an_option_cannot_be_is_refused(cls, options, said):
    with pytest.raises(ConfigError) as caught:
        cls(4, 4, **options)
    assert said in str(caught.value)
