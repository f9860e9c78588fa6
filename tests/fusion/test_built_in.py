"""The built-in fusions: NaN under the mask, every option, and what each is for."""

from __future__ import annotations

import copy

import pytest
import torch

from mmsdk.attention import AttentionLayer
from mmsdk.errors import ConfigError
from mmsdk.fusion import (
    BottleneckFusion,
    ConcatFusion,
    ConvolutionFusion,
    CrossAttentionFusion,
    ExpertsFusion,
    GatedFusion,
    JointFusion,
    LateFusion,
    LowRankFusion,
    MixedFusion,
    Steps,
    TensorFusion,
    TransformerFusion,
)

BUILT_IN = [
    BottleneckFusion,
    ConcatFusion,
    ConvolutionFusion,
    CrossAttentionFusion,
    ExpertsFusion,
    GatedFusion,
    JointFusion,
    LateFusion,
    LowRankFusion,
    MixedFusion,
    TensorFusion,
    TransformerFusion,
]


def made(cls, inputs=3, dim=8, **options):
    torch.manual_seed(0)
    return cls([f"in{n}" for n in range(inputs)], dim, **options)


@pytest.mark.parametrize("cls", BUILT_IN)
def test_nan_of_an_absent_input_reaches_neither_answer_nor_gradient(cls):
    fusion = made(cls)
    present = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=torch.bool)
    tokens = torch.where(present[:, :, None], torch.randn(4, 3, 8), float("nan")).requires_grad_()
    fused = fusion(tokens, present)
    fused.square().sum().backward()
    assert torch.isfinite(fused).all()
    assert all(torch.isfinite(one.grad).all() for one in fusion.parameters())
    assert torch.equal(tokens.grad[~present], torch.zeros(6, 8))


@pytest.mark.parametrize("cls", BUILT_IN)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_says_the_same_and_an_absent_input_leaks_nothing(cls, dtype):
    fusion = made(cls).eval()
    tokens, present = 3 * torch.randn(6, 3, 8), torch.rand(6, 3) < 0.6
    present[0], present[1] = False, True
    with torch.no_grad():
        whole = fusion(torch.where(present[:, :, None], tokens, torch.zeros(())), present)
    half = copy.deepcopy(fusion).to(dtype)
    rough = torch.where(present[:, :, None], tokens, torch.nan).to(dtype).requires_grad_()
    found = half(rough, present)
    assert found.dtype == dtype
    assert torch.allclose(found.float(), whole, atol=0.05 * max(1.0, float(whole.abs().max())))
    found.float().square().sum().backward()
    assert rough.grad.isfinite().all()
    assert (rough.grad[~present] == 0).all()
    assert all(one.grad is None or one.grad.isfinite().all() for one in half.parameters())


@pytest.mark.parametrize("cls", BUILT_IN)
@pytest.mark.parametrize("inputs", [1, 5])
def test_one_input_and_five_are_fused(cls, inputs):
    fusion = made(cls, inputs).eval()
    assert torch.isfinite(fusion(torch.randn(3, inputs, 8), torch.ones(3, inputs, dtype=torch.bool))).all()


@pytest.mark.parametrize("dim", [1, 13])
@pytest.mark.parametrize("cls", BUILT_IN)
def test_any_width_will_do(cls, dim):
    if cls is LateFusion and dim == 1:
        return  # refused, in test_late.py
    assert made(cls, 2, dim)(torch.randn(3, 2, dim), torch.ones(3, 2, dtype=torch.bool)).shape == (3, dim)


OPTIONS = [
    (LowRankFusion, {"rank": 2}),
    (TensorFusion, {"products": 64}),
    (ExpertsFusion, {"experts": 2}),
    (ExpertsFusion, {"best": 1}),
    (TransformerFusion, {"layers": 2}),
    (TransformerFusion, {"heads": 2}),
    (BottleneckFusion, {"tokens": 2}),
    (BottleneckFusion, {"layers": 3}),
    (BottleneckFusion, {"heads": 2}),
    (CrossAttentionFusion, {"query": "in1"}),
    (CrossAttentionFusion, {"strength": 0.5}),
    (CrossAttentionFusion, {"heads": 2}),
    (ConvolutionFusion, {"kernel": 5}),
    (ConvolutionFusion, {"layers": 2}),
    (ConvolutionFusion, {"grid": 9}),
    (MixedFusion, {"of": ["concat", "lowrank"]}),
]


def sequences(rows=4, steps=6):
    """Return the steps of three inputs, the last a vector."""
    torch.manual_seed(1)
    times = torch.arange(float(steps)).expand(rows, -1)
    some = [
        Steps(values=torch.randn(rows, steps, 8), times=times, present=torch.ones(rows, steps, dtype=torch.bool))
    ] * 2
    one = Steps(values=torch.randn(rows, 1, 8), times=times[:, :1], present=torch.ones(rows, 1, dtype=torch.bool))
    return [*some, one]


