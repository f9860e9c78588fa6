"""Why an item is recommended: parts that sum to the score, in words, with what two items share."""

from __future__ import annotations

import json

import pytest
from shop_data import KINDS

import mmsdk
from mmsdk.app.why import Reason, Shared, Why, reasons_of
from mmsdk.tasks.ranking import Contribution

HISTORY = ["002", "005", "008"]
NEW = {"sku": "new", "title": "glass rug", "description": "soft under bare feet", "price": "20", "kind": "rug"}


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"query": {"text": "glass lamp"}},
        {"query": {"text": "glass lamp", "price": 9}, "query_weight": 0.8},
        {"like": "000"},
        {"like": "000", "query": {"text": "wool"}, "query_weight": 0.3},
    ],
)
def test_the_reasons_sum_to_the_score(recommender_app, words):
    for hit in recommender_app.recommend(HISTORY, k=5, **words):
        why = recommender_app.why(hit.id, HISTORY, **words)
        assert why.score == pytest.approx(hit.score, abs=1e-4)
        assert sum(one.value for one in why.reasons) == pytest.approx(hit.score, abs=1e-4)
        (left,) = [one.value for one in why.reasons if one.block == "shortened"]
        assert abs(left) < 0.05 * sum(abs(one.value) for one in why.reasons)
        assert {one.item for one in why.reasons if one.source == "history"} == set(HISTORY)
        assert {one.item for one in why.reasons if one.source == "like"} == ({"000"} if "like" in words else set())
        assert ("shown" in {one.source for one in why.reasons}) == ("query" in words)
        json.dumps(why.as_json())


def test_a_newcomer_gets_what_many_took(recommender_app):
    hit = recommender_app.recommend(k=1)[0]
    why = recommender_app.why(hit.id)
    assert [one.block for one in why.reasons] == ["popularity"]
    assert why.score == pytest.approx(hit.score, abs=1e-4)
    assert why.told() == "many took it"


def test_a_new_item_and_a_new_history_are_explained(own_recommender, shop):
    own_recommender.index.add([{**NEW, "image": "photos/005.png"}, {**NEW, "sku": "other"}], root=shop)
    history = [*HISTORY, "other"]
    hits = {hit.id: hit.score for hit in own_recommender.recommend(history, k=60)}
    why = own_recommender.why("new", history)
    assert why.score == pytest.approx(hits["new"], abs=1e-4)
    assert why.shared["other"] == {
        "title": "glass rug",
        "description": "soft under bare feet",
        "price": why.shared["other"]["price"],
    }
    assert why.cold
    assert {one.block for one in why.reasons if not one.borrowed} <= {"content", "imputed", "shortened"}
    assert "many took it" not in why.told(9)
    warm = own_recommender.why("011", history)
    borrowed = {one.item for one in warm.reasons if one.borrowed}
    assert not warm.cold
    assert "other" in borrowed
    assert not borrowed & {"002", "005"}
    own_recommender.interactions.add([{"customer": "z", "sku": one, "at": "2027-01-01"} for one in ("new", "002")])
    learned = own_recommender.why("new", history)
    assert not learned.cold
    after = {hit.id: hit.score for hit in own_recommender.recommend(history, k=60)}
    assert learned.score == pytest.approx(after["new"], abs=1e-4)


def test_what_two_rows_share(recommender_app):
    shared = Shared(recommender_app)
    same = shared.of(
        {"title": "A", "material": "oak", "price": "20", "description": "x" * 41, "image": "a.png"},
        {"title": "a", "material": "Oak", "price": 21, "description": "x" * 41, "image": "a.png"},
    )
    assert list(same) == ["title", "price", "material"]
    low, high = map(float, same["price"].split(" to "))
    assert low <= 20 < 21 <= high
    assert shared.of({"material": "oak", "price": 6}, {"material": "glass", "price": 94}) == {}
    assert shared.of({"material": None, "price": "dear"}, {"material": None, "price": "dear"}) == {}


def test_the_words(recommender_app):
    why = Why(
        id="x",
        score=1.0,
        reasons=(
            Reason(block="behaviour", source="history", input="", item="a", value=0.5),
            Reason(block="imputed", source="history", input="title", item="b", value=0.3),
            Reason(block="content", source="history", input="photo", item="a", value=0.2),
            Reason(block="content", source="history", input="photo", item="c", value=-0.1),
        ),
        shared={"a": {"colour": "red"}},
    )
    assert why.by_item() == {"a": 0.7, "b": 0.3, "c": -0.1}
    assert (
        why.told()
        == "with a: taken together, alike in photo; colour red in both; with b: items like it in title are taken with b"
    )
    asked = Reason(block="content", source="said", input="title", item=None, value=0.9)
    assert Why(id="x", score=0.9, reasons=(asked,)).told() == "what was asked for: alike in title"
    hit = recommender_app.recommend(HISTORY, k=1)[0]
    assert recommender_app.why(hit.id, HISTORY).told().startswith("with 00")


def test_what_nobody_took_is_spoken_for_by_what_is_like_it():
    parts = [
        Contribution(block="behaviour", input="", item=0, value=0.6, source="history"),
        Contribution(block="imputed", input="title", item=0, value=0.2, source="history"),
        Contribution(block="popularity", input="", item=None, value=0.5),
    ]
    known = Why(id="x", score=1.3, reasons=reasons_of(parts, ["a"]))
    assert known.told() == "with a: taken together, items like it in title are taken with a; many took it"
    cold = Why(id="x", score=1.3, reasons=reasons_of(parts, ["a"], cold=True), cold=True)
    assert cold.told() == (
        "with a: what is like them is taken together, items like it in title are taken with a; "
        "many took what is like it"
    )
    past = Why(id="x", score=1.3, reasons=reasons_of(parts, ["a"], untaken={"a"}))
    assert past.told() == (
        "with a: what is like them is taken together, items like it in title are taken with what is like a; "
        "many took it"
    )
    assert [one["borrowed"] for one in past.as_json()["reasons"]] == [True, True, False]


def test_the_report_says_why(shop_runs):
    page = (shop_runs / "recommender" / "report.html").read_text(encoding="utf-8")
    assert "with 0" in page.partition("held-out items")[2]
    assert "How much of a history it needs" in page
    assert "nothing (a newcomer)" in page
    assert any(f"material {one} in both" in page or "alike in" in page for one in KINDS)


@pytest.mark.parametrize("words", [{"id": "nobody"}, {"id": "000", "history": ["nobody"]}])
def test_unknown_items_are_refused(recommender_app, words):
    with pytest.raises(mmsdk.DataError, match="no item 'nobody'"):
        recommender_app.why(**words)
