"""What is taken next: counts by hand, a world where the order decides, and one where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmsdk.data.interactions import Interactions
from mmsdk.evaluate.ranking import fit_and_score_ranking, leave_last
from mmsdk.tasks.ranking import Histories, Ranker
from mmsdk.tasks.ranking.baselines import after_the_last
from mmsdk.tasks.ranking.choice import Chooser
from mmsdk.tasks.ranking.content import prepare
from mmsdk.tasks.ranking.sequel import SEQUEL, last_items, no_sequel, sequel, transitions

ITEMS, USERS = 60, 150


def walks(*, ordered: bool) -> Interactions:
    """Users take an item, and then the one that stands next on a circle; or any others."""
    random = np.random.default_rng(0)
    circle = random.permutation(ITEMS)
    items = []
    for _ in range(USERS):
        start, length = random.integers(ITEMS), 6
        own = circle[(start + np.arange(length)) % ITEMS] if ordered else random.choice(ITEMS, length, replace=False)
        items += own.tolist()
    users = np.repeat(np.arange(USERS), 6)
    return Interactions(
        users=users,
        items=np.array(items),
        user_ids=tuple(f"u{user:03d}" for user in range(USERS)),
        weights=np.ones(len(users), np.float32),
        times=np.arange(len(users), dtype=np.float64),
    )


def histories_of(walk):
    return Histories.of(walk.users, walk.items, n_users=USERS, n_items=ITEMS, times=walk.times)


@pytest.fixture(scope="module")
def vectors():
    return {"noise": np.random.default_rng(1).normal(size=(ITEMS, 6)).astype(np.float32)}


@pytest.fixture(scope="module")
def ordered(vectors):
    walk = walks(ordered=True)
    held = leave_last(walk, ITEMS)
    return walk, held, Ranker.fit(held.train, vectors, {}, quiet=True)


def test_steps_by_hand():
    times = np.array([0.0, 1, 3, 0, 2])  # user 0 takes 0, 1, 2; user 1 takes 1, 2; waits 1, 2, 2: usually 2
    found = Histories.of(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 1, 2]), n_users=2, n_items=4, times=times)
    counts = np.zeros((4, 4))
    counts[0, 1] = 0.5**0.5
    counts[1, 2] = 0.5 + 0.5
    counts[0, 2] = 0.5 * 0.5**1.5
    out, into = counts.sum(1), counts.sum(0)
    expected = counts / np.sqrt(np.outer(out + 1, into + 1))
    np.testing.assert_allclose(transitions(found).toarray(), expected, atol=1e-6)
    assert last_items(found).tolist() == [2, 2]
    assert last_items(found.kept(np.zeros(5, bool))).tolist() == [-1, -1]
    two = sequel(found, 0)
    np.testing.assert_allclose(two.before @ two.after.T, expected, atol=1e-6)  # of rank 2, so that nothing is lost
    assert sequel(Histories.from_lists([[1]], 4, ordered=True), 0).after.shape == no_sequel(4).after.shape == (4, 0)


def test_the_next_item_is_found_where_the_order_decides(ordered):
    _, held, ranker = ordered
    assert ranker.choice.weights[SEQUEL] > 0
    scores = ranker.represent(held.histories) @ ranker.items.T
    scores[held.histories.users, held.histories.items] = -np.inf
    top = np.argsort(-scores, 1)[:, :2]
    assert (top == held.targets.items[:, None]).any(1).mean() > 0.9
    turned = held.histories.select(np.arange(5))
    turned = replace(turned, items=turned.items.reshape(5, -1)[:, ::-1].ravel())
    assert not np.allclose(ranker.represent(turned), ranker.represent(held.histories)[:5], atol=1e-3)


def test_users_from_item_vectors_are_the_same(ordered):
    _, held, ranker = ordered
    lists = [ranker.items[held.histories.of_user(user)] for user in range(9)]
    np.testing.assert_allclose(ranker.user_vectors(lists), ranker.represent(held.histories)[:9], atol=1e-5)
    assert ranker.dim == ranker.width + 2 * ranker.sequel.after.shape[1] + ranker.liked
    short = Ranker.fit(held.train, {}, {}, dim=140, choice=ranker.choice, contents=ranker.contents)
    assert short.dim <= 140


def test_the_reasons_say_what_is_taken_after_what(ordered):
    _, held, ranker = ordered
    history = held.histories.of_user(3)
    target = int(held.targets.of_user(3)[0])
    parts = ranker.explain(history, target)
    score = float(ranker.represent(held.histories.select(np.array([3])))[0] @ ranker.items[target])
    assert sum(part.value for part in parts) == pytest.approx(score, abs=1e-4)
    (after,) = [part for part in parts if part.block == SEQUEL]
    assert after.item == history[-1]
    assert after.value > 0.3 * score


def test_a_saved_one_comes_back(ordered, vectors):
    _, held, ranker = ordered
    again = Ranker.load(ranker.arrays(), ranker.state())
    np.testing.assert_array_equal(again.represent(held.histories), ranker.represent(held.histories))
    np.testing.assert_array_equal(again.embed_new(vectors), ranker.embed_new(vectors))
    contents = {name: one.with_rows(one.vectors, one.present) for name, one in again.contents.items()}
    np.testing.assert_array_equal(again.relearned(held.train, contents).items, ranker.items)


def test_where_the_order_means_nothing_it_gets_no_weight(vectors):
    train = histories_of(walks(ordered=False))
    choice = Chooser(train, prepare(vectors, {}, ITEMS)[0]).choose(quiet=True)
    assert choice.weights[SEQUEL] == 0
    assert {one["sequel"] for one in choice.inner} == {False, True}
    unordered = replace(train, times=None)
    assert SEQUEL not in Chooser(unordered, prepare(vectors, {}, ITEMS)[0]).names


def test_the_last_item_is_asked_for_under_a_name_of_its_own(ordered, vectors):
    walk, held, _ = ordered
    assert (held.targets.lengths == 1).all()
    assert (held.histories.lengths == 5).all()
    assert leave_last(replace(walk, times=None), ITEMS) is None
    one_each = Histories.of(walk.users[::6], walk.items[::6], n_users=USERS, n_items=ITEMS)
    assert len(one_each.items) == USERS
    few = replace(walk, users=walk.users[::6], items=walk.items[::6], weights=walk.weights[::6], times=walk.times[::6])
    assert leave_last(few, ITEMS) is None
    result = fit_and_score_ranking(walk, [f"{n:03d}" for n in range(ITEMS)], vectors, {}, quiet=True)
    found = result.metrics["recommend_next"]
    assert found["test"]["mrr"]["value"] > 0.6
    assert found["baselines"]["after the last item"]["mrr"]["value"] > 0.6
    assert found["paired"]["EASE"]["ndcg@20"]["low"] > 0
    assert any("taken last counts" in note for note in result.notes)


def test_after_the_last_says_nothing_of_a_newcomer(ordered):
    _, held, _ = ordered
    scorer = after_the_last(held.train)
    assert not scorer(held.histories.kept(np.zeros(len(held.histories.items), bool))).any()
