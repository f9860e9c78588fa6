"""New interactions and new items are learned from without a fit: exactly, in any order, whatever is killed."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from shop_data import ITEMS

import mmsdk
from mmsdk.app.memory import PAIRS, Memory, write_pairs
from mmsdk.data import Event, Interactions, read_interactions
from mmsdk.tasks.ranking import Histories, Ranker

NEW = {"sku": "new", "title": "glass rug", "description": "soft under bare feet", "price": "20", "kind": "rug"}
TAKEN = [("c90", "000"), ("c90", "001"), ("c91", "000"), ("c91", "001"), ("c92", "001"), ("c92", "059")]
ROWS = [{"customer": user, "sku": item, "at": f"2026-09-{day + 1:02d}"} for day, (user, item) in enumerate(TAKEN)]


def vectors(app):
    """Return the item vectors by id, as they stand in the index."""
    items = app.index._ranking()[1]
    ids = sorted(items.ids())
    return dict(zip(ids, items.get(ids)[0], strict=True))


def same(one, other):
    assert list(one) == list(other)
    np.testing.assert_array_equal(np.array(list(one.values())), np.array(list(other.values())))


def test_adding_equals_a_refit_of_the_statistics(own_recommender, shop):
    app, fitted = own_recommender, own_recommender.ranker
    found = app.interactions.add(ROWS)
    assert (found.added, found.known, found.generation) == (len(ROWS), 0, 1)
    ids = [f"{place:03d}" for place in range(ITEMS)]
    before = read_interactions(app.application.interactions, ids)
    users = {name: place for place, name in enumerate([*before.user_ids, "c90", "c91", "c92"])}
    histories = Histories.of(
        np.array([*before.users, *(users[user] for user, _ in TAKEN)]),
        np.array([*before.items, *(int(item) for _, item in TAKEN)]),
        n_users=len(users),
        n_items=len(ids),
        times=np.array([*before.times, *np.arange(6) + 1e10]),
    )
    contents = {name: one.with_rows(one.vectors, one.present) for name, one in fitted.contents.items()}
    refit = Ranker.fit(histories, {}, {}, choice=fitted.choice, contents=contents, seed=fitted.seed)
    np.testing.assert_array_equal(app.ranker.basis, refit.basis)
    np.testing.assert_array_equal(app.ranker.degrees, refit.degrees)
    np.testing.assert_array_equal(np.array(list(vectors(app).values())), refit.item_vectors())
    np.testing.assert_array_equal(app.ranker.popularity_vector, refit.popularity_vector)
    assert app.ranker.choice == fitted.choice
    assert not np.array_equal(fitted.basis @ fitted.basis.T, refit.basis @ refit.basis.T)


def test_the_order_and_the_division_make_no_difference(own_recommender, shop_runs, tmp_path):
    own_recommender.interactions.add(ROWS)
    shutil.copytree(shop_runs / "recommender", tmp_path / "other")
    other = mmsdk.load(tmp_path / "other", quiet=True)
    other.interactions.add(ROWS[3:][::-1], learn=False)
    other.interactions.add(ROWS[:3])
    same(vectors(own_recommender), vectors(other))
    again = other.interactions.add(ROWS)
    assert (again.added, again.known, again.generation) == (0, len(ROWS), 2)
    same(vectors(own_recommender), vectors(other))
    other.close()


def test_learning_nothing_new_changes_nothing(own_recommender):
    before = vectors(own_recommender)
    assert own_recommender.interactions.learn().generation == 1
    same(before, vectors(own_recommender))


def test_a_new_item_that_is_taken_is_learned_of(own_recommender, shop):
    app = own_recommender
    app.index.add([{**NEW, "image": "photos/005.png"}, {**NEW, "sku": "bare"}], root=shop)
    assert len(app.ranker.degrees) == ITEMS

    def place(item):
        return [hit.id for hit in app.recommend(["000", "003"], k=ITEMS + 2)].index(item)

    rug = place("new")
    with_lamps = [
        {"customer": f"x{n}", "sku": sku, "at": "2026-09-01"} for n in range(9) for sku in ("000", "003", "new")
    ]
    app.interactions.add(with_lamps)
    assert place("new") < rug
    assert len(app.ranker.degrees) == ITEMS + 2
    assert app.interactions.info() == {
        "fitted": 144,
        "added": 27,
        "not_learned": 0,
        "items_added": 2,
        "generation": 1,
    }
    learned = vectors(app)["new"]
    app.index.add([{**NEW, "title": "changed"}])  # keeps what was learned of it
    np.testing.assert_array_equal(vectors(app)["new"], learned)
    app.index.add([{**NEW, "sku": "later"}])
    assert "later" in [hit.id for hit in app.recommend(["new"], k=ITEMS + 3)]
    assert app.index.remove(["bare"]) == 1
    app.interactions.learn()
    assert "bare" not in vectors(app)
    assert not np.array_equal(vectors(app)["new"], learned)  # by its new title


def test_the_histories_of_users_grow_at_once(own_recommender):
    before = own_recommender.histories()
    own_recommender.interactions.add(ROWS[:2], learn=False)
    own_recommender.interactions.add([{"customer": "c00", "sku": "059", "at": "2027-01-01"}], learn=False)
    after = own_recommender.histories()
    assert after["c90"] == ["000", "001"]
    assert after["c00"] == [*before["c00"], "059"]
    assert own_recommender.interactions.info()["not_learned"] == 3


def test_it_survives_a_reload_and_others_see_it(own_recommender, shop_runs):
    other = mmsdk.load(own_recommender.folder, quiet=True)
    before = vectors(other)
    own_recommender.interactions.add(ROWS)
    same(vectors(own_recommender), vectors(other))  # without being loaded again
    assert not np.array_equal(before["000"][: len(before["001"])], vectors(other)["000"])
    own_recommender.interactions.add([{"customer": "c93", "sku": "000", "at": "2026-10-01"}])
    other.index.add([NEW])
    assert "new" in vectors(own_recommender)
    again = mmsdk.load(own_recommender.folder, quiet=True)
    same(vectors(own_recommender), vectors(again))
    assert sorted(path.name for path in (again.folder / "learned").iterdir() if path.is_dir()) == ["1", "2"]
    own_recommender.interactions.learn()
    assert sorted(path.name for path in (again.folder / "learned").iterdir() if path.is_dir()) == ["2", "3"]
    for app in (other, again):
        app.close()


def test_a_kill_before_it_is_named_leaves_the_one_before(own_recommender, monkeypatch):
    before = vectors(own_recommender)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mmsdk.app.generations.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            own_recommender.interactions.add(ROWS)
    same(before, vectors(own_recommender))
    assert own_recommender.interactions.info()["not_learned"] == len(ROWS)  # kept, and on the disk
    assert own_recommender.interactions.learn().generation == 1
    assert not np.array_equal(before["000"], vectors(own_recommender)["000"][: len(before["000"])])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"customer": "a", "sku": "nobody", "at": "2026-01-01"}, "is no id of the item table"),
        ({"customer": "", "sku": "000", "at": "2026-01-01"}, "every row needs a user"),
        ({"customer": "a", "sku": "000", "at": "soon"}, "soon"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_added(own_recommender, row, message):
    with pytest.raises(mmsdk.DataError, match="1 bad row") as raised:
        own_recommender.interactions.add([ROWS[0], row])
    assert message in " ".join(map(str, raised.value.problems))
    assert own_recommender.interactions.info()["added"] == 0


def test_a_missing_column_is_named(own_recommender):
    with pytest.raises(mmsdk.DataError, match="'at'"):
        own_recommender.interactions.add([{"customer": "b", "sku": "001"}])


def test_bad_rows_may_be_left_out(own_recommender):
    app = mmsdk.load(own_recommender.folder, quiet=True, on_bad_row="skip")
    found = app.interactions.add([*ROWS, {"customer": "a", "sku": "nobody", "at": "2026-01-01"}], learn=False)
    assert (found.added, len(found.problems)) == (len(ROWS), 1)
    assert app.interactions.add([]).generation == 1
    assert app.interactions.add([], learn=False).generation is None
    app.close()


def test_what_cannot_learn_says_so(own_recommender, tasks_app):
    with pytest.raises(mmsdk.RunError, match="without interactions"):
        tasks_app.interactions.add(ROWS)
    with pytest.raises(mmsdk.RunError, match="without interactions"):
        tasks_app.histories()
    (own_recommender.folder / PAIRS).unlink()
    with pytest.raises(mmsdk.RunError, match=f"has no {PAIRS}"):
        own_recommender.interactions.add(ROWS)
    assert own_recommender.recommend(["000"], k=3)  # all else works


def test_a_damaged_generation_says_what_to_do(own_recommender):
    own_recommender.interactions.add(ROWS)
    folder = own_recommender.folder
    own_recommender.close()
    (folder / "learned" / "latest.json").write_text(json.dumps({"generation": 7}), encoding="utf-8")
    again = mmsdk.load(folder, quiet=True)
    with pytest.raises(mmsdk.RunError, match="delete that folder"):
        again.recommend(["000"])
    again.close()


def test_memory_counts_an_event_once_with_its_greater_weight(tmp_path):
    fit = Interactions(
        users=np.array([0]),
        items=np.array([0]),
        user_ids=("b",),
        weights=np.array([2.0], np.float32),
        times=np.array([3.0]),
    )
    write_pairs(tmp_path, fit, ["x"], learned=np.array([True]))
    memory = Memory(tmp_path, tmp_path / "learned")
    assert memory.add([Event(user="b", item="x", time=3.0, weight=1.0)]) == 0  # the fit knows it
    assert memory.counts() == {"events": 0, "items": 0}
    assert memory.kept() == []
    one = Event(user="a", item="x", time=1.0, weight=2.0)
    assert memory.add([one, Event(user="a", item="x", time=1.0, weight=5.0)]) == 1
    assert memory.add([one]) == 0
    assert memory._events().to_pylist() == [{"user": "a", "item": "x", "time": 1.0, "weight": 5.0}]
    assert memory.add([Event(user="b", item="x", time=4.0, weight=1.0)]) == 1
    learned = memory.histories(["x"], timed=True)
    assert (learned.lengths.tolist(), learned.weights.tolist()) == ([1, 1], [5.0, 3.0])
    values = {"text": np.array([[0.5, 0.25], [1, 0]], np.float32), "photo": np.ones((2, 3), np.float32)}
    memory.keep(["x", "y"], values, {"text": np.array([True, False]), "photo": np.array([True, True])})
    found, present = memory.placed(["y", "x", "z"], {"text": 2, "photo": 3})
    assert found["text"].tolist() == [[0, 0], [0.5, 0.25], [0, 0]]
    assert present["text"].tolist() == [False, True, False]
    assert present["photo"].tolist() == [True, True, False]
    memory.close()
