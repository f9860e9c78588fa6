"""A loaded application in use: predict, embed, search and recommend with whatever is given."""

from __future__ import annotations

import itertools
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shop_data import ITEMS, application, orders, rows

import mmsdk
from mmsdk.app.predictions import predicted

NO_PAGES = True  # see tests/conftest.py

INPUTS = ("photo", "text", "price", "material", "added")
VALUES = {
    "photo": "photos/003.png",
    "text": "wool lamp, warm light for the evening",
    "price": 30.5,
    "material": "wool",
    "added": "2026-04-13",
}


def test_every_subset_of_the_inputs_is_answered_and_named(tasks_app, shop):
    subsets = [names for size in range(len(INPUTS) + 1) for names in itertools.combinations(INPUTS, size)]
    given = [{name: VALUES[name] if name in names else None for name in INPUTS} for names in subsets]
    answers = tasks_app.predict(given, root=shop)
    assert [answer.modalities_used for answer in answers] == subsets
    for answer in answers:
        kind = answer.outputs["kind"]
        assert kind.value in {"lamp", "vase", "rug"}
        assert sum(kind.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert kind.confidence == pytest.approx(max(kind.probabilities.values()), abs=1e-6)
        assert kind.abstained is False
        assert kind.prediction_set == () or kind.value in kind.prediction_set
        assert set(answer.outputs["tags"].value) <= {"lamp", "vase", "rug", "dear", "cheap"}
        assert np.isfinite(answer.outputs["grade"].value)


def test_rows_that_hold_nothing_are_counted_on_stderr(shop_runs, capsys):
    with mmsdk.load(shop_runs / "tasks", allow_outside=True) as app:
        app.predict([{"text": "a lamp"}, {"text": ""}, {}])
        said = capsys.readouterr().err
        assert "2 of 3 rows hold none of the inputs (photo, text, price, material, added)" in said
        app.predict([{"text": "a lamp"}])
        assert "rows hold none" not in capsys.readouterr().err
    with mmsdk.load(shop_runs / "tasks", allow_outside=True, quiet=True) as app:
        app.predict([{}])
        assert not capsys.readouterr().err


def test_an_absent_key_is_a_missing_input(tasks_app):
    absent, empty, none = tasks_app.predict(
        [{"text": "a lamp"}, {"text": "a lamp", "price": ""}, {"text": "a lamp", "price": None}]
    )
    assert absent == empty == none
    assert absent.modalities_used == ("text",)


def test_an_answer_needs_no_id_and_what_is_kept_does(tasks_app, own_recommender):
    given = [{"sku": "a", "text": "a lamp"}, {"text": "a lamp"}, {"sku": None, "text": "a lamp"}]
    first, *others = tasks_app.predict(given)
    assert others == [first, first]
    assert predicted(tasks_app, given).column("sku").to_pylist() == ["a", "2", "3"]
    assert len(tasks_app.embed(given)) == 3
    with pytest.raises(mmsdk.DataError, match="id"):
        own_recommender.index.add(given)
    with pytest.raises(mmsdk.DataError, match="every row needs an id"):
        mmsdk.evaluate(tasks_app, [{**one, "kind": "lamp"} for one in given])


def test_rows_are_keyed_by_input_or_by_column(tasks_app, shop):
    by_input = tasks_app.embed([{"photo": "photos/003.png", "price": 12}], root=shop)
    by_column = tasks_app.embed([{"image": "photos/003.png", "price": "12"}], root=shop)
    assert np.array_equal(by_input, by_column)
    named = tasks_app.embed([{"title": "wool lamp", "description": "warm"}])
    assert named.shape == (1, 24)
    assert not np.array_equal(named, tasks_app.embed([{"title": "wool lamp"}]))


@pytest.mark.parametrize("row", [{"photo": "a.jpg", "image": "b.jpg"}, {"image": "b.jpg", "photo": "a.jpg"}])
def test_an_input_given_by_name_and_by_column_is_given_once(tasks_app, shop, row):
    first, second = row
    said = f"^row 2: '{first}' and '{second}' give the column 'image' different values; give one of them$"
    with pytest.raises(mmsdk.DataError, match=said):
        tasks_app.predict([{"price": 12}, row], root=shop)
    once = tasks_app.embed([{"photo": "photos/003.png"}], root=shop)
    for other in ("photos/003.png", None):  # the same twice, and nothing beside something, are no contradiction
        both = {key: "photos/003.png" if key == "photo" else other for key in row}
        assert np.array_equal(tasks_app.embed([both], root=shop), once)


@pytest.mark.parametrize("several", [["red lamp", "oak chair"], ("red lamp", "oak chair"), np.array(["red", "oak"])])
def test_several_texts_in_the_place_of_one_are_refused(tasks_app, several):
    said = r"row 2, column 'title', .*: is a list of 2, where a text is expected; give one, or a row for each$"
    with pytest.raises(mmsdk.DataError, match=said):
        tasks_app.predict([{"title": "red lamp"}, {"title": several}])
    with pytest.raises(mmsdk.DataError, match=r"column 'title', .*: is a list of 2"):
        tasks_app.search({"title": several})
    assert tasks_app.predict([{"text": several}])[0].modalities_used == ("text",)  # whole: title and description


def test_several_texts_are_missing_where_bad_cells_are(shop_runs):
    with mmsdk.load(shop_runs / "tasks", allow_outside=True, quiet=True, on_bad_row="skip") as app:
        answers = app.predict([{"title": ["red", "oak"]}, {"title": "red lamp"}])
        assert [one.modalities_used for one in answers] == [(), ("text",)]


def test_a_text_of_lists_is_given_as_a_list(tmp_path, monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
    words = (["oak", "chair"], ["red", "lamp", "shade"])
    table = [{"words": words[row % 2], "kind": "ab"[row % 2]} for row in range(40)]
    learned = {
        "inputs": {"words": {"column": "words", "modality": "text", "encoder": "ngrams"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "training": {"epochs": 2},
        "confidence": {"source": "validation"},
    }
    with mmsdk.fit(learned, table, tmp_path / "run", quiet=True) as app:
        as_list, as_text = (app.embed([{"words": words}]) for words in (["oak", "chair"], "oak, chair"))
        assert np.array_equal(as_list, as_text)


def test_a_key_that_nobody_knows_is_refused_with_the_nearest(tasks_app):
    with pytest.raises(mmsdk.DataError, match=r"row 2: no input or column named 'foto'. Did you mean 'photo'\?"):
        tasks_app.predict([{"photo": None, "text": "x"}, {"foto": "a.jpg"}])


def test_a_row_of_a_table_can_be_given_whole(tasks_app, shop):
    whole = rows()[7]
    assert tasks_app.predict([whole], root=shop)[0].outputs["kind"].value == whole["kind"]


def test_a_table_is_answered_like_its_rows(tasks_app, shop):
    table = tasks_app.predict(shop / "items.csv")
    ones = [tasks_app.predict([row], root=shop)[0] for row in rows()[:9:4]]
    assert len(table) == ITEMS
    for one, among in zip(ones, table[:9:4], strict=True):
        assert one.outputs["kind"].value == among.outputs["kind"].value
        assert one.outputs["grade"].value == pytest.approx(among.outputs["grade"].value, abs=2e-2)  # fp16 in the cache


def test_other_kinds_of_tables(tasks_app, shop):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = [{"title": row["title"], "price": float(row["price"])} for row in rows()[:12]]
    plain = tasks_app.embed(table)
    assert np.array_equal(tasks_app.embed(pandas.DataFrame(table)), plain)
    assert np.array_equal(tasks_app.embed(polars.DataFrame(table)), plain)


def test_nothing_to_answer_is_no_row(tasks_app):
    assert tasks_app.predict([]) == []
    assert tasks_app.embed([]).shape == (0, 24)


def test_embed_gives_what_the_index_holds(tasks_app, shop):
    vectors = tasks_app.embed(shop / "items.csv")
    assert vectors.shape == (ITEMS, 24)
    assert vectors.dtype == np.float32
    held = tasks_app.index.vectors(["007"])[0]
    cosine = vectors[7] @ held / np.linalg.norm(vectors[7]) / np.linalg.norm(held)
    assert cosine == pytest.approx(1, abs=1e-3)


def test_search_by_any_inputs(tasks_app, shop):
    for query in (
        {"photo": "photos/004.png"},
        {"text": "vase holds flowers"},
        {"photo": "photos/004.png", "text": "vase"},
    ):
        hits = tasks_app.search(query, k=5, root=shop)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert sum(hit.row["kind"] == "vase" for hit in hits) >= 4
        assert -1.001 <= hits[0].score <= 1.001


def test_search_by_id_leaves_that_row_out(tasks_app):
    hits = tasks_app.search(id="004", k=ITEMS)
    assert len(hits) == ITEMS - 1
    assert "004" not in {hit.id for hit in hits}


def test_where_speaks_of_columns(tasks_app):
    hits = tasks_app.search({"title": "lamp"}, k=ITEMS, where="price < 30 and kind = 'lamp'")
    wanted = {row["sku"] for row in rows() if float(row["price"]) < 30 and row["kind"] == "lamp"}
    assert {hit.id for hit in hits} == wanted
    assert all(hit.row["title"].split()[1] == "lamp" for hit in hits)


@pytest.mark.parametrize("where", ["price <", "1); drop table rows; --", "prise < 3", "__import__('os')"])
def test_a_bad_filter_is_one_sentence(tasks_app, where):
    with pytest.raises(mmsdk.MmsdkError, match="where"):
        tasks_app.search({"title": "lamp"}, where=where)


@pytest.mark.parametrize(
    ("words", "message"), [({}, "not neither"), ({"query": {"title": "x"}, "id": "003"}, "not both")]
)
def test_search_needs_one_question(tasks_app, words, message):
    with pytest.raises(mmsdk.DataError, match=message):
        tasks_app.search(**words)


def test_a_query_of_nothing_is_refused(tasks_app):
    with pytest.raises(mmsdk.DataError, match="nothing to search with; give one of the inputs: photo, text"):
        tasks_app.search({"title": "", "photo": None})


def test_an_unknown_id_is_named(tasks_app, recommender_app):
    with pytest.raises(mmsdk.MmsdkError, match="nobody"):
        tasks_app.search(id="nobody")
    with pytest.raises(mmsdk.DataError, match="'nobody'"):
        recommender_app.recommend(["003", "nobody"])


def test_recommend_follows_the_history_and_never_repeats_it(recommender_app):
    kinds = {row["sku"]: row["kind"] for row in rows()}
    for start, kind in enumerate(("lamp", "vase", "rug")):
        history = [f"{number:03d}" for number in range(start, 15, 3)]
        hits = recommender_app.recommend(history, k=ITEMS)
        assert len(hits) == ITEMS - len(history)
        assert not {hit.id for hit in hits} & set(history)
        assert [kinds[hit.id] for hit in hits[:5]] == [kind] * 5


def test_items_that_nobody_took_are_recommended(recommender_app):
    touched = {order["sku"] for order in orders()}
    hits = recommender_app.recommend(["000", "003", "006"], k=20)
    cold = [hit for hit in hits if hit.id not in touched]
    assert cold
    assert all(hit.row["kind"] == "lamp" for hit in cold[:2])


def test_a_newcomer_gets_what_is_popular(recommender_app):
    hits = recommender_app.recommend(k=5)
    counts = [sum(order["sku"] == hit.id for order in orders()) for hit in hits]
    assert len(hits) == 5
    assert np.mean(counts) > len(orders()) / ITEMS


def test_recommend_keeps_to_filter_and_exclusions(recommender_app):
    hits = recommender_app.recommend(["000"], k=ITEMS, where="price > 50", exclude=["003", "006"])
    assert hits
    assert all(float(hit.row["price"]) > 50 for hit in hits)
    assert not {"000", "003", "006"} & {hit.id for hit in hits}


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"text": "soft under bare feet rug"}, "rug"),
        ({"title": "vase", "description": "holds flowers on the table"}, "vase"),
        ({"photo": "photos/005.png"}, "rug"),
        ({"photo": "photos/004.png", "text": "holds flowers on the table"}, "vase"),
    ],
)
def test_a_query_turns_the_recommendation(recommender_app, shop, query, kind):
    alone = recommender_app.recommend(query=query, k=6, root=shop)
    assert sum(hit.row["kind"] == kind for hit in alone) >= 5
    plain = recommender_app.recommend(["000", "003"], k=12)
    asked = recommender_app.recommend(["000", "003"], k=12, query=query, root=shop)
    assert sum(hit.row["kind"] == kind for hit in asked) > sum(hit.row["kind"] == kind for hit in plain)
    assert not {"000", "003"} & {hit.id for hit in asked}


