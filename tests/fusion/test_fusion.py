"""Fusions: the mask decides, absent values never matter, options are refused by name."""

from __future__ import annotations

import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.fusion import (
    ConcatFusion,
    Dropout,
    ExpertsFusion,
    Fusion,
    GatedFusion,
    Projector,
    Steps,
    UnitProjector,
    unpack_steps,
)
from mmsdk.fusion.steps import pack_steps
from mmsdk.trainable import EachStep, SequenceStem

BUILT_IN = [ConcatFusion, GatedFusion]


def seeded(cls, m=3, dim=16, **options) -> Fusion:
    torch.manual_seed(0)
    fusion = cls([f"in{i}" for i in range(m)], dim, **options)
    for parameter in fusion.parameters():  # weights that start at zero must not hide a fault
        torch.nn.init.normal_(parameter, std=0.3)
    return fusion.eval()


@pytest.mark.parametrize("cls", BUILT_IN)
def test_values_of_an_absent_input_never_matter(cls):
    fusion = seeded(cls)
    tokens = torch.randn(5, 3, 16)
    present = torch.tensor([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    other = torch.where(present[:, :, None], tokens, torch.full_like(tokens, 1e6))
    assert torch.equal(fusion(tokens, present), fusion(other, present))


@pytest.mark.parametrize("cls", BUILT_IN)
def test_every_present_input_matters(cls):
    fusion = seeded(cls)
    tokens, present = torch.randn(4, 3, 16), torch.ones(4, 3, dtype=torch.bool)
    whole = fusion(tokens, present)
    for position in range(3):
        mask = present.clone()
        mask[:, position] = False
        assert not torch.allclose(whole, fusion(tokens, mask), atol=1e-3)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_a_row_with_nothing_is_finite_and_learned(cls):
    fusion = seeded(cls).train()
    fused = fusion(torch.zeros(2, 3, 16), torch.zeros(2, 3, dtype=torch.bool))
    fused.sum().backward()
    learned = fusion.missing if cls is ConcatFusion else fusion.empty
    assert torch.isfinite(fused).all()
    assert torch.equal(fused[0], fused[1])
    assert learned.grad.abs().sum() > 0
    assert all(torch.isfinite(one.grad).all() for one in fusion.parameters() if one.grad is not None)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_an_unknown_option_is_refused_by_name(cls):
    with pytest.raises(ConfigError, match="takes no option named 'gate_dm'"):
        cls(["a", "b"], 8, gate_dm=3)


def test_a_near_miss_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'gate_dim'"):
        GatedFusion(["a", "b"], 8, gate_dm=3)


def test_gate_dim_acts():
    assert GatedFusion(["a"], 8, gate_dim=5).read.out_features == 5


def test_projector_standardises_by_present_rows_only():
    projector = Projector({"a": 3}, 4)
    vectors = {"a": torch.tensor([[1.0, 2.0, 5.0], [3.0, 2.0, 7.0], [float("nan")] * 3])}
    present = torch.tensor([[True], [True], [False]])
    projector.fit(vectors, present)
    standard = projector.standardise(vectors, present)[0]
    assert standard.tolist() == [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_what_is_usual_says_nothing_and_is_there():
    stem = SequenceStem(EachStep(2, 4), steps=3, dim=2)
    projector = Projector({"a": 3, "walk": 9}, 4, stems={"walk": stem})
    walks = torch.rand(5, 9)
    walks[:, 2] = -1.0  # of three steps the last is not there
    vectors, present = {"a": torch.rand(5, 3), "walk": walks}, torch.ones(5, 2, dtype=torch.bool)
    projector.fit(vectors, present)
    usual = {name: projector.usual(name, one) for name, one in vectors.items()}
    plain, walked = projector.standardise(usual, present)
    assert torch.allclose(plain, torch.zeros(5, 3), atol=1e-6)
    assert torch.equal(walked[:, :3], walks[:, :3])
    assert torch.allclose(walked[:, 3:], torch.zeros(5, 6), atol=1e-6)
    joint = UnitProjector({"a": 3})
    assert not joint.standardise({"a": joint.usual("a", vectors["a"])}, present[:, :1])[0].any()


def test_projector_keeps_statistics_with_its_weights():
    projector = Projector({"a": 2}, 4)
    projector.fit({"a": torch.randn(9, 2) * 3 + 1}, torch.ones(9, 1, dtype=torch.bool))
    copy = Projector({"a": 2}, 4)
    copy.load_state_dict(projector.state_dict())
    assert torch.equal(copy.mean_0, projector.mean_0)
    assert torch.equal(copy.scale_0, projector.scale_0)


def test_nan_of_an_absent_input_reaches_no_gradient():
    projector = Projector({"a": 3, "b": 2}, 4)
    vectors = {"a": torch.full((6, 3), float("nan")), "b": torch.randn(6, 2)}
    present = torch.tensor([[False, True]] * 6)
    projector.fit(vectors, present)
    projector(projector.standardise(vectors, present)).sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in projector.parameters())


def test_far_out_values_are_limited():
    projector = Projector({"a": 1}, 4)
    standard = projector.standardise({"a": torch.tensor([[1e30]])}, torch.ones(1, 1, dtype=torch.bool))
    assert standard[0].item() == 6.0


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    torch.manual_seed(0)
    dropped = Dropout(rate).train()(torch.ones(1000, 301))
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)


def test_dropout_rests_in_evaluation():
    values = torch.randn(3, 5)
    most = Dropout(0.999).train()(torch.ones(1000, 301))  # what training.dropout allows, and no 1
    assert torch.isfinite(most).all()
    assert 0 < (most > 0).float().mean() < 0.02
    assert Dropout(0.5).eval()(values) is values


def test_input_dropout_leaves_features_out_and_keeps_the_scale():
    torch.manual_seed(0)
    projector = Projector({"a": 400}, 8, input_dropout=0.5)
    torch.nn.init.ones_(projector.linears[0].weight)
    values = torch.ones(1, 400)
    seen = {projector._project(values * torch.arange(400), projector.linears[0])[0, 0].item() for _ in range(5)}
    assert len(seen) == 5
    whole = projector.eval()._project(values, projector.linears[0])
    assert torch.allclose(projector.train()._project(values, projector.linears[0]), whole)


@pytest.mark.parametrize(("size", "left"), [(64, 60), (256, 192), (512, 256), (1000, 500)])
def test_a_narrow_input_loses_fewer_features(size, left):
    torch.manual_seed(0)
    projector = Projector({"a": size}, 4, input_dropout=0.5).train()
    projector([torch.randn(3, size)]).square().sum().backward()
    assert int((projector.linears[0].weight.grad != 0).any(dim=0).sum()) == left


def test_the_parts_of_a_token_are_normalised_apart():
    torch.manual_seed(0)
    whole, parted = Projector({"a": 6}, 8).eval(), Projector({"a": 6}, 8, members=2).eval()
    parted.load_state_dict(whole.state_dict())
    with torch.no_grad():
        for one in (whole, parted):
            one.linears[0].bias[4:] += 100
    values, small = [torch.randn(5, 6)], slice(0, 4)
    assert parted(values)[:, 0, small].std() > 0.3
    assert whole(values)[:, 0, small].std() < 0.1


def test_packed_steps_come_apart_again_and_are_cut_like_any_tensor():
    some, none = torch.tensor([[True, True, False]] * 2), torch.tensor([[True], [False]])
    given = [
        Steps(values=torch.randn(2, 3, 4), times=torch.tensor([[0.0, 1.5, 1.5]] * 2), present=some),
        Steps(values=torch.randn(2, 1, 4), times=torch.zeros(2, 1), present=none),
    ]
    for row in (slice(0, 2), slice(1, 2)):
        for one, expected in zip(unpack_steps(pack_steps(given)[row], (3, 1)), given, strict=True):
            assert torch.equal(one.values, expected.values[row])
            assert torch.equal(one.times, expected.times[row])
            assert torch.equal(one.present, expected.present[row])


def test_the_token_of_an_input_is_the_mean_of_its_steps():
    stem = SequenceStem(EachStep(2, 4), 3, 2)
    projector = Projector({"a": 9, "b": 5}, 4, stems={"a": stem}, steps=True).eval()
    assert projector.lengths == (3, 1)
    rows = torch.tensor([[0.0, 1, -1, *range(4), 0, 0]])
    tokens = projector([rows, torch.randn(1, 5)])
    assert tokens.shape == (1, 4, 6)
    assert torch.allclose(projector.token_of(tokens, "a"), tokens[:, :2, :4].mean(1))
    assert torch.equal(projector.token_of(tokens, "b"), tokens[:, 3, :4])
    plain = Projector({"a": 9, "b": 5}, 4, stems={"a": stem}).eval()
    whole = plain([rows, torch.randn(1, 5)])
    assert whole.shape == (1, 2, 4)
    assert torch.equal(plain.token_of(whole, "b"), whole[:, 1])


@pytest.mark.parametrize("options", [{"best": 1}, {"experts": 2}])
def test_options_are_shown_so_that_a_checkpoint_of_others_is_not_taken(options):
    assert repr(ExpertsFusion(["a"], 8)) != repr(ExpertsFusion(["a"], 8, **options))
