"""The library's models: what they rank, the same every time, chosen on training pairs, absent without the library."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.tasks.ranking import Histories
from mmsdk.tasks.ranking import library as library_module
from mmsdk.tasks.ranking.folds import inner_folds
from mmsdk.tasks.ranking.library import METHODS, library_baselines

pytest.importorskip("implicit")
TOPICS, ITEMS = 6, 60


@pytest.fixture(scope="module")
def train():
    random = np.random.default_rng(0)
    own = [np.arange(user % TOPICS, ITEMS, TOPICS) for user in range(90)]
    return Histories.from_lists([random.choice(one, 6, replace=False) for one in own], ITEMS)


@pytest.fixture(scope="module")
def scorers(train):
    return library_baselines(train, inner_folds(train, count=2), 0)


def test_each_of_them_finds_the_taste_of_users(train, scorers):
    assert set(scorers) == set(METHODS)
    users = train.select(np.arange(12))
    for name, scorer in scorers.items():
        scores = np.array(scorer(users))
        scores[users.users, users.items] = -np.inf
        best = np.argmax(scores, 1)
        assert (best % TOPICS == np.arange(12) % TOPICS).mean() > 0.8, name


def test_the_same_again(train, scorers):
    again = library_baselines(train, inner_folds(train, count=2), 0)
    users = train.select(np.arange(12))
    for name, scorer in scorers.items():
        np.testing.assert_array_equal(scorer(users), again[name](users))


def test_als_and_neighbours_serve_a_history_they_never_saw(scorers):
    new = Histories.from_lists([[0, 6, 12]], ITEMS)
    for name in ("ALS (implicit)", "BM25 item-kNN (implicit)"):
        scores = scorers[name](new)[0]
        scores[[0, 6, 12]] = -np.inf
        assert np.argmax(scores) % TOPICS == 0
    assert np.isfinite(scorers["BPR (implicit)"](Histories.from_lists([[]], ITEMS))).all()


def test_bm25_by_hand():
    train = Histories.from_lists([[0, 1], [0, 1, 2], [2, 3]], 4)
    scores = METHODS["BM25 item-kNN (implicit)"].fit(train, {"neighbours": 4, "k1": 1.2, "b": 0.75}, 0)(train)
    taken = train.matrix().toarray()
    length = taken.sum(1, keepdims=True) / taken.sum(1).mean()
    idf = np.log(3) - np.log1p(taken.sum(0))
    weighted = taken * 2.2 / (1.2 * (0.25 + 0.75 * length) + taken) * idf
    np.testing.assert_allclose(scores, taken @ (weighted.T @ weighted), atol=1e-5)


def test_settings_are_chosen_by_recall_on_the_leave_outs(train, monkeypatch):
    seen = []

    def fit(histories, settings, seed):
        seen.append((len(histories.items), dict(settings)))
        return lambda asked: np.full((len(asked), ITEMS), settings["good"])

    def recall(scorer, fold):
        return float(scorer(fold.histories)[0, 0])

    monkeypatch.setattr(library_module, "inner_recall", recall)
    method = library_module.Method(grid={"good": (1.0, 3.0, 2.0), "other": (5.0, 6.0)}, fit=fit)
    folds = inner_folds(train, count=2)
    assert library_module._chosen(method, folds, 0) == {"good": 3.0, "other": 5.0}
    assert max(count for count, _ in seen) < len(train.items)  # never on what is hidden
    assert library_module._chosen(method, [], 0) == {"good": 1.0, "other": 5.0}


def test_nothing_without_the_library_or_with_too_many_pairs(train, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(library_module, "find_spec", lambda name: None)
        assert library_baselines(train, [], 0) == {}
    monkeypatch.setattr(library_module, "UP_TO", 10)
    assert library_baselines(train, [], 0) == {}