def test_a_run_without_interactions_says_how_to_get_recommendations(tasks_app):
    with pytest.raises(mmsdk.RunError, match="add an interactions block"):
        tasks_app.recommend(["000"])


def test_answers_from_eight_threads_are_those_of_one(shop_runs, shop):
    loaded = mmsdk.load(shop_runs / "recommender", quiet=True)

    def ask(number):
        name = f"{number % ITEMS:03d}"
        query = {"photo": f"photos/{name}.png", "title": f"lamp {number}"}
        return (
            [(hit.id, hit.score) for hit in loaded.search(query, k=5, root=shop)],
            [(hit.id, hit.score) for hit in loaded.recommend([name], k=5, query={"title": "rug"})],
            [answer.modalities_used for answer in loaded.predict([query] * 9, root=shop)],
        )

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, range(40)))
    assert together == [ask(number) for number in range(40)]
    loaded.close()


def test_predictions_from_eight_threads(tasks_app, shop):
    whole = rows()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: tasks_app.predict([row], root=shop), whole[:24]))
    assert together == [tasks_app.predict([row], root=shop) for row in whole[:24]]


def test_two_loads_answer_to_the_bit(shop_runs, shop):
    first, second = (mmsdk.load(shop_runs / "recommender", quiet=True) for _ in range(2))
    assert np.array_equal(first.embed(shop / "items.csv"), second.embed(shop / "items.csv"))
    assert [(h.id, h.score) for h in first.recommend(["001"])] == [(h.id, h.score) for h in second.recommend(["001"])]
    first.close()
    second.close()


