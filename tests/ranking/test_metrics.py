"""Metrics against ir-measures, and against arithmetic where it has none."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest

from mmsdk.data.interactions import Interactions
from mmsdk.evaluate.ranking import Table, answer, coverage, leave_out, user_metrics
from mmsdk.tasks.ranking import Histories
from mmsdk.tasks.ranking.content import prepare

USERS, ITEMS = 30, 60


@pytest.fixture(scope="module")
def held():
    random = np.random.default_rng(0)
    lists = [random.choice(50 if user % 2 else 60, 14, replace=False) for user in range(USERS)]
    parts = np.array((["train"] * 8 + ["test"] * 6) * USERS, object)
    pairs = Interactions(
        users=np.repeat(np.arange(USERS), 14),
        items=np.concatenate(lists),
        user_ids=tuple(map(str, range(USERS))),
        weights=np.ones(14 * USERS, np.float32),
        split=parts,
    )
    return leave_out(pairs, ITEMS)


@pytest.fixture(scope="module")
def contents():
    vectors = {
        name: np.random.default_rng(len(name)).normal(size=(ITEMS, 6)).astype(np.float32) for name in ("a", "bb")
    }
    return prepare(vectors, {"a": np.arange(ITEMS) > 3}, ITEMS)[0]


@pytest.fixture(scope="module")
def scores():
    return np.random.default_rng(9).normal(size=(USERS, ITEMS)).astype(np.float32)


def _answered(held, scores):
    places = iter(range(0, USERS, 512))
    return answer(
        lambda asked: scores[(at := next(places)) : at + len(asked)],
        held.histories,
        held.targets,
        order=np.arange(ITEMS),
    )


def test_recall_ndcg_mrr_and_hits_are_those_of_ir_measures(held, contents, scores):
    found = user_metrics(_answered(held, scores), held, contents)
    masked = scores.copy()
    masked[held.histories.users, held.histories.items] = -np.inf
    truth = [
        ir_measures.Qrel(str(user), str(item), 1)
        for user, item in zip(held.targets.users, held.targets.items, strict=True)
    ]
    run = [
        ir_measures.ScoredDoc(str(user), str(item), float(masked[user, item]))
        for user in range(USERS)
        for item in range(ITEMS)
        if np.isfinite(masked[user, item])
    ]
    names = {"ndcg@20": "nDCG@20", "mrr": "RR", "hit_rate@20": "Success@20", "recall@20": "R@20"}
    for ours, theirs in names.items():
        measure = ir_measures.parse_measure(theirs)
        per_user = {int(one.query_id): one.value for one in ir_measures.iter_calc([measure], truth, run)}
        np.testing.assert_allclose(found[ours], [per_user[user] for user in range(USERS)], atol=1e-6, err_msg=ours)


def test_recall_divides_by_what_fits():
    parts = np.array(["train"] + ["test"] * 30, object)
    pairs = Interactions(
        users=np.zeros(31, np.int64), items=np.arange(31), user_ids=("u",), weights=np.ones(31, np.float32), split=parts
    )
    held = leave_out(pairs, 40)
    one = answer(lambda asked: np.arange(40.0)[None], held.histories, held.targets, order=np.arange(40))
    assert user_metrics(one, held, {})["recall@20"][0] == pytest.approx(11 / 20)  # 39..20, of which 20..30 are targets


def test_cold_recall_counts_only_what_nobody_touched(held, contents, scores):
    answers = _answered(held, scores)
    found = user_metrics(answers, held, contents)["cold_recall@20"]
    assert held.cold.any()
    for user in range(USERS):
        cold = [item for item in held.targets.of_user(user) if held.cold[item]]
        if cold:
            assert found[user] == pytest.approx(len(set(cold) & set(answers.top[user])) / min(20, len(cold)))
        else:
            assert np.isnan(found[user])
    assert np.isnan(found).any()


def test_coverage_novelty_and_diversity(held, contents, scores):
    answers = _answered(held, scores)
    found = user_metrics(answers, held, contents)
    assert coverage(answers.top, ITEMS) == len(set(answers.top.ravel().tolist())) / ITEMS
    share = (held.train.degrees[answers.top[0]] + 1) / (USERS + 1)
    assert found["novelty@20"][0] == pytest.approx(np.mean(-np.log2(share)))
    vectors = np.hstack([one.vectors for one in contents.values()])[answers.top[0]]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert found["diversity@20"][0] == pytest.approx(1 - (cosine.sum() - 20) / (20 * 19), abs=2e-3)


def test_histories_are_never_answered_and_ties_go_by_id(held):
    order = np.arange(ITEMS)[::-1]  # ids run against the table
    answers = answer(lambda asked: np.zeros((len(asked), ITEMS)), held.histories, held.targets, order=order)
    for user in range(USERS):
        had = set(held.histories.of_user(user).tolist())
        assert answers.top[user].tolist() == [item for item in order.tolist() if item not in had][:20]


def test_a_short_catalogue_leaves_places_empty():
    parts = np.array(["train", "test"], object)
    pairs = Interactions(
        users=np.zeros(2, np.int64), items=np.arange(2), user_ids=("u",), weights=np.ones(2, np.float32), split=parts
    )
    held = leave_out(pairs, 3)
    answers = answer(lambda asked: np.array([[0, 1, 2.0]]), held.histories, held.targets, order=np.arange(3))
    assert answers.top[0, :3].tolist() == [2, 1, -1]
    found = user_metrics(answers, held, {})
    assert (found["recall@20"][0], found["mrr"][0]) == (1, 0.5)
    assert np.isnan(found["diversity@20"][0])


def test_intervals_and_differences(held, contents, scores):
    table = Table(held=held, contents=contents, order=np.arange(ITEMS), resamples=200)
    ones = Histories.matrix(held.targets).toarray()
    found, _ = table.score("good", _sliced(ones))
    poor, _ = table.score("poor", _sliced(scores))
    assert found["recall@20"]["value"] == 1
    assert poor["recall@20"]["low"] < poor["recall@20"]["value"] < poor["recall@20"]["high"]
    assert poor["cold_recall@20"]["n"] < poor["recall@20"]["n"] == USERS
    assert found["coverage@20"]["low"] == found["coverage@20"]["high"]
    assert table.best(["poor", "good"]) == "good"
    more = table.difference("good", "poor")
    assert more["recall@20"]["value"] == pytest.approx(1 - poor["recall@20"]["value"])
    assert more["recall@20"]["low"] > 0
    assert set(more) == {"recall@20", "ndcg@20", "cold_recall@20"}


def _sliced(scores):
    return lambda asked: scores[: len(asked)]
