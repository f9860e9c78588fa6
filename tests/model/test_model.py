"""The joint network: any subset of inputs, any names, saved to the bit; targets with their places."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.errors import DataError, RunError
from mmsdk.explain.attention import attention_of
from mmsdk.explain.occlusion import Row
from mmsdk.fusion import ConcatFusion, GatedFusion, MixedFusion
from mmsdk.model import (
    Run,
    build_net,
    encode_targets,
    infer,
    load_net_arrays,
    load_run,
    make_task,
    net_arrays,
    prepare_targets,
    save_run,
)
from mmsdk.tasks import Classification, Multilabel, Regression

DIMS = {"photo": 6, "type": 4, "a.b": 3}  # names that nn.ModuleDict would refuse
FUSION = SimpleNamespace(dim=16, members=2, modality_dropout=0.2, options={})


def tasks():
    classes, number = Classification(), Regression()
    classes.prepare(["a", "b", "c"])
    number.prepare([1, 2, 4])
    return {"forward": classes, "price": number}


def net_of(fusion=GatedFusion, seed=0):
    return build_net(DIMS, tasks(), fusion, FUSION, dropout=0.3, seed=seed).eval()


def rows_of(n=7, seed=0):
    random = np.random.default_rng(seed)
    values = {name: random.normal(size=(n, size)).astype(np.float32) for name, size in DIMS.items()}
    return values, {name: random.random(n) < 0.6 for name in DIMS}


@pytest.mark.parametrize("fusion", [GatedFusion, ConcatFusion])
def test_nan_garbage_of_absent_inputs_changes_nothing(fusion):
    net, (values, present) = net_of(fusion), rows_of()
    present["photo"][0] = present["type"][0] = present["a.b"][0] = False
    garbage = {name: np.where(present[name][:, None], one, np.nan).astype(np.float32) for name, one in values.items()}
    vectors, logits = infer(net, values, present)
    other, others = infer(net, garbage, present)
    assert np.array_equal(vectors, other)
    assert np.isfinite(vectors).all()
    assert all(np.array_equal(logits[name], others[name]) for name in net.tasks)


def test_keep_is_the_same_as_absent_and_an_input_may_be_left_out():
    net, (values, _) = net_of(), rows_of()
    everywhere = {name: np.ones(7, dtype=bool) for name in DIMS}
    kept, _ = infer(net, values, everywhere, keep=["type"])
    absent, _ = infer(net, values, everywhere | {"photo": np.zeros(7, bool), "a.b": np.zeros(7, bool)})
    alone, _ = infer(net, {"type": values["type"]}, everywhere)
    assert np.array_equal(kept, absent)
    assert np.array_equal(kept, alone)
    assert not np.allclose(kept, infer(net, values, everywhere)[0])


def test_rows_are_answered_in_the_order_asked_and_none_is_none():
    net, (values, present) = net_of(), rows_of()
    whole, _ = infer(net, values, present)
    some, logits = infer(net, values, present, rows=np.array([3, 1]), batch_size=1)
    assert np.allclose(some, whole[[3, 1]], atol=1e-6)
    assert logits["forward"].shape == (2, 3)
    assert infer(net, values, present, rows=np.array([], dtype=int))[0].shape == (0, 16)


def test_infer_leaves_the_mode_alone():
    net, (values, present) = net_of().train(), rows_of()
    assert np.array_equal(infer(net, values, present)[0], infer(net, values, present)[0])
    assert net.training


def test_the_seed_decides_the_weights_and_torch_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, same, other = net_of(seed=1), net_of(seed=1), net_of(seed=2)
    assert torch.equal(torch.rand(1), expected)
    weights = [net.projector.linears[0].weight for net in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_fusion_settings_act():
    settings = SimpleNamespace(dim=8, members=2, modality_dropout=0.7, options={"gate_dim": 5})
    net = build_net(DIMS, tasks(), GatedFusion, settings, dropout=0.4, input_dropout=0.1)
    assert net.fusions[0].read.out_features == 5
    assert [one.dim for one in net.fusions] == [one.in_features for one in net.heads[0]] == [4, 4]
    assert net.modality_dropout == 0.7
    assert (net.projector.dropout.rate, net.projector.input_dropout) == (0.4, 0.1)


def test_members_answer_apart_and_together():
    net, (values, present) = net_of(), rows_of()
    vectors, logits = infer(net, values, present)
    answers = net.answers(torch.from_numpy(vectors))
    assert answers["forward"].shape == (2, 7, 3)
    assert not torch.allclose(answers["forward"][0], answers["forward"][1], atol=1e-3)
    assert np.allclose(answers["forward"].mean(0).detach().numpy(), logits["forward"], atol=1e-6)
    changed = vectors.copy()
    changed[:, 8:] += 1  # the second member's half
    assert torch.equal(net.answers(torch.from_numpy(changed))["forward"][0], answers["forward"][0])


@pytest.mark.parametrize(("dim", "wanted", "found"), [(16, 4, 4), (6, 4, 2), (7, 4, 1), (8, 1, 1)])
def test_members_divide_the_vector(dim, wanted, found):
    settings = SimpleNamespace(dim=dim, members=wanted, modality_dropout=0.0, options={})
    net = build_net(DIMS, tasks(), ConcatFusion, settings)
    assert len(net.fusions) == len(net.heads[0]) == net.projector.norms[0].num_groups == found
    assert infer(net, *rows_of())[0].shape == (7, dim)


def test_a_run_round_trips_to_the_bit(tmp_path):
    net, (values, present) = net_of(), rows_of()
    document = {"tasks": {name: task.state() for name, task in tasks().items()}, "name": "läden"}
    save_run(tmp_path, Run(document=document, arrays=net_arrays(net) | {"ranker.items": np.arange(3)}))
    run = load_run(tmp_path)
    copy = net_of(seed=9)
    load_net_arrays(copy, run.part("net"))
    before, after = infer(net, values, present), infer(copy, values, present)
    assert np.array_equal(before[0], after[0])
    assert all(np.array_equal(before[1][name], after[1][name]) for name in net.tasks)
    assert run.document["name"] == "läden"
    assert run.document["schema_version"] == 1
    assert run.part("ranker")["items"].tolist() == [0, 1, 2]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"has no run\.json"):
        load_run(tmp_path)
    save_run(tmp_path, Run(document={}, arrays={"a": np.zeros(2)}))
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(RunError, match="damaged"):
        load_run(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    save_run(tmp_path, Run(document={"schema_version": 2}, arrays={"a": np.zeros(2)}))
    with pytest.raises(RunError, match="schema_version 2"):
        load_run(tmp_path)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(RunError, match="do not fit"):
        load_net_arrays(net_of(), {"projector.linears.0.weight": np.zeros((2, 2), np.float32)})


SPLIT = np.array(["train", "train", "train", "test", ""], dtype=object)


def test_a_label_seen_only_in_test_is_named_with_its_place():
    cells = ["a", "b", None, "zebra", "b"]
    with pytest.raises(DataError, match=r"row 4 \(id 's3'\), column 'kind', 'zebra'"):
        prepare_targets(Classification(), cells, SPLIT, name="cat", column="kind", ids=[f"s{i}" for i in range(5)])
    target, problems = prepare_targets(Classification(), cells, SPLIT, name="cat", column="kind", on_bad_row="skip")
    assert target.labelled.tolist() == [True, True, False, False, True]
    assert [one.row for one in problems] == [4]


def test_one_class_only_names_task_and_column():
    with pytest.raises(DataError, match=r"tasks\.cat \(column 'kind'\): every labelled training row is 'a'"):
        prepare_targets(Classification(), ["a", "a", "a", "b", "b"], SPLIT, name="cat", column="kind")


def test_a_prepared_task_encodes_new_rows():
    target, _ = encode_targets(tasks()["forward"], ["c", None], name="cat", column="kind", weight=2.0)
    assert (target.values[0], target.weight, target.labelled.tolist()) == (2, 2.0, [True, False])


def test_tasks_are_offered_only_what_they_take():
    offered = {"separator": ";", "label_smoothing": 0.1}
    assert make_task(Multilabel, offered).separator == ";"
    assert make_task(Classification, offered).label_smoothing == 0.1
    assert isinstance(make_task(Regression, offered), Regression)


def test_what_only_some_members_show_is_the_mean_over_those():
    settings = SimpleNamespace(dim=16, members=4, modality_dropout=0.2, options={"of": ["gated", "cross-attention"]})
    net = build_net(DIMS, tasks(), MixedFusion, settings).eval()
    with torch.no_grad():
        for place, strength in ((1, 0.5), (3, 1.5)):
            net.fusions[place].strength.fill_(strength)
    assert net.readings() == {"strength": 1.0}
    row = Row(values={name: np.ones((1, size), np.float32) for name, size in DIMS.items()}, present={})
    gate, asked = attention_of(net, row, list(DIMS))
    assert (gate.name, asked.name) == ("gate", f"attention of {next(iter(DIMS))}")
    assert sum(gate.weights.values()) == pytest.approx(1.0)
    assert set(asked.weights) == set(list(DIMS)[1:])