def test_fit_answers_as_its_run_does_when_loaded(shop, tmp_path):
    fitted = mmsdk.fit(application(shop, training={"epochs": 2}), out=tmp_path / "run", quiet=True)
    loaded = mmsdk.load(tmp_path / "run", quiet=True)
    assert fitted.predict(shop / "items.csv") == loaded.predict(shop / "items.csv")
    assert np.array_equal(fitted.index.vectors(["005"]), loaded.index.vectors(["005"]))
    fitted.close()
    loaded.close()


def test_a_row_of_which_nothing_is_given_is_a_row(tasks_app):
    answers = tasks_app.predict([{}, {}])
    assert [answer.modalities_used for answer in answers] == [(), ()]
    assert answers[0] == tasks_app.predict([dict.fromkeys(INPUTS)])[0]
    assert tasks_app.embed([{}]).shape == tasks_app.embed([{"text": None}]).shape
    with pytest.raises(mmsdk.DataError, match="the query holds nothing to search with"):
        tasks_app.search({})


def test_what_pandas_calls_missing_is_missing_in_a_dict_too(tasks_app):
    row = {"text": pd.NaT, "price": pd.NA, "material": float("nan"), "added": pd.NaT}
    assert tasks_app.predict([row])[0].modalities_used == ()
    assert tasks_app.predict([{**row, "price": 3}])[0].modalities_used == ("price",)


