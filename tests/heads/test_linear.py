"""The linear head against scikit-learn; each subset answered as by a model of nothing else; saved to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score

from mmsdk.errors import RunError
from mmsdk.heads import BlendHead, Lesson, choose_share, fit_linear, inner_folds, read_options, restore_head
from mmsdk.heads.solver import apply_map, fit_linear_map
from mmsdk.model import net_arrays
from mmsdk.tasks import Classification, Multilabel, Regression

SIZES = {"photo": 6, "title": 5, "price": 1}


def rows_of(n=160, seed=0, sizes=SIZES, classes=3):
    """Return vectors that each tell the class a little, all present, and the class."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, classes, n)
    means = np.random.default_rng(99)
    vectors = {
        name: torch.from_numpy(
            (means.normal(size=(classes, size))[kind] * 0.7 + random.normal(size=(n, size))).astype(np.float32)
        )
        for name, size in sizes.items()
    }
    return vectors, torch.ones(n, len(sizes), dtype=torch.bool), kind


def lesson_of(vectors, present, kind, *, groups=None, weights=None):
    task = Classification(label_smoothing=0.1)
    task.prepare([f"k{one}" for one in kind])
    weights = None if weights is None else torch.from_numpy(task.class_weights(kind))
    return Lesson(
        vectors=vectors, present=present, task=task, targets=torch.from_numpy(kind), weights=weights, groups=groups
    )


def answers(head, vectors, present):
    masks = {name: present[:, place] for place, name in enumerate(vectors)}
    return head(vectors, masks, torch.empty(0))


def test_the_solver_is_scikit_learns_logistic_regression():
    vectors, _, kind = rows_of()
    features, truth = torch.cat(list(vectors.values()), 1), torch.from_numpy(kind)
    loss = torch.nn.functional.cross_entropy
    found = fit_linear_map(
        features.double(), lambda z: loss(z, truth), 2.0, torch.zeros(13, 3).double(), precision=1e-8
    )
    other = LogisticRegression(C=0.5, tol=1e-9, max_iter=5000).fit(features.numpy().astype(float), kind)
    chances = apply_map(features.double(), found).softmax(1)
    assert np.allclose(chances.numpy(), other.predict_proba(features.numpy().astype(float)), atol=1e-4)


def test_the_solver_is_ridge_where_no_row_is_far_off():
    """The Huber loss is half the squared error up to one."""
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 5))
    truth = features @ random.normal(size=5) * 0.1 + 0.1 * random.normal(size=80) + 0.3
    task, goal = Regression(), torch.from_numpy(truth)
    found = fit_linear_map(
        torch.from_numpy(features),
        lambda z: task.loss(z, goal, None).mean(),
        4.0,
        torch.zeros(6, 1).double(),
        precision=1e-9,
    )
    other = Ridge(alpha=4.0).fit(features, truth)
    assert np.allclose(found[:-1, 0], other.coef_, atol=1e-6)
    assert found[-1, 0] == pytest.approx(other.intercept_, abs=1e-6)


def test_every_subset_is_answered_as_by_a_model_of_nothing_else():
    vectors, present, kind = rows_of()
    head = fit_linear(lesson_of(vectors, present, kind), read_options("linear", {"penalty": 1.0}))
    assert head.own.shape == (7, 3)
    asked, _, _ = rows_of(seed=1)
    for subset in head.own:
        some = {name: one for name, one, here in zip(SIZES, vectors.values(), subset.tolist(), strict=True) if here}
        alone = fit_linear(
            lesson_of(dict(zip(some, some.values(), strict=True)), present[:, : len(some)], kind),
            read_options("linear", {"penalty": 1.0}),
        )
        garbage = {name: one if name in some else torch.full_like(one, float("nan")) for name, one in asked.items()}
        found = answers(head, garbage, subset.expand(len(kind), -1)).softmax(1)
        expected = answers(alone, {name: asked[name] for name in some}, present[:, : len(some)]).softmax(1)
        assert torch.allclose(found, expected, atol=5e-3), subset


def test_a_row_without_any_input_gets_the_blind_answer():
    vectors, present, kind = rows_of()
    lesson = lesson_of(vectors, present, kind)
    head = fit_linear(lesson, read_options("linear", {"penalty": 1.0}))
    found = answers(head, vectors, torch.zeros_like(present))
    assert np.allclose(found.numpy(), lesson.task.baseline(len(kind)), atol=1e-6)