@pytest.mark.parametrize(("cls", "options"), OPTIONS, ids=str)
def test_every_option_acts(cls, options):
    given = sequences() if cls.steps else (torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool))
    plain, other = (made(cls, **one).eval() for one in ({}, options))
    same = {name: one.shape for name, one in plain.state_dict().items()}
    if {name: one.shape for name, one in other.state_dict().items()} == same:  # the same weights, used otherwise
        other.load_state_dict(
            {**plain.state_dict(), **{n: v for n, v in other.state_dict().items() if n == "strength"}}
        )
    found = [one.fuse_steps(given) if cls.steps else one(*given) for one in (plain, other)]
    assert not torch.allclose(*found, atol=1e-4)


@pytest.mark.parametrize("cls", [TransformerFusion, BottleneckFusion])
def test_dropout_acts_in_training_only(cls):
    given = torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool)
    for rate, repeats in ((0.0, True), (0.5, False)):
        fusion = made(cls, dropout=rate).train()
        assert torch.equal(fusion(*given), fusion(*given)) is repeats
        assert torch.equal(fusion.eval()(*given), fusion(*given))


@pytest.mark.parametrize("cls", [one for one in BUILT_IN if one.option_names() - {"query", "learn"}])
def test_an_option_out_of_range_is_one_sentence(cls):
    for name in cls.option_names() - {"gate_dim"}:
        with pytest.raises(ConfigError, match=rf"^fusion\.options\.{name}: 'many' is not "):
            made(cls, **{name: "many"})


def test_every_option_has_its_test():
    tested = {(cls, name) for cls, options in OPTIONS for name in options}
    tested |= {(cls, "dropout") for cls in (TransformerFusion, BottleneckFusion)} | {(CrossAttentionFusion, "learn")}
    tested |= {(GatedFusion, "gate_dim")}  # in test_fusion.py
    assert tested == {(cls, name) for cls in BUILT_IN for name in cls.option_names()}


# ---- mixed: other fusions, one a member


def test_each_member_of_mixed_fuses_in_its_own_way():
    found = MixedFusion.members(["a", "b"], 8, 5, of=["concat", "transformer", "gated"])
    kinds = [ConcatFusion, TransformerFusion, GatedFusion]
    assert [type(one) for one in found] == [*kinds, *kinds[:2]]
    assert {one.dim for one in found} == {8}


def test_where_members_are_fewer_each_has_all_fusions():
    found = MixedFusion.members(["a", "b"], 9, 2, of=["concat", "transformer", "gated"])
    assert [[type(part) for part in one.parts] for one in found] == [[ConcatFusion, TransformerFusion, GatedFusion]] * 2
    assert [part.dim for part in found[0].parts] == [3, 3, 3]


@pytest.mark.parametrize("count", [1, 4])
def test_mixed_takes_no_other_option(count):
    with pytest.raises(ConfigError, match="MixedFusion takes no option named 'rank'"):
        MixedFusion.members(["a", "b"], 8, count, rank=3)


@pytest.mark.parametrize("of", ["gated", [], ["late"], ["gated", 3]])
def test_what_cannot_be_mixed_is_one_sentence(of):
    with pytest.raises(ConfigError, match=r"^fusion\.options\.of: "):
        made(MixedFusion, of=of)


# ---- what each is for


def matches(rows, seed):
    """Return two random vectors a row, and whether they point the same way: no sum over the two inputs tells."""
    tokens = torch.randn(rows, 2, 8, generator=torch.Generator().manual_seed(seed))
    return (tokens, torch.ones(rows, 2, dtype=torch.bool)), ((tokens[:, 0] * tokens[:, 1]).sum(1) > 0).long()


@pytest.mark.parametrize(
    ("cls", "least", "most"), [(LowRankFusion, 0.85, 1), (TensorFusion, 0.8, 1), (ConcatFusion, 0, 0.75)]
)
def test_products_find_whether_two_inputs_match(learn, cls, least, most):
    right = learn(made(cls, 2), *matches(600, 0))
    assert least <= right(*matches(500, 1)) <= most


def test_of_an_absent_input_the_products_keep_the_one():
    """Without input 1 the answer is that of the others, as the fusion without it would give."""
    tokens, present = torch.randn(4, 3, 8), torch.tensor([[True, False, True]]).expand(4, 3)
    whole, without = made(LowRankFusion), made(LowRankFusion, 2)
    with torch.no_grad():
        for name in ("factors", "ones"):
            getattr(without, name).copy_(getattr(whole, name)[[0, 2]])
        without.ones[0] *= whole.ones[1]
        for name in ("weights", "bias"):
            getattr(without, name).copy_(getattr(whole, name))
    assert torch.allclose(whole(tokens, present), without(tokens[:, [0, 2]], present[:, [0, 2]]), atol=1e-6)