def test_an_open_picture_is_no_cell(tasks_app, shop):
    with Image.open(shop / "photos" / "003.png") as picture, pytest.raises(mmsdk.DataError) as caught:
        tasks_app.predict([{"text": "a"}, {"photo": picture}])
    assert [(one.row, one.column) for one in caught.value.problems] == [(2, "image")]
    assert "is of type PngImageFile, expected a text, a number, a list, or of a file its path or its bytes" in str(
        caught.value
    )
    with pytest.raises(mmsdk.DataError, match="is no path but list; give the path or the bytes of a file"):
        tasks_app.predict([{"photo": np.zeros((2, 2, 3), np.uint8)}])
    held = (shop / "photos" / "003.png").read_bytes()
    assert tasks_app.predict([{"photo": held}])[0].modalities_used == ("photo",)


def test_a_table_without_the_column_of_an_input_is_told_once(shop_runs, capsys):
    app = mmsdk.load(shop_runs / "tasks", allow_outside=True)
    frame = pd.DataFrame({"descriptoin": ["a wool lamp"], "price": [3]})
    for _ in range(2):
        assert app.predict(frame)[0].modalities_used == ("price",)
    app.predict([{"price": 3}])
    app.close()
    said = capsys.readouterr().err
    column = app.application.inputs["text"].columns[0]
    assert said.count(f"the DataFrame has no column {column!r}") == 1
    assert "text is missing in every row" in said
    assert "the list of rows" not in said


