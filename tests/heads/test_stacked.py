"""The stacked head: what says nothing counts nothing, any subset is answered, and it is restored to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from mmsdk.heads import Lesson, StackedHead, fit_stacked, inner_folds, read_options, restore_head
from mmsdk.heads.stacked import MOST, weigh
from mmsdk.model import net_arrays
from mmsdk.tasks import Classification, Multilabel, Regression


def lesson_of(n=120, seed=0, *, noise=200, groups=None):
    """`good` tells the class, `weak` a little, `noise` nothing in many values: it fits what it learned from."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, n)
    vectors = {
        "good": (kind[:, None] * 2 - 1) * 0.8 + random.normal(size=(n, 4)),
        "weak": (kind[:, None] * 2 - 1) * 0.3 + random.normal(size=(n, 3)),
        "noise": random.normal(size=(n, noise)),
    }
    task = Classification(label_smoothing=0.1)
    task.prepare(["a", "b"])
    return Lesson(
        vectors={name: torch.from_numpy(one.astype(np.float32)) for name, one in vectors.items()},
        present=torch.ones(n, 3, dtype=torch.bool),
        task=task,
        targets=torch.from_numpy(kind),
        groups=groups,
    )


def answered(head, lesson, keep=("good", "weak", "noise")):
    masks = {
        name: lesson.present[:, place] if name in keep else torch.zeros(len(lesson), dtype=torch.bool)
        for place, name in enumerate(lesson.inputs)
    }
    vectors = {
        name: torch.where(masks[name][:, None], one, torch.full_like(one, float("nan")))
        for name, one in lesson.vectors.items()
    }
    return head(vectors, masks, torch.empty(0))


def right(head, lesson, keep):
    return float((answered(head, lesson, keep).argmax(1) == lesson.targets).float().mean())


def counts(head):
    return head.document()["counts"]


@pytest.fixture(scope="module")
def head():
    return fit_stacked(lesson_of(), read_options("stacked", {}))


def test_an_input_that_says_nothing_counts_nothing(head):
    whole = counts(head)["good+weak+noise"]
    assert whole["good"] > 0.5
    assert whole["noise"] < 0.1 * whole["good"]
    assert all(0 <= one <= MOST for row in counts(head).values() for one in row.values())


def test_with_much_noise_beside_it_the_best_input_loses_nothing(head):
    asked = lesson_of(600, seed=1)
    alone, all_three = right(head, asked, ["good"]), right(head, asked, ["good", "weak", "noise"])
    assert alone > 0.85
    assert all_three > alone - 0.01


def test_every_subset_has_counts_of_its_own_and_none_is_answered_blindly(head):
    assert len(counts(head)) == 7
    assert set(counts(head)["weak"]) == {"good", "weak", "noise"}
    assert counts(head)["weak"]["good"] == 0
    asked = lesson_of(600, seed=2)
    assert right(head, asked, ["weak"]) > 0.55
    blind = answered(head, asked, [])
    assert torch.allclose(blind, torch.from_numpy(asked.task.baseline(600)).float(), atol=1e-6)
    assert torch.isfinite(answered(head, asked, ["weak"])).all()


def test_an_input_that_gains_less_than_its_noise_does_not_count_at_all():
    found = {margin: counts(fit_stacked(lesson_of(), read_options("stacked", {"margin": margin}))) for margin in (0, 1)}
    assert found[1]["good+weak+noise"]["noise"] == found[1]["good+noise"]["noise"] == 0
    assert any(row["noise"] > 0 for name, row in found[0].items() if name != "noise")
    assert found[1]["noise"]["noise"] == pytest.approx(found[0]["noise"]["noise"])  # alone it is all there is


def test_an_input_that_does_not_count_costs_the_others_no_rows():
    """Rows that lack it teach what the others count: the answer is that of a head which never heard of it."""
    lesson = lesson_of(120, noise=20)
    present = lesson.present.clone()
    present[30:, 2] = False  # three quarters lack the noise
    lesson = replace(lesson, present=present)
    head = fit_stacked(lesson, read_options("stacked", {"margin": 2}))
    found = counts(head)
    assert found["good+weak+noise"] == found["good+weak"]
    assert found["good+noise"] == found["good"]
    asked = lesson_of(50, seed=3, noise=20)
    assert torch.equal(answered(head, asked), answered(head, asked, ["good", "weak"]))


def test_two_inputs_that_each_add_something_both_count():
    kind = np.random.default_rng(5).integers(0, 2, 300)
    lesson = lesson_of(300)
    vectors = {
        name: torch.from_numpy(((kind[:, None] * 2 - 1) * 0.5 + random.normal(size=(300, 3))).astype(np.float32))
        for name, random in (("left", np.random.default_rng(6)), ("right", np.random.default_rng(7)))
    }
    lesson = replace(lesson, vectors=vectors, present=lesson.present[:, :2], targets=torch.from_numpy(kind))
    assert min(counts(fit_stacked(lesson, read_options("stacked", {})))["left+right"].values()) > 0.5