def test_missing_rows_teach_and_many_inputs_share_a_model():
    sizes = {f"i{n}": 4 for n in range(6)}
    vectors, present, kind = rows_of(n=300, sizes=sizes)
    present = torch.from_numpy(np.random.default_rng(3).random(present.shape) < 0.7)
    head = fit_linear(lesson_of(vectors, present, kind), read_options("linear", {"penalty": 0.3}))
    assert head.rest
    asked, whole, truth = rows_of(n=300, seed=5, sizes=sizes)
    some = torch.from_numpy(np.random.default_rng(4).random(whole.shape) < 0.7)
    assert balanced_accuracy_score(truth, answers(head, asked, whole).argmax(1)) > 0.85
    assert balanced_accuracy_score(truth, answers(head, asked, some).argmax(1)) > 0.7


def test_the_penalty_is_chosen_by_rows_left_out_and_groups_stay_whole():
    """Noise around each group's own mean: rows alone would ask for a weak penalty, groups for a strong one."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(24), 8)
    kind = np.repeat(random.integers(0, 2, 24), 8)
    own = random.normal(size=(24, 40))[groups]
    signal = (kind[:, None] - 0.5) * 0.8
    vectors = {"x": torch.from_numpy(np.hstack([own, signal + random.normal(size=(192, 3))]).astype(np.float32))}
    present = torch.ones(192, 1, dtype=torch.bool)
    options = read_options("linear", {})
    apart = fit_linear(lesson_of(vectors, present, kind), options).penalties[0]
    whole = fit_linear(lesson_of(vectors, present, kind, groups=groups.astype(object)), options).penalties[0]
    assert whole > apart
    for fit, judge in inner_folds(lesson_of(vectors, present, kind, groups=groups.astype(object)), 4):
        assert not set(groups[fit]) & set(groups[judge])


def test_folds_of_few_rows():
    vectors, present, kind = rows_of(n=3)
    assert inner_folds(lesson_of(vectors, present, kind).take(np.array([0])), 4) == []
    lesson = lesson_of(vectors, present, np.array([0, 1, 2]))
    assert len(inner_folds(lesson, 4)) == 3
    assert fit_linear(lesson, read_options("linear", {})).penalties[0] > 0


def test_numbers_and_sets_of_labels():
    vectors, present, kind = rows_of()
    number, labels = Regression(), Multilabel()
    number.prepare(kind)
    labels.prepare(["a|b", "b", "a|c"])
    goals = {number: number.encode(kind)[0], labels: labels.encode([("a", "a|b", "c")[one] for one in kind])[0]}
    for task, goal in goals.items():
        lesson = Lesson(vectors=vectors, present=present, task=task, targets=torch.from_numpy(goal))
        head = fit_linear(lesson, read_options("linear", {}))
        found = answers(head, vectors, present)
        blind = torch.from_numpy(task.baseline(len(kind)))
        assert lesson.loss(found) < 0.8 * lesson.loss(blind)


def test_what_it_learned_is_restored_to_the_bit_and_gradients_reach_the_vectors():
    vectors, present, kind = rows_of()
    head = fit_linear(lesson_of(vectors, present, kind), read_options("linear", {"penalty": 1.0}))
    blend = BlendHead(head, 0.3)
    for one in (head, blend):
        arrays = {name.removeprefix("h."): value for name, value in net_arrays(one, "h").items()}
        again = restore_head(one.document(), arrays)
        masks = {name: present[:, place] for place, name in enumerate(vectors)}
        network = torch.ones(len(kind), 3)
        assert torch.equal(one(vectors, masks, network), again(vectors, masks, network))
    with pytest.raises(RunError, match="does not fit"):
        restore_head(head.document(), {"own": np.ones((1, 3), bool), "blind": np.zeros(2)})
    leaf = {name: one.clone().requires_grad_() for name, one in vectors.items()}
    answers(head, leaf, present).sum().backward()
    assert all(one.grad.abs().sum() > 0 for one in leaf.values())


@pytest.mark.parametrize(
    ("better", "low", "high"), [("linear", 0.7, 1.0), ("network", 0.0, 0.3), ("neither", 0.4, 0.6)]
)
def test_the_share_goes_to_who_is_right_and_to_both_where_nobody_knows(better, low, high):
    random = np.random.default_rng(0)
    task = Classification()
    task.prepare(["a", "b", "c"])
    truth = random.integers(0, 3, 200)
    good = 3.0 * np.eye(3)[truth] + random.normal(size=(200, 3))
    bad = 5.0 * random.normal(size=(200, 3))
    network, linear = {"linear": (bad, good), "network": (good, bad), "neither": (good, good)}[better]
    assert low <= choose_share(task, network, linear, truth) <= high


def test_few_rows_do_not_talk_a_blend_into_either():
    random = np.random.default_rng(1)
    task = Classification()
    task.prepare(["a", "b"])
    truth = random.integers(0, 2, 12)
    network, linear = (np.eye(2)[truth] + random.normal(size=(12, 2)) for _ in range(2))
    groups = np.repeat(np.arange(4), 3).astype(object)
    assert 0.2 <= choose_share(task, network, linear, truth, groups=groups) <= 0.8