def test_lowrank_is_the_tensor_it_never_builds():
    fusion, tokens = made(LowRankFusion, 2, 4, rank=3), torch.randn(5, 2, 4)
    left, right = (torch.cat([tokens[:, n], torch.ones(5, 1)], 1) for n in range(2))
    factors = [torch.cat([fusion.factors[n], fusion.ones[n][None]]).view(5, 3, 4) for n in range(2)]
    tensor = torch.einsum("arh,brh,r->abh", *factors, fusion.weights[:, 0])
    expected = torch.einsum("na,nb,abh->nh", left, right, tensor) + fusion.bias
    assert torch.allclose(fusion(tokens, torch.ones(5, 2, dtype=torch.bool)), expected, atol=1e-5)


@pytest.mark.parametrize(("inputs", "length"), [(1, 32), (2, 31), (3, 9), (4, 4), (5, 3), (10, 1)])
def test_the_outer_product_stays_small(inputs, length):
    fusion = made(TensorFusion, inputs)
    assert fusion.shorten.shape[2] == length
    assert fusion.mix.in_features == (length + 1) ** inputs <= 1024


def test_an_outer_product_that_cannot_be_small_is_refused():
    with pytest.raises(ConfigError, match="outer product of 11 inputs has 2048 values at the least, more than 1024"):
        made(TensorFusion, 11)


def test_experts_differ_by_what_is_present(learn):
    """The sign of input 0 is the answer where input 1 is absent; where it is there, the answer is turned round."""

    def rows(count, seed):
        random = torch.Generator().manual_seed(seed)
        tokens = torch.randn(count, 2, 8, generator=random)
        present = torch.stack([torch.ones(count), torch.rand(count, generator=random) > 0.5], dim=1).bool()
        return (tokens, present), ((tokens[:, 0, 0] > 0) ^ present[:, 1]).long()

    right = learn(made(ExpertsFusion, 2), *rows(400, 0))
    assert right(*rows(400, 1)) > 0.75


def test_at_strength_0_only_the_query_counts():
    tokens, present = torch.randn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool)
    alone = present & torch.tensor([False, True, False])
    off, on = (made(CrossAttentionFusion, query="in1", strength=one) for one in (0, 1))
    assert torch.equal(off(tokens, present), off(tokens, alone))
    assert not torch.allclose(on(tokens, present), on(tokens, alone), atol=1e-3)
    assert torch.allclose(on(tokens, alone), off(tokens, alone))  # alone it finds nothing worth adding


def test_the_strength_is_read_back_and_learned_only_where_asked(learn):
    for learn_it in (False, True):
        fusion = made(CrossAttentionFusion, 2, strength=0.5, learn=learn_it)
        assert fusion.readings() == {"strength": 0.5}
        learn(fusion, *matches(100, 0), steps=5)
        assert (fusion.readings()["strength"] != 0.5) is learn_it
        copy = made(CrossAttentionFusion, 2, learn=learn_it)
        copy.load_state_dict(fusion.state_dict())
        assert copy.readings() == fusion.readings()


def test_a_query_that_is_no_input_is_refused():
    with pytest.raises(ConfigError, match=r"fusion.options.query: 'fotho' is not one of in0, in1, in2"):
        made(CrossAttentionFusion, query="fotho")


def needles(rows, seed, steps=8):
    """Return sequences with one step that tells the answer among many that tell nothing, and a vector of noise."""
    random = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, steps, 8, generator=random)
    labels = torch.randint(2, (rows,), generator=random)
    place = torch.randint(steps, (rows,), generator=random)
    values[..., 0] = 0
    values[torch.arange(rows), place, 0] = 4.0
    values[torch.arange(rows), place, 1] = 4.0 * labels - 2.0
    there = torch.ones(rows, steps, dtype=torch.bool)
    other = Steps(values=torch.randn(rows, 1, 8, generator=random), times=torch.zeros(rows, 1), present=there[:, :1])
    return [Steps(values=values, times=torch.arange(float(steps)).expand(rows, -1), present=there), other], labels


@pytest.mark.parametrize("cls", [BottleneckFusion, TransformerFusion])
def test_attention_finds_the_one_step_that_tells(learn, cls):
    train, test = needles(200, 0), needles(300, 1)
    means = [torch.stack([one.values.mean(1) for one in rows], dim=1) for rows, _ in (train, test)]
    means = [(one, torch.ones(one.shape[:2], dtype=torch.bool)) for one in means]
    blurred = learn(made(ConcatFusion, 2), means[0], train[1], steps=60)
    assert blurred(means[1], test[1]) < 0.75
    assert learn(made(cls, 2), *train, steps=60)(*test) > 0.85