def test_a_row_of_inputs_that_do_not_count_in_the_whole_is_answered_by_what_it_has():
    names = ("good", *(f"noise {n}" for n in range(5)))
    random, lesson = np.random.default_rng(2), lesson_of(200)
    vectors = {name: torch.from_numpy(random.normal(size=(200, 4)).astype(np.float32)) for name in names[1:]}
    present = torch.ones(200, 6, dtype=torch.bool)
    present[:60, 0] = present[:60, 3:] = False  # a pattern of its own: noise 0 and noise 1
    lesson = replace(lesson, vectors={"good": lesson.vectors["good"], **vectors}, present=present)
    head = fit_stacked(lesson, read_options("stacked", {}))
    assert counts(head)["+".join(names)]["noise 0"] == 0
    asked = {name: torch.ones(1, 4) for name in names}
    for given in (names[1:3], names[1:4]):  # the second is no subset of its own: the first one answers
        masks = {name: torch.tensor([name in given]) for name in names}
        here = head(asked, masks, torch.empty(0))
        assert not torch.allclose(here, head.get_buffer("bias")[:1], atol=1e-3)


def test_counts_are_those_of_logistic_regression_where_no_bound_is_met():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    said = np.stack([(truth * 2 - 1) * size + 1.5 * random.normal(size=400) for size in (1.0, 0.6)], axis=1)
    lesson = lesson_of(400)
    lesson = Lesson(
        vectors=lesson.vectors, present=lesson.present, task=Classification(), targets=torch.from_numpy(truth)
    )
    lesson.task.prepare(["a", "b"])
    both = np.stack([-said / 2, said / 2], axis=2)  # log-odds as two logits
    found, bias = weigh(lesson, torch.from_numpy(both), torch.tensor([True, True]))
    other = LogisticRegression(C=np.inf, tol=1e-9, max_iter=2000).fit(said, truth)
    assert np.allclose(found.numpy(), other.coef_[0], atol=0.01)
    assert float(bias[1] - bias[0]) == pytest.approx(other.intercept_[0], abs=0.01)


def test_an_input_that_is_wrong_is_not_turned_round():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    wrong = -(truth * 2 - 1.0) + 0.5 * random.normal(size=200)
    lesson = lesson_of(200)
    lesson = Lesson(vectors=lesson.vectors, present=lesson.present, task=lesson.task, targets=torch.from_numpy(truth))
    both = np.stack([-wrong, wrong], axis=1)[:, None, :]
    found, _ = weigh(lesson, torch.from_numpy(both), torch.tensor([True]))
    assert float(found[0]) == pytest.approx(0, abs=1e-6)
    free = minimize(lambda w: np.logaddexp(0, -(truth * 2 - 1) * 2 * w[0] * wrong).mean(), [0.0]).x
    assert free[0] < -0.5  # without the bound it would be


def test_what_an_input_is_worth_is_learned_with_groups_whole():
    """Values that name the group fit every row of it: among groups unseen they are worth nothing."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 8)
    kind = np.repeat(random.integers(0, 2, 20), 8)
    named = np.eye(20)[groups] + 0.05 * random.normal(size=(160, 20))
    task = Classification()
    task.prepare(["a", "b"])
    parts = {
        "vectors": {"name": torch.from_numpy(named.astype(np.float32))},
        "present": torch.ones(160, 1, dtype=torch.bool),
        "task": task,
        "targets": torch.from_numpy(kind),
    }
    options = read_options("stacked", {"penalty": 0.1})
    loose = fit_stacked(Lesson(**parts), options)
    whole = fit_stacked(Lesson(**parts, groups=groups.astype(object)), options)
    assert counts(loose)["name"]["name"] > 0.5
    assert counts(whole)["name"]["name"] < 0.2
    lesson = Lesson(**parts, groups=groups.astype(object))
    assert all(not set(groups[fit]) & set(groups[judge]) for fit, judge in inner_folds(lesson, 4))


def test_rows_that_lack_inputs_teach_and_are_answered():
    lesson = lesson_of(200)
    present = torch.from_numpy(np.random.default_rng(3).random((200, 3)) < 0.6)
    lesson = Lesson(vectors=lesson.vectors, present=present, task=lesson.task, targets=lesson.targets)
    head = fit_stacked(lesson, read_options("stacked", {}))
    asked = lesson_of(400, seed=4)
    assert right(head, asked, ["good"]) > 0.8
    assert right(head, asked, ["good", "noise"]) > 0.8


def test_few_rows_are_enough_for_an_answer():
    head = fit_stacked(lesson_of(4), read_options("stacked", {}))
    assert torch.isfinite(answered(head, lesson_of(5, seed=1))).all()


def test_numbers_and_sets_of_labels():
    lesson = lesson_of()
    number, labels = Regression(), Multilabel()
    kinds = lesson.targets.numpy()
    number.prepare(kinds)
    labels.prepare(["a|b", "b"])
    for task, goal in ((number, number.encode(kinds)[0]), (labels, labels.encode([("a", "a|b")[k] for k in kinds])[0])):
        one = Lesson(vectors=lesson.vectors, present=lesson.present, task=task, targets=torch.from_numpy(goal))
        head = fit_stacked(one, read_options("stacked", {}))
        assert one.loss(answered(head, one)) < 0.8 * one.loss(torch.from_numpy(task.baseline(len(one))))


def test_it_is_restored_to_the_bit(head):
    arrays = {name.removeprefix("h."): value for name, value in net_arrays(head, "h").items()}
    again = restore_head(head.document(), arrays)
    assert isinstance(again, StackedHead)
    asked = lesson_of(seed=1)
    assert torch.equal(answered(head, asked), answered(again, asked))