@pytest.mark.parametrize("k", ["3", 3.0, None, True])
def test_a_count_that_is_none_is_refused(tasks_app, recommender_app, k):
    for ask in (lambda: tasks_app.search(id="000", k=k), lambda: recommender_app.recommend(["000"], k=k)):
        with pytest.raises(mmsdk.DataError, match=r"^k is .*, expected a whole number$"):
            ask()


def test_a_count_may_be_numpys(recommender_app):
    assert recommender_app.recommend(["000"], k=np.int64(2)) == recommender_app.recommend(["000"], k=2)


def test_a_history_that_is_no_list_is_refused(recommender_app):
    with pytest.raises(mmsdk.DataError, match=r"expected a list of ids, not None; write \[\] where there are none"):
        recommender_app.recommend(None)


def test_answers_as_json(tasks_app, recommender_app, shop):
    answer = tasks_app.predict([{"photo": "photos/003.png"}], root=shop)[0]
    told = json.loads(json.dumps(answer.as_json(), allow_nan=False))
    assert told["modalities_used"] == ["photo"]
    kind = answer.outputs["kind"]
    assert told["outputs"]["kind"]["probabilities"] == kind.probabilities
    assert told["outputs"]["kind"]["prediction_set"] == list(kind.prediction_set)
    assert told["outputs"]["tags"]["value"] == list(answer.outputs["tags"].value)
    hit = recommender_app.recommend(["000"], k=1)[0]
    assert json.loads(json.dumps(hit.as_json())) == {"id": hit.id, "score": hit.score, "row": dict(hit.row)}


def test_a_hit_takes_its_row_to_another_process(recommender_app):
    hit = recommender_app.recommend(["000"], k=1)[0]
    far = pickle.loads(pickle.dumps(hit))
    assert (far, dict(far.row)) == (hit, dict(hit.row))
    assert dict(pickle.loads(pickle.dumps(far)).row)


def test_an_app_closes_at_the_end_of_a_block(shop_runs, monkeypatch):
    closed, close = [], mmsdk.App.close
    monkeypatch.setattr(mmsdk.App, "close", lambda app: [closed.append(app), close(app)])
    with mmsdk.load(shop_runs / "tasks", quiet=True) as app:
        assert not closed
    assert closed == [app]


def held_open(folder):
    """Return the files below a folder that this process has open."""
    links = (one for one in Path("/proc/self/fd").iterdir() if one.exists())
    return [target for one in links if (target := one.readlink()).is_relative_to(folder)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are told by Linux")
def test_a_closed_app_holds_no_file_and_opens_again_what_it_is_asked(own_recommender):
    app = own_recommender

    def asked():
        return app.recommend(["000"], k=3), app.search(id="000", k=3), app.histories()

    before = asked()
    assert held_open(app.folder)
    app.close()
    assert not held_open(app.folder)
    assert asked() == before
    app.interactions.add([{"customer": "new", "sku": "001", "at": "2027-01-01"}])
    app.close()
    app.close()
    assert not held_open(app.folder)
    assert app.histories()["new"] == ["001"]
