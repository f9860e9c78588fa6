"""The rows of a run change: what is added is found and recommended, what is removed is not."""

from __future__ import annotations

import numpy as np
import pytest
from shop_data import ITEMS

import mmsdk

NO_PAGES = True  # see tests/conftest.py

NEW = {"sku": "new", "title": "glass rug", "description": "soft under bare feet", "price": "20", "kind": "rug"}


def test_a_new_item_is_found_and_recommended(own_recommender, shop):
    assert own_recommender.index.add([{**NEW, "image": "photos/005.png"}], root=shop) == ["new"]
    assert len(own_recommender.index) == ITEMS + 1
    assert "new" in own_recommender.index
    found = own_recommender.search({"text": "glass rug soft under bare feet", "price": 20}, k=5)
    assert "new" in {hit.id for hit in found}
    hits = own_recommender.recommend(["002", "005", "008"], k=ITEMS)
    assert "new" in [hit.id for hit in hits][:25]
    assert next(hit for hit in hits if hit.id == "new").row["price"] == 20
    assert own_recommender.recommend(["new"], k=3)[0].row["kind"] == "rug"


def test_what_is_added_survives_a_reload(own_recommender, shop):
    own_recommender.index.add([{**NEW, "photo": "photos/005.png"}], root=shop)
    own_recommender.close()
    again = mmsdk.load(own_recommender.folder, quiet=True)
    assert "new" in again.index
    assert again.index.rows(["new"])[0]["kind"] == "rug"
    again.close()


def test_a_known_id_is_replaced(own_recommender):
    before = own_recommender.index.vectors(["000"])
    own_recommender.index.add([{**NEW, "sku": "000"}])
    assert len(own_recommender.index) == ITEMS
    assert own_recommender.index.rows(["000"])[0]["title"] == "glass rug"
    assert not np.array_equal(own_recommender.index.vectors(["000"]), before)
    assert own_recommender.search({"title": "glass rug", "price": "20"}, where="sku = '000'")[0].id == "000"


def test_what_is_removed_is_gone_everywhere(own_recommender):
    assert own_recommender.index.remove(["003", "006", "nobody"]) == 2
    assert not {"003", "006"} & {hit.id for hit in own_recommender.recommend(["000"], k=ITEMS)}
    assert not {"003", "006"} & {hit.id for hit in own_recommender.search(id="000", k=ITEMS)}
    own_recommender.index.compact()
    assert {name: one["count"] for name, one in own_recommender.index.info().items()} == {"fused": 58, "items": 58}


def test_rows_are_added_from_a_table(own_recommender, shop, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text("sku,title,price\n900,oak lamp,12\n901,wool lamp,13\n", encoding="utf-8")
    assert own_recommender.index.add(table) == ["900", "901"]
    assert own_recommender.search({"title": "oak lamp"}, where="sku = '900'")[0].row["price"] == 12


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"title": "x"}, r"^row 1 has no id \('sku'\); nothing was added$"),
        ({"sku": "", "title": "x"}, "sku"),
        ({"sku": "a"}, r"^row 1 \(id 'a'\) holds no input; give at least one of '[a-z', ]+'$"),
        ({"sku": "a", "kind": "rug"}, r"^row 1 \(id 'a'\) holds no input"),
    ],
)
def test_a_row_that_cannot_be_added_is_named(own_recommender, row, message):
    with pytest.raises(mmsdk.DataError, match=message):
        own_recommender.index.add([row])
    assert len(own_recommender.index) == ITEMS


def test_adding_nothing_adds_nothing(own_recommender):
    assert own_recommender.index.add([]) == []
    assert own_recommender.index.remove([]) == 0


def test_search_by_vectors(own_recommender):
    vectors = own_recommender.index.vectors(["000", "001"])
    assert own_recommender.index.search(vectors[0], k=1)[0].id == "000"
    assert [hits[0].id for hits in own_recommender.index.search(vectors, k=1)] == ["000", "001"]
    assert own_recommender.index.search(vectors[0], k=1, exclude=["000"])[0].id != "000"


def test_a_run_without_ids_says_that_rows_cannot_be_added(shop, tmp_path):
    app = mmsdk.fit(
        {
            "inputs": {"text": {"column": "title", "modality": "text", "encoder": "ngrams"}},
            "training": {"epochs": 1},
        },
        [{"title": f"lamp {number}"} for number in range(12)],
        out=tmp_path / "run",
        quiet=True,
    )
    assert app.search({"text": "lamp 3"}, k=1)[0].id == "4"
    with pytest.raises(mmsdk.RunError, match="no id column"):
        app.index.add([{"title": "lamp"}])
    app.close()


def test_an_item_added_again_keeps_what_was_learned_of_it(own_recommender, shop):
    history = ["002", "005", "008"]
    before = own_recommender.recommend(history, k=5)
    row = dict(own_recommender.index.rows([before[0].id])[0])
    own_recommender.index.add([row], root=shop)
    after = own_recommender.recommend(history, k=5)
    assert [(hit.id, hit.score) for hit in after] == [(hit.id, hit.score) for hit in before]
    own_recommender.index.remove([row["sku"]])
    own_recommender.index.add([{**row, "price": "1"}], root=shop)
    assert own_recommender.recommend(history, k=5)[0].id == before[0].id


@pytest.mark.parametrize("call", ["remove", "vectors", "rows"])
def test_a_lone_text_is_no_list_of_ids(own_recommender, call):
    with pytest.raises(mmsdk.DataError, match="list of ids"):
        getattr(own_recommender.index, call)("000")
    with pytest.raises(mmsdk.DataError, match="list of ids"):
        own_recommender.recommend("000")
    assert "000" in own_recommender.index


def test_an_item_that_a_kill_left_half_added_is_not_recommended(own_recommender):
    from mmsdk.index import JointIndex

    folder = own_recommender.folder
    own_recommender.close()
    with JointIndex.open(folder / "index" / "items") as items:
        items.add(["ghost"], 100 * items.get(["000"])[0], [{}])
    again = mmsdk.load(folder, quiet=True)
    assert "ghost" not in {hit.id for hit in again.recommend(["000"], k=ITEMS)}
    again.close()


def test_two_rows_of_one_id_add_nothing(own_recommender, shop):
    before = len(own_recommender.index)
    same = [{"sku": "twin", "price": price} for price in (1, 2)]
    with pytest.raises(mmsdk.DataError) as caught:
        own_recommender.index.add([{"sku": "single", "price": 1}, *same], root=shop)
    assert "holds rows of one id; keep one of each, nothing was added" in str(caught.value)
    assert [(one.row, one.id, one.reason) for one in caught.value.problems] == [
        (3, "twin", "stands already in row 2; ids must be unique")
    ]
    assert len(own_recommender.index) == before
    assert own_recommender.index.add(same[:1], root=shop) == ["twin"]


def test_a_run_that_cannot_be_written_says_so(own_recommender, shop):
    lock = own_recommender.folder / "learned" / "lock"
    lock.unlink(missing_ok=True)
    lock.mkdir(parents=True)  # no mode keeps root from writing; a folder in the file's place does
    for change in (lambda: own_recommender.index.add([NEW], root=shop), lambda: own_recommender.index.remove(["000"])):
        with pytest.raises(mmsdk.MmsdkError) as caught:
            change()
        assert str(caught.value) == (
            f"{own_recommender.folder} cannot be changed (Is a directory); copy the run to where it may be written"
        )
    assert own_recommender.recommend(["000"], k=1)