def test_attention_weights_are_those_of_torch():
    layer = AttentionLayer(8, 2, 0.0)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {"in_proj_weight": layer.ask.weight, "in_proj_bias": layer.ask.bias}
        | {"out_proj.weight": layer.told.weight, "out_proj.bias": layer.told.bias}
    )
    hidden, seen = torch.randn(4, 5, 8), torch.rand(4, 5) > 0.4
    seen[:, 0] = True
    normed = layer.attention_norm(hidden)
    _, weights = theirs(normed, normed, normed, key_padding_mask=~seen)
    assert torch.allclose(layer.weights(hidden, seen), weights, atol=1e-6)


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (GatedFusion, {"gate"}),
        (TransformerFusion, {"attention of the summary"}),
        (CrossAttentionFusion, {"attention of in0"}),
        (MixedFusion, {"gate", "attention of the summary", "attention of in0"}),
        (ConcatFusion, set()),
    ],
)
def test_where_a_fusion_looks_is_somewhere_that_is_there(cls, words):
    fusion = made(cls, dim=16).eval()
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.bool)
    looked = fusion.attention(torch.where(present[:, :, None], torch.randn(4, 3, 16), float("nan")), present)
    assert set(looked) == words
    for word, weights in looked.items():
        asked = weights[:, 1:] if word == "attention of in0" else weights  # it does not look at itself
        assert torch.isnan(weights[:, 0]).all() == (word == "attention of in0")
        assert (asked[~present[:, 3 - asked.shape[1] :]] == 0).all()
        assert (asked[present[:, 3 - asked.shape[1] :]] > 0).all()
        assert (asked.sum(1) < 1 + 1e-5).all()


@pytest.mark.parametrize("cls", [CrossAttentionFusion, TransformerFusion])
def test_attention_to_a_sequence_is_that_to_all_its_steps(cls):
    fusion = made(cls, 2, query="in1") if cls is CrossAttentionFusion else made(cls, 2)
    (rows, _), word = needles(6, 0), "attention of in1" if cls is CrossAttentionFusion else "attention of the summary"
    seen = fusion.eval().attend_steps(rows)[word][:, 0]
    first = Steps(values=rows[0].values[:, :1], times=rows[0].times[:, :1], present=rows[0].present[:, :1])
    assert (seen > fusion.attend_steps([first, rows[1]])[word][:, 0] + 0.1).all()
    assert made(CrossAttentionFusion, 1).attention(torch.randn(2, 1, 8), torch.ones(2, 1, dtype=torch.bool)) == {}


def meetings(rows, seed):
    """Return two tracks of other paces with a bump each, and whether the bumps fall together."""
    random = torch.Generator().manual_seed(seed)
    together = torch.randint(2, (rows,), generator=random)
    first = 10 * torch.rand(rows, 1, generator=random)
    second = torch.where(together[:, None] == 1, first, (first + 3 + 4 * torch.rand(rows, 1, generator=random)) % 10)
    found = []
    for when, pace in ((first, 0.5), (second, 0.8)):
        times = torch.arange(0, 10.01, pace).expand(rows, -1)
        values = 0.1 * torch.randn(rows, times.shape[1], 8, generator=random)
        values[..., 0] += 3 * torch.exp(-2 * (times - when) ** 2)
        found.append(Steps(values=values, times=times, present=torch.ones_like(times, dtype=torch.bool)))
    return found, together


def test_convolution_sees_what_happens_at_the_same_time(learn):
    train, test = meetings(300, 0), meetings(300, 1)
    assert learn(made(ConvolutionFusion, 2), *train, steps=60)(*test) > 0.9
    for rows, _ in (train, test):
        bent = 10 ** torch.empty(len(rows[1].times), 1).uniform_(-1, 1, generator=torch.Generator().manual_seed(2))
        times = 10 * (rows[1].times / 10) ** bent
        rows[1] = Steps(values=rows[1].values, times=times, present=rows[1].present)
    assert learn(made(ConvolutionFusion, 2), *train, steps=60)(*test) < 0.8  # the second clock is off


def test_a_sequence_is_read_between_its_steps_and_is_absent_after_its_last():
    from mmsdk.fusion.convolution import lay_on

    steps = Steps(
        values=torch.tensor([[[0.0], [10.0], [30.0], [float("nan")]]]),
        times=torch.tensor([[0.0, 1.0, 2.0, 9.0]]),
        present=torch.tensor([[True, True, True, False]]),
    ).blanked()
    values, there = lay_on(steps, torch.tensor([[0.0, 0.5, 1.0, 1.25, 2.0, 2.5]]))
    assert values[0, :, 0].tolist() == [0.0, 5.0, 10.0, 15.0, 30.0, 0.0]
    assert there[0].tolist() == [True] * 5 + [False]
