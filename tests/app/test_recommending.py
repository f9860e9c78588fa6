"""What may be asked of a recommendation: filters, candidates, variety, and a query beside the history."""

from __future__ import annotations

import numpy as np
import pytest
from shop_data import ITEMS, KINDS

import mmsdk

HISTORY = ["002", "005", "008"]  # rugs


def ids(hits):
    return [hit.id for hit in hits]


def test_candidates_and_exclusions(recommender_app):
    stock = ["011", "014", "000", "nobody"]
    assert set(ids(recommender_app.recommend(HISTORY, candidates=stock))) == {"011", "014", "000"}
    assert ids(recommender_app.recommend(HISTORY, candidates=stock, exclude=["011"], where="kind = 'rug'")) == ["014"]
    assert recommender_app.recommend(HISTORY, candidates=[]) == []
    assert ids(recommender_app.search(id="002", candidates=["002", "005"])) == ["005"]
    assert "005" not in ids(recommender_app.search(id="002", k=ITEMS, exclude=["005"]))


def test_variety_costs_relevance_and_brings_other_kinds(recommender_app):
    plain, varied = (recommender_app.recommend(HISTORY, k=8, diversity=one) for one in (0.0, 0.9))
    assert varied[0].id == plain[0].id
    assert len({hit.row["kind"] for hit in varied}) > len({hit.row["kind"] for hit in plain})
    assert sum(hit.score for hit in varied) < sum(hit.score for hit in plain)
    vectors = {name: recommender_app.index.vectors(ids(one)) for name, one in (("a", plain), ("b", varied))}
    assert (vectors["b"] @ vectors["b"].T).mean() < (vectors["a"] @ vectors["a"].T).mean()
    assert ids(recommender_app.search(id="002", k=8, diversity=0.9)) != ids(recommender_app.search(id="002", k=8))


def test_so_many_of_each_kind(recommender_app):
    hits = recommender_app.recommend(HISTORY, k=6, per="kind", at_most=2)
    assert sorted(hit.row["kind"] for hit in hits) == sorted([*KINDS, *KINDS])
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(recommender_app.search(id="002", k=6, per="kind")) == 3
    with pytest.raises(mmsdk.DataError, match=r"no column named 'knid'.*Did you mean 'kind'"):
        recommender_app.recommend(HISTORY, per="knid")


def test_like_this_but_another_and_cheaper(recommender_app):
    hits = recommender_app.recommend(like="000", where="price < 40", k=6)
    assert "000" not in ids(hits)
    assert all(hit.row["price"] < 40 for hit in hits)
    assert sum(hit.row["kind"] == "lamp" for hit in hits) >= 5
    asked = recommender_app.recommend(HISTORY, like="000", query={"text": "glass lamp"}, query_weight=1.0, k=6)
    assert {hit.row["kind"] for hit in asked} == {"lamp"}


def test_the_weight_of_a_query_goes_from_the_history_to_the_query(recommender_app):
    query = {"text": "glass vase holds flowers on the table"}
    kinds = []
    for weight in (0.0, 0.5, 1.0):
        hits = recommender_app.recommend(HISTORY, k=12, query=query, query_weight=weight)
        kinds.append(sum(hit.row["kind"] == "vase" for hit in hits))
    assert kinds[0] <= kinds[1] <= kinds[2]
    assert kinds[0] < kinds[2]
    alone = recommender_app.recommend(HISTORY, k=12)
    assert ids(recommender_app.recommend(HISTORY, k=12, query=query, query_weight=0.0)) == ids(alone)
    even = recommender_app.recommend(HISTORY, k=12, query=query, query_weight=0.5)
    usual = recommender_app.recommend(HISTORY, k=12, query=query)
    np.testing.assert_allclose([hit.score for hit in even], [hit.score for hit in usual], rtol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"like": "nobody"}, "no item 'nobody'"),
        ({"query_weight": 0.5}, "give query or like"),
        ({"like": "000", "query_weight": 2.0}, "query_weight = 2"),
        ({"diversity": 2.0}, "diversity = 2"),
        ({"exclude": "000"}, "list of ids"),
    ],
)
def test_what_cannot_be_asked(recommender_app, words, message):
    with pytest.raises(mmsdk.DataError, match=message):
        recommender_app.recommend(HISTORY, **words)


def test_a_set_is_completed_in_any_order(own_set):
    forward, back = own_set.recommend(HISTORY, k=10), own_set.recommend(HISTORY[::-1], k=10)
    assert ids(forward) == ids(back)
    assert not set(HISTORY) & set(ids(forward))
    np.testing.assert_allclose([hit.score for hit in forward], [hit.score for hit in back], rtol=1e-5)


@pytest.fixture(scope="module")
def own_set(shop, tmp_path_factory):
    """A run on sets without times, for reading only."""
    from shop_data import recommender

    app = recommender(shop)
    app["inputs"] = {"text": app["inputs"]["text"]}
    app["interactions"] = {name: one for name, one in app["interactions"].items() if name != "time"}
    fitted = mmsdk.fit({**app, "training": {"epochs": 1}}, out=tmp_path_factory.mktemp("sets") / "run", quiet=True)
    yield fitted
    fitted.close()


def test_similar_by_content_by_behaviour_and_by_both(recommender_app, tasks_app):
    alike = recommender_app.similar("000", k=5)
    assert [(hit.id, hit.score) for hit in alike] == [(h.id, h.score) for h in recommender_app.search(id="000", k=5)]
    both = recommender_app.similar("000", k=5, by="all")
    assert ids(both) == ids(recommender_app.recommend(["000"], k=5))
    together = recommender_app.similar("000", k=60, by="behaviour")
    assert "000" not in ids(together)
    for hit in together[:3]:  # the part of the score that is behaviour's
        parts = recommender_app.why(hit.id, ["000"]).reasons
        behaved = [part.value for part in parts if part.block in {"behaviour", "imputed", "partial"}]
        assert hit.score == pytest.approx(sum(behaved), abs=1e-4)
    assert all(hit.row["price"] < 40 for hit in recommender_app.similar("000", by="behaviour", where="price < 40"))
    assert "004" not in ids(recommender_app.similar("000", k=60, by="all", exclude=["004"]))
    assert tasks_app.similar("000", k=3)
    with pytest.raises(mmsdk.RunError, match="without interactions"):
        tasks_app.similar("000", by="behaviour")
    with pytest.raises(mmsdk.ConfigError, match="Did you mean 'behaviour'"):
        recommender_app.similar("000", by="behavior")
    with pytest.raises(mmsdk.DataError, match="no item 'nobody'"):
        recommender_app.similar("nobody")
