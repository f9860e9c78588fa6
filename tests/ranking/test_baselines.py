"""Baselines against what a page of arithmetic gives."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.tasks.ranking import Histories, baselines, folds
from mmsdk.tasks.ranking.content import prepare
from mmsdk.tasks.ranking.top import best_items, hits_of

TRAIN = Histories.from_lists([[0, 1], [0, 1, 2], [2, 3], [0], [1, 3]], 5)
ASKED = Histories.from_lists([[0], [2, 3]], 5)


def test_popularity_counts_users():
    np.testing.assert_array_equal(baselines.popularity(TRAIN)(ASKED), [[3, 3, 2, 2, 0]] * 2)


@pytest.mark.parametrize("users", [5, 40])
def test_ease_is_the_closed_form(users):
    random = np.random.default_rng(0)
    lists = [random.choice(11, random.integers(1, 6), replace=False) for _ in range(users)]
    train = Histories.from_lists(lists, 12)  # item 11 is touched by nobody
    taken = train.matrix().toarray()[:, train.degrees > 0].astype(np.float64)
    inverse = np.linalg.inv(taken.T @ taken + 3.0 * np.eye(taken.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    expected = np.zeros((users, 12))
    expected[:, train.degrees > 0] = train.coefficients().toarray()[:, train.degrees > 0] @ weights
    np.testing.assert_allclose(baselines.ease(train, 3.0)(train), expected, atol=1e-5)


def test_item_knn_is_the_cosine_of_columns():
    taken = TRAIN.matrix().toarray()
    length = np.maximum(np.linalg.norm(taken, axis=0), 1e-9)
    cosine = (taken / length).T @ (taken / length)
    np.fill_diagonal(cosine, 0)
    found = baselines.item_knn(TRAIN, chunk=2)(ASKED)
    np.testing.assert_allclose(found, ASKED.coefficients().toarray() @ cosine, atol=1e-6)
    nearest = np.where(cosine >= cosine.max(1, keepdims=True), cosine, 0)
    np.testing.assert_allclose(
        baselines.item_knn(TRAIN, k=1)(ASKED), ASKED.coefficients().toarray() @ nearest, atol=1e-6
    )


def test_content_similarity_is_the_sum_of_cosines():
    random = np.random.default_rng(0)
    vectors = {name: random.normal(size=(5, 4)).astype(np.float32) for name in "ab"}
    contents, _ = prepare(vectors, {"b": np.array([1, 1, 1, 1, 0], bool)}, 5)
    expected = np.zeros((2, 5))
    for name, values in vectors.items():
        known = np.arange(5) < (5 if name == "a" else 4)
        centred = (values - values[known].mean(0)) * known[:, None]
        unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        expected += ASKED.coefficients().toarray() @ unit @ unit.T
    np.testing.assert_allclose(baselines.content_similarity(list(contents.values()))(ASKED), expected, atol=2e-3)


def test_smoothed_co_occurrence_shares_counts_between_neighbours():
    angle = np.array([0.0, 0.1, 1.5, 1.7, 3.0])
    content = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    cosine = content @ content.T
    shared = np.zeros((5, 5))
    for item in range(5):
        for one in [one for one in np.argsort(-cosine[item]) if one != item][:2]:
            shared[item, one] = max(cosine[item, one], 0)
        shared[item, item] = 3
    shared /= shared.sum(1, keepdims=True)
    counts = TRAIN.matrix().toarray().T @ TRAIN.matrix().toarray()
    np.fill_diagonal(counts, 0)
    expected = ASKED.coefficients().toarray() @ shared @ counts @ shared.T
    np.testing.assert_allclose(baselines.smoothed(TRAIN, content, k=2, own=3.0)(ASKED), expected, atol=1e-5)


def test_settings_are_chosen_on_the_leave_outs(monkeypatch):
    random = np.random.default_rng(1)
    lists = [np.unique(random.integers(0, 30, 8) // (1 + user % 2)) for user in range(60)]
    train = Histories.from_lists(lists, 30)
    inner = folds.inner_folds(train)
    chosen = baselines.choose_penalty(train, inner)
    recalls = {
        penalty: np.mean([baselines.inner_recall(baselines.ease(one.train, penalty), one) for one in inner[:4]])
        for penalty in baselines.EASE_PENALTIES
    }
    assert recalls[chosen] == max(recalls.values())
    assert baselines.choose_penalty(train, []) in baselines.EASE_PENALTIES
    monkeypatch.setattr(baselines, "EASE_CHOSEN_ON", 10)
    assert baselines.choose_penalty(train, inner) in baselines.EASE_PENALTIES


def test_the_table_of_baselines_follows_the_size_of_the_catalogue(monkeypatch):
    contents, _ = prepare({"a": np.eye(5, dtype=np.float32), "b": np.eye(5, dtype=np.float32)}, {}, 5)
    inner = folds.inner_folds(TRAIN)
    usual = {"popularity", "EASE", "content: a", "content: b", "content: all", "smoothed co-occurrence"}
    assert set(baselines.baselines(TRAIN, contents, inner)) == usual
    monkeypatch.setattr(baselines, "EASE_UP_TO", 4)
    monkeypatch.setattr(baselines, "SMOOTHED_UP_TO", 4)
    large = (usual - {"EASE", "smoothed co-occurrence"}) | {"item-kNN"}
    assert set(baselines.baselines(TRAIN, contents, [])) == large


def test_the_best_items_are_sorted_and_ties_go_to_the_first():
    scores = np.array([[1, 3, 3, 2, -np.inf], [-np.inf] * 4 + [0]])
    np.testing.assert_array_equal(best_items(scores, 3), [[1, 2, 3], [4, -1, -1]])
    np.testing.assert_array_equal(best_items(scores, 9)[1], [4] + [-1] * 8)
    hits = hits_of(best_items(scores, 3), np.array([0, 1]), np.array([2, 3]), 5)
    np.testing.assert_array_equal(hits, [[False, True, False], [False] * 3])


def test_many_items_are_searched_by_inverted_lists(monkeypatch):
    from mmsdk.tasks.ranking import content

    random = np.random.default_rng(0)
    vectors = random.normal(size=(50, 8))[random.integers(50, size=2000)] + 0.1 * random.normal(size=(2000, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    present = np.arange(2000) % 5 > 0
    exact, _ = content.nearest(vectors, vectors, present, 5)
    monkeypatch.setattr(content, "EXACT_UP_TO", 1000)
    found, cosine = content.nearest(vectors, vectors, present, 5)
    assert present[found].all()
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(exact, found, strict=True)]) > 0.9
    np.testing.assert_allclose(cosine, np.einsum("nd,nkd->nk", vectors, vectors[found]), atol=1e-5)
