"""App.explain on a fitted shop: shares that add up, evidence of the real encoders, rows that are like it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from shop_data import rows

import mmsdk
from mmsdk.explain import explanation_schema
from mmsdk.explain.occlusion import _named


@pytest.fixture(scope="module")
def why(app):
    return app.explain(id="004")


def test_shares_add_up_to_the_answer(app, why):
    output = app.predict([app.index.rows(["004"])[0]], root=Path(app.application.data).parent)[0].outputs["kind"]
    assert why.task == "kind"
    assert why.answer == why.label == output.value
    assert why.score == pytest.approx(output.confidence, abs=1e-6)
    assert {one.input for one in why.shares} == {"photo", "text", "price", "material", "added"}
    assert sum(one.value for one in why.shares) == pytest.approx(why.score - why.base, abs=1e-12)
    assert why.exact


def test_the_base_is_what_is_said_without_any_input(app, why):
    nothing = app.predict([{"price": None}])[0].outputs["kind"]
    assert why.base == pytest.approx(nothing.probabilities[why.label], abs=1e-6)


def test_an_explanation_is_json_of_its_schema(why):
    jsonschema.Draft202012Validator(explanation_schema()).validate(json.loads(json.dumps(why.as_json())))
    assert why.output["probabilities"][why.label] == pytest.approx(why.score, abs=1e-6)


def test_a_piece_is_worth_what_the_answer_loses_without_it(app):
    row = {"title": "oak lamp", "price": 20}
    why = app.explain(row, evidence=["text"])
    (evidence,) = why.evidence
    assert [one.name for one in evidence.pieces] == ["oak", "lamp"]
    assert [evidence.text[int(a) : int(b)] for a, b in (one.place for one in evidence.pieces)] == ["oak", "lamp"]
    for word, piece in (("lamp", evidence.pieces[0]), ("oak", evidence.pieces[1])):
        left = app.predict([{"title": word, "price": 20}])[0].outputs["kind"].probabilities[why.label]
        assert piece.value == pytest.approx(why.score - left, abs=1e-6)


def test_evidence_comes_of_every_input_that_falls_into_parts(why):
    found = {one.input: one for one in why.evidence}
    assert set(found) == {"photo", "text"}  # a number, a category and a date are whole: their shares say it
    assert {one.kind for one in found["photo"].pieces} == {"box"}
    assert len(found["photo"].pieces) == 49
    assert found["photo"].deleted.pieces == 10
    assert found["photo"].deleted.named > found["photo"].deleted.random
    assert abs(found["photo"].randomised) < 0.5


def test_the_gate_is_shown_as_what_it_is(app, why):
    (gate,) = why.attention
    assert gate.name == "gate"
    assert set(gate.weights) == {one.input for one in why.shares}
    assert sum(gate.weights.values()) == pytest.approx(1, abs=1e-5)
    alone = app.explain({"title": "oak lamp"}, evidence=False).attention
    assert alone[0].weights == pytest.approx({"text": 1.0}, abs=1e-5)


def test_elements_of_a_vector_in_one_column_have_numbers_not_its_name():
    part = mmsdk.Part(name="element 1", kind="column", place=(0, 1))
    assert _named(part, ["face"]) == "element 1"
    assert _named(part, ["a", "b"]) == "a"
    assert _named(mmsdk.Part(name="both", kind="column", place=(0, 2)), ["a", "b"]) == "a to b"


def test_every_coalition_is_calibrated_as_a_row_with_its_inputs(app):
    assert app.confidence is not None
    row = {"title": "oak lamp", "price": 20, "material": "oak"}
    samples, _ = app.pipeline.read([row], partial=True)
    embeddings = app.pipeline.embed(samples)
    for left_out in ("text", "price", "material"):
        present = {**embeddings.present, left_out: np.array([False])}
        ours = app.explainer.answers("kind")(embeddings.values, present)[0].probabilities
        key = {"text": "title"}.get(left_out, left_out)
        theirs = app.predict([{**row, key: None}])[0].outputs["kind"].probabilities
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_number_that_was_declined_is_explained_all_the_same(app, monkeypatch):
    said = app.explain(id="004", task="grade", evidence=False)
    plain = app.answer

    def declined(embeddings, table=None):
        found = plain(embeddings, table)[0]
        outputs = {name: replace(one, value=None, abstained=True) for name, one in found.outputs.items()}
        return [replace(found, outputs=outputs)]

    monkeypatch.setattr(app, "answer", declined)
    found = app.explain(id="004", task="grade", evidence=False)
    assert found.shares == said.shares
    assert found.output["abstained"] is True
    kind = app.explain(id="004", evidence=False)
    assert kind.answer is None
    assert kind.label == max(kind.output["probabilities"], key=kind.output["probabilities"].get)


def test_numbers_and_several_labels_are_explained_too(app):
    grade = app.explain(id="004", task="grade", evidence=False)
    assert grade.unit == "number"
    assert grade.label is None
    assert grade.score == pytest.approx(grade.answer)
    assert max(grade.shares, key=lambda one: abs(one.value)).input == "price"
    tags = app.explain(id="004", task="tags", evidence=False)
    assert tags.label == max(tags.output["probabilities"], key=tags.output["probabilities"].get)
    assert app.explain(id="004", task="tags", label="dear", evidence=False).label == "dear"


def test_log_odds_are_those_of_the_probability(app, why):
    odds = app.explain(id="004", scale="log-odds", evidence=False)
    assert odds.unit == "log-odds"
    assert odds.score == pytest.approx(np.log(why.score / (1 - why.score)), abs=1e-6)
    assert sum(one.value for one in odds.shares) == pytest.approx(odds.score - odds.base, abs=1e-9)


def test_neighbours_are_training_rows_nearest_first(app, why):
    parts = dict(zip(*_splits(app), strict=True))
    assert len(why.neighbours) == 5
    assert all(parts[one.id] == "train" and one.id != "004" for one in why.neighbours)
    scores = [one.similarity for one in why.neighbours]
    assert scores == sorted(scores, reverse=True)
    vectors = app.index.vectors([name for name, part in parts.items() if part == "train" and name != "004"])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ours = app.index.vectors(["004"])[0]
    assert scores == pytest.approx(np.sort(vectors @ (ours / np.linalg.norm(ours)))[::-1][:5], abs=2e-2)
    assert all(one.label == one.row["kind"] for one in why.neighbours)
    assert app.explain(id="004", evidence=False, k=0).neighbours == ()


def test_prototypes_are_training_rows_of_the_label(app, why):
    parts = dict(zip(*_splits(app), strict=True))
    assert why.prototypes
    assert all(one.label == why.label and parts[one.id] == "train" and one.id != "004" for one in why.prototypes)
    other = app.explain(id="004", label="rug", evidence=False)
    assert {one.label for one in other.prototypes} == {"rug"}


def test_the_same_row_has_the_same_explanation_and_torch_is_left_alone(app, why):
    import torch

    before = torch.get_rng_state()
    assert app.explain(id="004").as_json() == why.as_json()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, mmsdk.DataError, "either a row or an id"),
        ({"id": "nobody"}, mmsdk.DataError, "holds no row 'nobody'"),
        ({"row": "004"}, mmsdk.DataError, r"not '004'; a row of the index .*: explain\(id='004'\)"),
        ({"row": 4}, mmsdk.DataError, r"explain\(id='4'\)"),
        ({"row": {"title": ""}}, mmsdk.DataError, "holds nothing to explain"),
        ({"id": "004", "task": "kin"}, mmsdk.ConfigError, "no task named 'kin'. Did you mean 'kind'"),
        ({"id": "004", "label": "lap"}, mmsdk.ConfigError, "no label named 'lap'. Did you mean 'lamp'"),
        ({"id": "004", "task": "grade", "label": "3"}, mmsdk.ConfigError, "has no labels"),
        ({"id": "004", "scale": "odds"}, mmsdk.ConfigError, "no scale named 'odds'"),
        ({"id": "004", "evidence": ["foto"]}, mmsdk.ConfigError, "no input named 'foto'. Did you mean 'photo'"),
    ],
)
def test_what_cannot_be_explained_is_said(app, asked, error, said):
    with pytest.raises(error, match=said):
        app.explain(**asked)


def test_a_run_without_a_task_has_nothing_to_explain(shop_runs):
    app = mmsdk.load(shop_runs / "recommender", quiet=True, allow_outside=True)
    with pytest.raises(mmsdk.RunError, match="has no task"):
        app.explain({"title": rows()[0]["title"]})
    app.close()


def _splits(app):
    from mmsdk.app.directory import split_ids

    return split_ids(app.folder)
