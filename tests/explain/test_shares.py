"""Shares over many rows are those of each row, and stand in metrics.json and the report."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest

from mmsdk.evaluate.schema import metrics_schema
from mmsdk.explain import mean_shares, row_shares, strongest
from mmsdk.protocols import Output
from mmsdk.report.shares import shares_panel


def embedded(app, ids):
    rows = app.index.rows(ids)
    samples, _ = app.pipeline.read(
        [{**row, "title": None, "description": None} if n == 1 else row for n, row in enumerate(rows)],
        root=Path(app.application.data).parent,
        partial=True,
    )
    return samples, app.pipeline.embed(samples)


def test_shares_of_rows_are_those_of_their_explanations(app):
    ids = ["004", "009", "014"]
    _, embeddings = embedded(app, ids)
    found = row_shares(app.explainer.answers("kind"), embeddings.values, embeddings.present, np.arange(3))
    assert found["text"][1] == 0.0  # it has none
    for place, name in ((0, "004"), (2, "014")):
        for share in app.explain(id=name, evidence=False).shares:
            assert found[share.input][place] == pytest.approx(share.value, abs=1e-6)
    means = mean_shares(app.explainer.answers("kind"), embeddings.values, embeddings.present, np.arange(3))
    assert means["text"]["n"] == 2
    assert means["photo"]["n"] == 3
    assert means["text"]["value"] == pytest.approx(np.abs(found["text"][[0, 2]]).mean())
    assert means["photo"]["low"] <= means["photo"]["value"] <= means["photo"]["high"]


def test_numbers_are_shared_out_too_and_many_rows_are_sampled():
    def answers(values, present):
        return [Output(value=float(one)) for one in 2 * present["a"] * values["a"][:, 0] - present["b"] * 1.0]

    values = {"a": np.arange(500, dtype=np.float32)[:, None], "b": np.zeros((500, 1), np.float32)}
    present = {"a": np.ones(500, bool), "b": np.ones(500, bool)}
    found = mean_shares(answers, values, present, np.arange(500))
    assert found["b"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 200}
    assert found["a"]["value"] == pytest.approx(499, rel=0.01)


def test_a_run_says_what_its_answers_rest_on(app):
    metrics = json.loads((app.folder / "metrics.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(metrics_schema()).validate(metrics)
    assert set(metrics["grade"]["shares"]) == {"photo", "text", "price", "material", "added"}
    assert max(metrics["grade"]["shares"].items(), key=lambda one: one[1]["value"])[0] == "price"
    html = (app.folder / "report.html").read_text(encoding="utf-8")
    assert html.count("What the answers rest on") == 3


def test_the_panel_escapes_names_and_is_silent_without_shares():
    share = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 9}

    data = SimpleNamespace(metrics={"t": {"shares": {"<a>": share, "b": {**share, "value": 0.5}}}, "u": {}})
    html = shares_panel(data, "t")
    assert html.index("<td>b</td>") < html.index("<td>&lt;a&gt;</td>")
    assert "0.25 [0.2, 0.3]" in html
    assert "width: 9.00rem" in html
    assert "width: 4.50rem" in html
    assert shares_panel(data, "u") == ""


def test_the_strongest_are_named_in_a_line():
    assert strongest({"a": 0.1, "b": -0.3, "c": 0.0}, 2) == "b -0.3, a +0.1"
