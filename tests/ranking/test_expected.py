"""Items that few users took or none: what is expected of them, how far it counts, and leave-outs with such items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from mmsdk.tasks.ranking import Choice, Histories, Ranker
from mmsdk.tasks.ranking.choice import _candidates
from mmsdk.tasks.ranking.expected import outlook, taken_alike
from mmsdk.tasks.ranking.folds import inner_folds

TOPICS, ITEMS, NEW = 4, 240, 48


@pytest.fixture(scope="module")
def shop():
    """Users keep to a topic and, within it, to what is popular; the last items are new, the very last mean nothing."""
    random = np.random.default_rng(0)
    topic = np.arange(ITEMS) % TOPICS
    vectors = random.normal(size=(TOPICS, 12))[topic] + 0.4 * random.normal(size=(ITEMS, 12))
    fame = random.lognormal(0, 1, ITEMS)
    lists = []
    for _ in range(200):
        own = np.flatnonzero((topic == random.integers(TOPICS)) & (np.arange(ITEMS) < ITEMS - NEW))
        lists.append(random.choice(own, 6, replace=False, p=fame[own] / fame[own].sum()))
    return topic, {"title": vectors.astype(np.float32)}, Histories.from_lists(lists, ITEMS)


@pytest.fixture(scope="module")
def ranker(shop):
    _, vectors, histories = shop
    return Ranker.fit(histories, vectors, {}, quiet=True)


def _answers(ranker, histories):
    scores = ranker.represent(histories) @ ranker.item_vectors().T
    scores[histories.users, histories.items] = -np.inf
    return np.argsort(-scores, axis=1)[:, :20]


def test_new_items_are_recommended_as_often_as_like_items_and_not_without_the_expectation(shop, ranker):
    """Of the 54 items of the topic that a user has not taken 12 are new."""
    _, vectors, histories = shop
    assert ranker.choice.kappa > 0
    without = Ranker.fit(histories, vectors, {}, choice=replace(ranker.choice, kappa=0.0))
    share = (_answers(ranker, histories) >= ITEMS - NEW).mean()
    assert share > 0.15
    assert share > (_answers(without, histories) >= ITEMS - NEW).mean() + 0.05


def test_being_new_is_no_merit(shop):
    """New items like nothing that users take are not answered more than others, however many there are."""
    topic, vectors, histories = shop
    odd = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    more = {"title": np.vstack([vectors["title"], 3 * odd])}
    larger = Histories.from_lists([histories.of_user(user) for user in range(len(histories))], ITEMS + 60)
    fitted = Ranker.fit(larger, more, {}, quiet=True)
    answers = _answers(fitted, larger)
    assert (answers >= ITEMS).mean() < 60 / (ITEMS + 60 - 6)
    taste = topic[histories.items[histories.starts[:-1]]]
    known = answers < ITEMS
    assert (topic[np.minimum(answers, ITEMS - 1)] == taste[:, None])[known].mean() > 0.8


def test_a_new_item_has_what_is_expected_of_an_item_that_nobody_took(shop, ranker):
    _, vectors, histories = shop
    cold = np.flatnonzero(histories.degrees == 0)
    new = ranker.embed_new({"title": vectors["title"][cold]})
    np.testing.assert_allclose(new, ranker.item_vectors()[cold], atol=1e-5)


def _outlook(degrees, near, basis=None, **more):
    basis = np.eye(len(degrees), 2, dtype=np.float32) if basis is None else basis
    return outlook({"a": sp.csr_matrix(np.array(near, np.float32))}, basis, np.array(degrees), **more)


def test_an_expectation_is_of_others_that_somebody_took():
    near = sp.csr_matrix(np.array([[8, 1, 3, 5], [0, 2, 0, 0]], np.float32))
    found = taken_alike(near, np.array([9, 2, 1, 0]), np.array([0, 1]))
    np.testing.assert_allclose(found.toarray(), [[0, 0.25, 0.75, 0], [0, 0, 0, 0]])
    new = taken_alike(near, np.array([9, 2, 1, 0]))
    np.testing.assert_allclose(new.toarray()[0], [8 / 12, 1 / 12, 3 / 12, 0], rtol=1e-6)


def test_trust_falls_with_the_number_of_users():
    near = np.ones((4, 4)) - np.eye(4)
    near[3] = 0  # nothing is like the last
    seen = _outlook([0, 3, 27, 0], near, itself=np.arange(4))
    own = np.zeros((4, 2), np.float32)
    seen = replace(seen, vectors=np.ones((4, 2), np.float32))
    np.testing.assert_allclose(seen.behaviour(own, 3.0)[:, 0], [1, 0.5, 0.1, 0], rtol=1e-6)
    assert not seen.behaviour(own, 0.0).any()
    assert seen.popularity(3.0)[0] == pytest.approx(np.log([4, 28]).mean(), rel=1e-6)
    assert seen.popularity(3.0)[3] == 0
    np.testing.assert_allclose(seen.popularity(0.0), np.log1p([0, 3, 27, 0]), rtol=1e-6)


def test_an_expectation_of_behaviour_is_as_long_as_it_proves_right():
    random = np.random.default_rng(0)
    kind = np.arange(40) % 2
    basis = np.eye(2, dtype=np.float32)[kind]
    right = sp.csr_matrix((kind[:, None] == kind).astype(np.float32))
    wrong = sp.csr_matrix(random.random((40, 40)).astype(np.float32))
    ones, every = np.ones(40, np.int64), np.arange(40)
    scales = outlook({"right": right, "wrong": wrong}, basis, ones, itself=every).scales
    assert scales["right"] == pytest.approx(1, abs=0.01)
    assert scales["wrong"] == pytest.approx(0, abs=0.01)
    assert outlook({}, basis, ones, itself=every).behaviour(basis, 3.0).tolist() == basis.tolist()


@pytest.mark.parametrize("ordered", [False, True])
def test_some_items_of_a_leave_out_are_new_and_asked_for(ordered):
    random = np.random.default_rng(0)
    lists = [random.choice(80, 8, replace=False) for _ in range(60)] + [[0], [1], [2]]
    histories = Histories.from_lists(lists, 100, ordered=ordered)
    shares, asked = [], []
    for fold in inner_folds(histories):
        new = (fold.train.degrees == 0) & (histories.degrees > 0)
        shares.append(new.mean())
        asked.append(new[fold.targets.items].mean())
        assert (fold.histories.lengths > 0).all()
        together = {*zip(fold.histories.users.tolist(), fold.histories.items.tolist(), strict=True)}
        assert not together & {*zip(fold.targets.users.tolist(), fold.targets.items.tolist(), strict=True)}
    assert 0.1 < np.mean(shares) < 0.25  # a fifth of the items that anybody took, as a fifth of all was never taken
    assert 0.1 < np.mean(asked) < 0.3


def test_items_that_nobody_took_are_no_candidates_of_a_leave_out():
    histories = Histories.from_lists([[0, 1, 2, 3]] * 9, 10)
    fold = inner_folds(histories)[0]
    assert _candidates(fold, np.flatnonzero(histories.degrees), np.random.default_rng(0)).tolist() == [0, 1, 2, 3]


def test_a_ranker_saved_before_there_was_an_expectation_still_loads(shop):
    _, vectors, histories = shop
    old = Ranker.fit(histories, vectors, {}, choice=Choice(weights={"content:title": 1.0, "behaviour": 1.0}))
    state = {name: value for name, value in old.state().items() if name != "scales"}
    state["choice"] = {name: value for name, value in state["choice"].items() if name != "kappa"}
    again = Ranker.load(old.arrays(), {**state, "format": 1})
    np.testing.assert_array_equal(again.embed_new(vectors), old.embed_new(vectors))
    assert again.explain([0, 1], 2) == old.explain([0, 1], 2)
