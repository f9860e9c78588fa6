"""The one call: what it returns, that it never learns from what it is scored on, and the refit."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from mmsdk.errors import DataError
from mmsdk.evaluate import metrics_schema
from mmsdk.evaluate.ranking import fit_and_score_ranking

from .conftest import make_world


def _result(world, **more):
    return fit_and_score_ranking(world.interactions, world.ids, world.vectors, world.present, quiet=True, **more)


@pytest.fixture(scope="module")
def result(world):
    return _result(world)


@pytest.fixture(scope="module")
def evaluated(world):
    """The same, not refitted."""
    return _result(world, refit=False)


def test_the_figures_follow_the_published_schema(result):
    jsonschema.validate(result.metrics, metrics_schema())
    found = result.metrics["recommend"]
    assert set(found) == {"val", "baselines", "subsets", "paired", "by_history"}
    assert set(found["baselines"]) == set(found["paired"])
    assert set(found["subsets"]) == {"title", "noise", "title+noise"}
    assert set(found["val"]) == {
        f"{name}@20" for name in ("recall", "ndcg", "hit_rate", "cold_recall", "coverage", "novelty", "diversity")
    } | {"mrr"}
    assert result.headline == "recall@20"


def test_it_beats_what_it_is_compared_with_and_finds_cold_items(result):
    found = result.metrics["recommend"]
    assert found["val"]["recall@20"]["value"] > 0.8
    assert found["val"]["cold_recall@20"]["value"] > 0.8
    assert found["baselines"]["EASE"]["cold_recall@20"]["value"] < 0.5
    assert found["paired"]["popularity"]["recall@20"]["low"] > 0
    best = max(found["baselines"], key=lambda name: found["baselines"][name]["recall@20"]["value"])
    assert f"best baseline {best} " in result.summary


def test_the_library_stands_in_the_same_table(world):
    found = _result(world).metrics["recommend"]
    names = {name for name in found["baselines"] if "implicit" in name}
    assert len(names) == 3
    assert names < set(found["paired"])
    assert found["val"]["recall@20"]["value"] > max(found["baselines"][name]["recall@20"]["value"] for name in names)


def test_a_longer_history_is_worth_more(world, result):
    found = result.metrics["recommend"]["by_history"]
    assert list(found) == ["0", "1", "2", "3", "all"]
    assert found["0"]["recall@20"]["value"] < 0.5 < found["1"]["recall@20"]["value"]
    assert found["all"]["recall@20"] == result.metrics["recommend"]["val"]["recall@20"]
    assert found["all"]["hit_rate@20"] == result.metrics["recommend"]["val"]["hit_rate@20"]
    users = len(world.interactions.user_ids)
    assert {one["recall@20"]["n"] for one in found.values()} == {users}


def test_what_a_newcomer_said_counts(world):
    texts = world.vectors["title"][world.interactions.items]
    present = np.arange(len(texts)) % 7 < 5
    present[world.interactions.users < 10] = False
    found = _result(world, said=(texts, present, "title")).metrics["recommend"]["by_history"]
    assert found["0, heard"]["recall@20"]["n"] == len(world.interactions.user_ids) - 10
    assert found["0, heard"]["recall@20"]["value"] > found["0"]["recall@20"]["value"] + 0.3


def test_subsets_tell_what_an_input_is_worth(result):
    worth = {name: one["cold_recall@20"]["value"] for name, one in result.metrics["recommend"]["subsets"].items()}
    assert worth["title"] > worth["noise"] + 0.2
    whole = result.metrics["recommend"]["val"]["recall@20"]
    assert result.metrics["recommend"]["subsets"]["title+noise"]["recall@20"] == whole


def test_a_refit_knows_every_pair_and_keeps_what_was_chosen(world, result, evaluated):
    assert evaluated.metrics == result.metrics  # the same seed gives the same figures, too
    assert evaluated.ranker.choice == result.ranker.choice
    assert result.ranker.degrees.sum() == len(world.interactions)
    assert evaluated.ranker.degrees.sum() == (world.interactions.split == "train").sum()


def test_what_is_scored_teaches_nothing(world, evaluated):
    """Other held-out pairs leave the evaluated ranker as it was."""
    interactions = world.interactions
    random = np.random.default_rng(7)
    held = interactions.split == "val"
    other = interactions.items.copy()
    other[held] = random.integers(len(world.ids), size=held.sum())
    changed = fit_and_score_ranking(
        replace(interactions, items=other), world.ids, world.vectors, world.present, refit=False, quiet=True
    )
    np.testing.assert_array_equal(changed.ranker.item_vectors(), evaluated.ranker.item_vectors())
    assert changed.metrics != evaluated.metrics


def test_examples_show_history_targets_and_answers(world, result):
    one = result.examples[0]
    assert one.user in world.interactions.user_ids
    assert len(one.answers) == 10
    assert not set(one.answers) & set(one.history)
    assert not set(one.targets) & set(one.history)


def test_with_times_the_future_is_scored_as_well():
    world = make_world(timed=True)
    mixed = np.random.default_rng(0).permutation(len(world.interactions)).astype(np.float64)
    mixed = np.sort(mixed.reshape(-1, 7), axis=1).ravel()
    later = fit_and_score_ranking(
        replace(world.interactions, times=mixed), world.ids, world.vectors, world.present, quiet=True
    )
    jsonschema.validate(later.metrics, metrics_schema())
    assert set(later.metrics) == {"recommend", "recommend_over_time", "recommend_next"}
    assert "subsets" not in later.metrics["recommend_over_time"]
    assert later.metrics["recommend_over_time"]["test"]["recall@20"]["value"] > 0.5
    assert any(note.startswith("over time:") for note in later.notes)


def test_notes_say_what_was_left_out(world):
    price = {**world.vectors, "price": np.ones((len(world.ids), 2), np.float32)}
    split = world.interactions.split.copy()
    split[world.interactions.users == 0] = "val"
    result = fit_and_score_ranking(
        replace(world.interactions, split=split), world.ids, price, world.present, quiet=True
    )
    said = "; ".join(result.notes)
    assert "input price is not used" in said
    assert "1 user is not scored" in said
    assert "of the held-out pairs are of items that no training pair touches" in said
    assert result.ranker.choice.kappa > 0
    assert "items that no training pair touches are taken for new" in said


def test_said_as_a_triple(world):
    texts = world.vectors["title"][world.interactions.items]
    present = np.ones(len(texts), bool)
    result = _result(world, said=(texts, present, "title"))
    jsonschema.validate(result.metrics, metrics_schema())
    with pytest.raises(DataError, match="no input named 'titel'"):
        _result(world, said=(texts, present, "titel"))


def test_every_input_of_no_use_leaves_behaviour(world):
    flat = {"price": np.ones((len(world.ids), 2), np.float32)}
    result = fit_and_score_ranking(world.interactions, world.ids, flat, {}, quiet=True)
    assert set(result.ranker.choice.weights) == {"behaviour", "partial", "popularity"}
    assert set(result.metrics["recommend"]["baselines"]) == {"popularity", "EASE"}


def test_too_little_is_refused(world):
    with pytest.raises(DataError, match="at least 2 items"):
        fit_and_score_ranking(world.interactions, ["a"], {"title": np.ones((1, 2), np.float32)}, {})
    alone = replace(
        world.interactions,
        users=np.arange(4),
        items=np.arange(4),
        user_ids=tuple("abcd"),
        weights=np.ones(4, np.float32),
        split=None,
    )
    with pytest.raises(DataError, match="nobody can be scored"):
        fit_and_score_ranking(alone, world.ids, world.vectors, world.present)


def test_a_single_user_and_two_items():
    world = make_world()
    one = replace(
        world.interactions,
        users=np.zeros(2, np.int64),
        items=np.arange(2),
        user_ids=("a",),
        weights=np.ones(2, np.float32),
        split=None,
    )
    vectors = {"title": world.vectors["title"][:2]}
    result = fit_and_score_ranking(one, ["x", "y"], vectors, {}, quiet=True)
    assert result.metrics["recommend"]["test"]["recall@20"]["value"] == 1
    assert result.ranker.item_vectors().shape[0] == 2
