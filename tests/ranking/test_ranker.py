"""The ranker: cold items, order, queries, explanations, saving, and inputs that are of no use."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from mmsdk.errors import DataError, RunError
from mmsdk.tasks.ranking import Choice, Histories, Ranker, Said
from mmsdk.tasks.ranking.choice import Chooser
from mmsdk.tasks.ranking.content import prepare
from mmsdk.tasks.ranking.explain import Asking, contributions
from mmsdk.tasks.ranking.profile import fitted_profile, new_profile

from .conftest import make_world


def _train(world, **more):
    keep = np.flatnonzero(world.interactions.split == "train")
    users, items = world.interactions.users[keep], world.interactions.items[keep]
    return Histories.of(users, items, n_users=len(world.interactions.user_ids), n_items=len(world.ids), **more)


@pytest.fixture(scope="module")
def histories(world):
    return _train(world)


@pytest.fixture(scope="module")
def ranker(world, histories):
    return Ranker.fit(histories, world.vectors, world.present, quiet=True)


def _scores(ranker, histories):
    scores = ranker.represent(histories) @ ranker.item_vectors().T
    scores[histories.users, histories.items] = -np.inf
    return scores


def test_popularity_counts_where_users_follow_it():
    random = np.random.default_rng(0)
    chance = random.lognormal(0, 1.5, 60)
    lists = [random.choice(60, 6, replace=False, p=chance / chance.sum()) for _ in range(200)]
    histories = Histories.from_lists(lists, 60)
    vectors = {"noise": random.normal(size=(60, 5)).astype(np.float32)}
    fitted = Ranker.fit(histories, vectors, {}, quiet=True)
    assert fitted.choice.weights["popularity"] > 0
    scores = fitted.represent(histories) @ fitted.item_vectors().T
    often = histories.degrees >= 5  # the others are judged by like items in part
    assert np.corrcoef(scores.mean(0)[often], np.log1p(histories.degrees[often]))[0, 1] > 0.9
    user = fitted.user_vectors([fitted.item_vectors()[histories.of_user(0)]])[0]
    np.testing.assert_allclose(user, fitted.represent(histories)[0], atol=1e-5)
    parts = fitted.explain(histories.of_user(0), 3)
    assert [part.item for part in parts if part.block == "popularity"] == [None]
    assert sum(part.value for part in parts) == pytest.approx(float(scores[0, 3]), abs=1e-4)
    assert (fitted.embed_new(vectors)[:, -1] > 0).all()  # a new item is as popular as it can be expected to be
    short = Ranker.fit(histories, vectors, {}, dim=8, choice=fitted.choice)
    assert short.item_vectors().shape == (60, 8)


def test_items_that_nobody_touched_are_recommended_to_those_they_suit(world, histories, ranker):
    assert (histories.degrees[world.cold :] == 0).all()
    best = np.argmax(_scores(ranker, histories)[:, world.cold :], axis=1) + world.cold
    taste = world.topic[[histories.of_user(user)[0] for user in range(len(histories))]]
    assert (world.topic[best] == taste).mean() > 0.9


def test_the_useless_input_hardly_moves_a_score(world, histories, ranker):
    moved = {"title": [], "noise": []}
    for item in range(len(world.ids)):
        parts = ranker.explain(histories.of_user(0), item)
        for name, found in moved.items():
            found.append(sum(part.value for part in parts if part.input == name))
    assert np.std(moved["noise"]) < 0.15 * np.std(moved["title"])
    assert ranker.scales["noise"] < 0.1 * ranker.scales["title"]


def test_user_vectors_from_item_vectors_are_those_of_the_fitted_histories(histories, ranker):
    items = ranker.item_vectors()
    found = ranker.user_vectors([items[histories.of_user(user)] for user in range(len(histories))])
    np.testing.assert_allclose(found, ranker.represent(histories), atol=1e-5)
    assert found.dtype == np.float32
    assert found.shape == (len(histories), ranker.dim)


def test_an_empty_history_is_answered_by_popularity(histories, ranker):
    user = ranker.user_vectors([np.zeros((0, ranker.dim), np.float32)])
    np.testing.assert_array_equal(user[0], ranker.popularity_vector)
    touched = histories.degrees > 0
    scores = user[0] @ ranker.item_vectors().T
    assert np.corrcoef(scores[touched], np.log1p(histories.degrees[touched]))[0, 1] > 0.8


def test_a_new_item_has_the_vector_of_the_same_item_that_nobody_touched(world, ranker):
    new = {name: values[world.cold :] for name, values in world.vectors.items()}
    np.testing.assert_allclose(ranker.embed_new(new), ranker.item_vectors()[world.cold :], atol=1e-5)


def test_a_new_item_may_lack_inputs(world, ranker):
    title = {"title": world.vectors["title"][:2]}
    both = ranker.embed_new(title, {"title": np.array([True, False])})
    assert np.abs(both[0]).sum() > 0
    assert not both[1].any()


def test_a_query_moves_the_answer_towards_it(world, histories, ranker):
    user = np.flatnonzero(world.topic[histories.items[histories.starts[:-1]]] == 0)[0]
    wanted = {"title": world.vectors["title"][[3]]}
    items = ranker.item_vectors()
    history = items[histories.of_user(user)]
    before, after = ranker.user_vectors([history]), ranker.user_vectors([history], wanted)
    third = world.topic == 3
    assert (after @ items.T)[0, third].mean() > (before @ items.T)[0, third].mean()
    alone = ranker.user_vectors([history[:0]], wanted)
    assert world.topic[np.argmax(alone @ items.T)] == 3
    absent = ranker.user_vectors([history], wanted, present={"title": np.array([False])})
    np.testing.assert_array_equal(absent, before)


def test_a_query_in_an_input_without_weight_still_counts(world, ranker):
    items = ranker.item_vectors()
    alone = ranker.user_vectors([items[:0]], {"noise": world.vectors["noise"][[5]]})
    scores = (alone @ items.T)[0]
    assert world.topic[np.argmax(scores)] in set(world.topic[np.argsort(-scores)[:5]])
    assert not np.array_equal(alone[0], ranker.popularity_vector)


def test_what_users_said_last_is_learned(world):
    random = np.random.default_rng(3)
    topics, users = 8, 120
    lists, texts = [], []
    for _ in range(users):
        wish = random.integers(topics)
        warm = np.flatnonzero(world.topic[: world.cold] != wish)
        chosen = [*random.choice(warm, 3, replace=False), random.choice(np.flatnonzero(world.topic == wish))]
        lists.append(chosen)
        texts += [world.vectors["title"][np.flatnonzero(world.topic == wish)[0]]] * 4  # said all along
    histories = Histories.from_lists(lists, len(world.ids), ordered=True)
    said = Said(vectors=np.array(texts), present=np.ones(len(texts), bool), input="title")
    fitted = Ranker.fit(histories, world.vectors, world.present, said=said, quiet=True)
    assert fitted.choice.said
    asked = fitted.represent(histories, said) @ fitted.item_vectors().T
    silent = fitted.represent(histories) @ fitted.item_vectors().T
    last = np.array([world.topic[one[-1]] for one in lists])
    assert (world.topic[asked.argmax(1)] == last).mean() > (world.topic[silent.argmax(1)] == last).mean() + 0.2
    query = said.latest(histories)[0][:5]
    vectors = [fitted.item_vectors()[histories.of_user(user)] for user in range(5)]
    found = fitted.user_vectors(vectors, {"title": query})
    np.testing.assert_allclose(found, fitted.represent(histories, said)[:5], atol=1e-4)
    alone = fitted.user_vectors([vectors[0][:0]], {"title": query[:1]})[0, : fitted.width]
    assert np.linalg.norm(alone) == pytest.approx(fitted.usual, rel=1e-4)  # a newcomer's words are not drowned
    assert fitted.usual == pytest.approx(np.median(np.linalg.norm(silent_users(fitted, histories), axis=1)), rel=1e-4)
    parts = fitted.explain(lists[0], 7, query={"title": query[:1]})
    assert any(part.item is None for part in parts)
    assert sum(part.value for part in parts) == pytest.approx(float(found[0] @ fitted.item_vectors()[7]), abs=1e-3)


def silent_users(fitted, histories):
    return fitted.represent(histories)[:, : fitted.width]


def test_said_takes_no_text_of_a_target():
    histories = Histories.from_lists([[0, 1, 2], [3]], 5, ordered=True)
    said = Said(
        vectors=np.arange(8, dtype=np.float32).reshape(4, 2), present=np.array([1, 0, 1, 0], bool), input="title"
    )
    vectors, spoke = said.latest(histories.kept(histories.items != 2))
    assert vectors[0].tolist() == [0, 1]
    assert spoke.tolist() == [True, False]


def test_the_parts_of_an_explanation_sum_to_the_score(histories, ranker):
    history = histories.of_user(0)
    parts = ranker.explain(history, 9)
    assert sum(part.value for part in parts) == pytest.approx(float(_plain(ranker, histories, 0, 9)), abs=1e-4)
    assert [abs(part.value) for part in parts] == sorted((abs(part.value) for part in parts), reverse=True)
    assert {part.item for part in parts if part.source == "history"} == set(history.tolist())
    assert {part.block for part in parts} <= {"content", "imputed", "behaviour", "partial", "popularity", "shortened"}
    left = sum(part.value for part in parts if part.block == "shortened")
    assert left == pytest.approx(0, abs=1e-4)  # nothing was shortened


@pytest.mark.parametrize("weight", [None, 0.2, 0.8])
def test_every_part_of_a_query_is_explained(world, histories, ranker, weight):
    short = Ranker.fit(histories, world.vectors, world.present, dim=24, choice=ranker.choice)
    rows, items = histories.of_user(0), short.item_vectors()
    query, like = {"title": world.vectors["title"][[3]]}, np.array([12])
    asking = Asking(
        vectors=items[rows],
        items=fitted_profile(short, rows),
        query=query,
        present={"title": np.array([True])},
        like=(items[like], fitted_profile(short, like)),
        weight=weight,
    )
    parts = contributions(short, asking, fitted_profile(short, np.array([9])), items[9])
    user = short.user_vectors([items[rows]], query, like=items[like], query_weight=weight)[0]
    assert sum(part.value for part in parts) == pytest.approx(float(user @ items[9]), abs=1e-5)
    assert {part.source for part in parts} >= {"history", "shown", "like"}
    left = sum(abs(part.value) for part in parts if part.block == "shortened")
    assert left < 0.5 * sum(abs(part.value) for part in parts)
    full = ranker.items
    whole = Asking(
        vectors=full[rows],
        items=fitted_profile(ranker, rows),
        query=query,
        present=asking.present,
        like=(full[like], fitted_profile(ranker, like)),
        weight=weight,
    )
    (left,) = [
        p.value
        for p in contributions(ranker, whole, fitted_profile(ranker, np.array([9])), full[9])
        if p.block == "shortened"
    ]
    assert left == pytest.approx(0, abs=1e-4)  # the parts are the right ones, not what is left of the score


def test_a_new_item_is_explained_as_the_same_item_that_nobody_touched(world, histories, ranker):
    rows, items = histories.of_user(0), ranker.item_vectors()
    asking = Asking(vectors=items[rows], items=fitted_profile(ranker, rows), query={}, present={})
    placed, masks = ranker.place({name: values[[world.cold]] for name, values in world.vectors.items()})
    new, vector = new_profile(ranker, placed, masks), ranker.embed_placed(placed, masks)[0]
    found = {(p.block, p.input, p.item): p.value for p in contributions(ranker, asking, new, vector)}
    fitted = ranker.explain(rows, world.cold)
    places = {int(row): place for place, row in enumerate(rows)}
    for part in fitted:
        key = (part.block, part.input, None if part.item is None else places[part.item])
        assert found[key] == pytest.approx(part.value, abs=1e-4)
    (alone,) = contributions(ranker, replace(asking, vectors=items[:0], items=None), new, vector)
    assert alone.block == "popularity"
    assert alone.value == pytest.approx(float(ranker.popularity_vector @ vector), abs=1e-5)


def _plain(ranker, histories, user, item):
    assert ranker.axes.shape[0] == ranker.axes.shape[1]  # nothing was left out, so that both scores are the same
    return ranker.represent(histories)[user] @ ranker.item_vectors()[item]


def test_shorter_vectors_keep_the_order_of_the_best(world, histories, ranker):
    short = Ranker.fit(histories, world.vectors, world.present, dim=24, choice=ranker.choice)
    assert short.item_vectors().shape == (len(world.ids), 24)
    full, less = _scores(ranker, histories), _scores(short, histories)
    assert (
        np.mean([np.corrcoef(a[np.isfinite(a)], b[np.isfinite(b)])[0, 1] for a, b in zip(full, less, strict=True)])
        > 0.9
    )


def test_a_saved_ranker_comes_back_to_the_bit(world, histories, ranker):
    arrays, state = load(save(ranker.arrays())), json.loads(json.dumps(ranker.state()))
    again = Ranker.load(arrays, state)
    np.testing.assert_array_equal(again.item_vectors(), ranker.item_vectors())
    np.testing.assert_array_equal(again.represent(histories), ranker.represent(histories))
    query = {name: values[:3] + 0.1 for name, values in world.vectors.items()}
    np.testing.assert_array_equal(again.embed_new(query), ranker.embed_new(query))
    assert again.explain([1, 2], 3) == ranker.explain([1, 2], 3)
    assert again.state() == ranker.state()


def test_a_ranker_of_a_later_format_or_without_an_array_is_refused(ranker):
    with pytest.raises(RunError, match="format 9"):
        Ranker.load(ranker.arrays(), {**ranker.state(), "format": 9})
    with pytest.raises(RunError, match="axes"):
        Ranker.load({name: one for name, one in ranker.arrays().items() if name != "axes"}, ranker.state())


def test_the_same_seed_gives_the_same_ranker(world, histories, ranker):
    again = Ranker.fit(histories, world.vectors, world.present, quiet=True)
    np.testing.assert_array_equal(again.item_vectors(), ranker.item_vectors())
    other = Ranker.fit(histories, world.vectors, world.present, seed=1, quiet=True)
    assert other.choice.weights != ranker.choice.weights


def _walks(seed=0):
    """Return users whose next item is of the topic of their last one, after a change of mind; and the world."""
    random, world = np.random.default_rng(seed), make_world(topics=8)
    lists = []
    for _ in range(150):
        first, last = random.choice(8, 2, replace=False)
        chosen = [random.choice(np.flatnonzero(world.topic == one), 8, replace=False) for one in (first, last)]
        cut = random.integers(3, 7)
        lists.append([*chosen[0][: 8 - cut // 2], *chosen[1][:cut]])
    return lists, world


def test_order_counts_where_there_are_times():
    lists, world = _walks()
    histories = Histories.from_lists(lists, len(world.ids), ordered=True)
    fitted = Ranker.fit(histories, world.vectors, world.present, quiet=True)
    assert fitted.choice.half_life is not None
    tried = {one["half_life"] for one in fitted.choice.inner}
    assert {None, 1.0, 3.0, 10.0} <= tried
    items = fitted.item_vectors()
    history = items[[0, 8, 16, 1, 9, 17]]  # topic 0, then topic 1
    onwards, back = fitted.user_vectors([history, history[::-1]]) @ items.T
    assert onwards[world.topic == 1].mean() > back[world.topic == 1].mean()
    assert onwards[world.topic == 0].mean() < back[world.topic == 0].mean()


def test_order_counts_for_nothing_without_times(ranker):
    assert ranker.choice.half_life is None
    items = ranker.item_vectors()[[0, 1, 2]]
    np.testing.assert_allclose(*ranker.user_vectors([items, items[::-1]]), atol=1e-5)


def test_weights_are_tried_where_they_vary(world):
    keep = (world.interactions.split == "train").sum()
    random = np.random.default_rng(0)
    fitted = Ranker.fit(_train(world, weights=random.integers(1, 9, keep)), world.vectors, world.present, quiet=True)
    assert {one["weighted"] for one in fitted.choice.inner} == {True, False}
    chosen = Ranker.fit(
        _train(world),
        world.vectors,
        world.present,
        choice=Choice(weighted=True, weights=fitted.choice.weights),
    )
    items = chosen.item_vectors()[[0, 1]]
    heavy, even = chosen.user_vectors([items, items], weights=[np.array([9.0, 1.0]), np.array([1.0, 1.0])])
    assert not np.allclose(heavy, even)


def test_inputs_of_no_use_are_dropped_and_said(world, histories):
    n = len(world.ids)
    rare = np.zeros(n, bool)
    rare[0] = True
    vectors = {**world.vectors, "price": np.ones((n, 3), np.float32), "sound": np.ones((n, 2), np.float32)}
    fitted = Ranker.fit(histories, vectors, {**world.present, "sound": rare}, quiet=True)
    assert dict(fitted.dropped) == {
        "price": "it is the same for every item",
        "sound": "fewer than two items have it",
    }
    new = fitted.embed_new({"title": world.vectors["title"][:1], "price": np.ones((1, 3), np.float32)})
    np.testing.assert_allclose(new, fitted.embed_new({"title": world.vectors["title"][:1]}))


def test_items_without_any_input_and_inputs_missing_here_and_there(world, histories):
    random = np.random.default_rng(0)
    present = {name: random.random(len(world.ids)) > 0.3 for name in world.vectors}
    for mask in present.values():
        mask[:3] = False
    vectors = {name: np.where(present[name][:, None], one, np.nan) for name, one in world.vectors.items()}
    fitted = Ranker.fit(histories, vectors, present, quiet=True)
    assert np.isfinite(fitted.item_vectors()).all()
    assert np.isfinite(_scores(fitted, histories)[:, 3:]).any()
    history = histories.of_user(0)
    parts = sum(part.value for part in fitted.explain(history, 1))
    assert parts == pytest.approx(float(_plain(fitted, histories, 0, 1)), abs=1e-4)


def test_one_hot_inputs(world, histories):
    vectors = {"kind": np.eye(8, dtype=np.float32)[world.topic]}
    fitted = Ranker.fit(histories, vectors, {}, quiet=True)
    best = _scores(fitted, histories).argmax(1)
    taste = world.topic[histories.items[histories.starts[:-1]]]
    assert (world.topic[best] == taste).mean() > 0.9


@pytest.mark.parametrize("lists", [[[0], [1], [0]], [[0, 1]], [[1]]])
def test_tiny_catalogues_and_users_with_one_item(lists):
    vectors = {"title": np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)}
    fitted = Ranker.fit(Histories.from_lists(lists, 2), vectors, {}, quiet=True)
    assert np.isfinite(fitted.represent(Histories.from_lists(lists, 2)) @ fitted.item_vectors().T).all()
    assert any(fitted.choice.weights.values())


def test_what_cannot_be_ranked_is_refused(world, histories):
    title = world.vectors["title"]
    with pytest.raises(DataError, match="at least 2 items"):
        Ranker.fit(Histories.from_lists([[0]], 1), {"title": title[:1]}, {})
    with pytest.raises(DataError, match="at least one interaction"):
        Ranker.fit(Histories.from_lists([[]], len(title)), {"title": title}, {})
    with pytest.raises(DataError, match="at least one input"):
        Ranker.fit(histories, {}, {})
    with pytest.raises(DataError, match=r"expected \(80, d\)"):
        Ranker.fit(histories, {"title": title[:5]}, {})
    with pytest.raises(DataError, match="NaN"):
        Ranker.fit(histories, {"title": np.full_like(title, np.nan)}, {})
    with pytest.raises(DataError, match="no input named 'titel'"):
        Ranker.fit(histories, world.vectors, {}, said=Said(vectors=title, present=title[:, 0] > 0, input="titel"))
    with pytest.raises(DataError, match="said: vectors of shape"):
        Ranker.fit(
            histories, world.vectors, {}, said=Said(vectors=title[:, :3], present=title[:, 0] > 0, input="title")
        )


def test_what_cannot_be_asked_is_refused(world, ranker):
    with pytest.raises(DataError, match=r"expected item vectors \(h, "):
        ranker.user_vectors([np.zeros((1, ranker.dim + 1), np.float32)])
    with pytest.raises(DataError, match=r"no input named 'titel'\. Did you mean 'title'"):
        ranker.embed_new({"titel": world.vectors["title"]})
    with pytest.raises(DataError, match=r"shape \(n, 16\)"):
        ranker.embed_new({"title": world.vectors["noise"]})
    with pytest.raises(DataError, match="nothing to go by"):
        ranker.embed_new({})
    with pytest.raises(DataError, match="differ in their number of rows"):
        ranker.embed_new({"title": world.vectors["title"][:2], "noise": world.vectors["noise"][:3]})


def test_weights_for_fewer_inputs(world, histories, ranker):
    contents, _ = prepare(world.vectors, world.present, len(world.ids))
    chooser = Chooser(histories, contents)
    choice = chooser.weights_for(["noise"], ranker.choice)
    assert set(choice.weights) == {"content:noise", "imputed:noise", "behaviour", "partial", "popularity"}
    assert choice.temperature == ranker.choice.temperature
    fewer = Ranker.fit(histories, {}, {}, choice=choice, contents={"noise": contents["noise"]})
    assert fewer.inputs == ("noise",)
