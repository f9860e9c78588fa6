"""Integrated gradients: they sum to what the answer gains, agree with a closed form, and reach columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mmsdk
from mmsdk import explain
from mmsdk.explain import by_part, integrated_gradients, shuffled_net
from mmsdk.explain.gradients import has_captum

NO_PAGES = True  # see tests/conftest.py

pytestmark = pytest.mark.skipif(not has_captum(), reason="captum is not installed: pip install mmsdk[explain]")


def table(count=120, seed=0):
    """Rows of four numbers and a place; the first number decides, the others are noise."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        values = random.normal(size=4).round(3).tolist()
        kind = "high" if values[0] > 0 else "low"
        rows.append(dict(zip("abcd", values, strict=True), id=str(number), kind=kind, place=f"p{number % 3}"))
    return rows


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        app = mmsdk.fit(
            {
                "id": "id",
                "inputs": {
                    "numbers": {"column": ["a", "b", "c", "d"], "modality": "vector"},
                    "record": {"column": ["a", "place"], "modality": "table"},
                },
                "tasks": {"kind": {"column": "kind", "type": "classification"}},
                "fusion": {"dim": 16},
                "training": {"epochs": 15, "learning_rate": 0.01},
                "confidence": {
                    "calibration": "none",
                    "source": "validation",
                },  # gradients are of the network's own log-odds
            },
            data=table(),
            out=tmp_path_factory.mktemp("gradients") / "run",
            quiet=True,
        )
    yield app
    app.close()


def path(app, row, name, net=None):
    samples, _ = app.pipeline.read([row], partial=True)
    embeddings = app.pipeline.embed(samples)
    task = app.tasks["kind"]
    return integrated_gradients(
        net or app.pipeline.net,
        "kind",
        lambda logits: task.margin(logits, "high"),
        (embeddings.values, embeddings.present),
        name,
    )


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("name", ["numbers", "record"])
def test_the_values_sum_to_what_the_margin_gains(app, place, name):
    found = path(app, table()[place], name)
    assert found.values.sum() == pytest.approx(found.end - found.start, abs=2e-3 + 5e-3 * abs(found.end - found.start))
    chance = app.predict([table()[place]])[0].outputs["kind"].probabilities["high"]
    assert found.end == pytest.approx(np.log(chance / (1 - chance)), abs=1e-4)


def test_of_a_linear_network_each_element_adds_its_weight_times_its_way():
    class Linear(torch.nn.Module):
        inputs = ("x",)

        def __init__(self):
            super().__init__()
            self.projector = torch.nn.Module()
            self.projector.dims = {"x": 3}
            self.projector.register_buffer("mean_0", torch.tensor([1.0, 0.0, -1.0]))
            self.weights = torch.tensor([2.0, -1.0, 0.5])

        def forward(self, vectors, present):
            return type("Fused", (), {"logits": {"t": (vectors["x"] @ self.weights)[:, None]}})

    row = ({"x": np.array([[3.0, 2.0, 1.0]], np.float32)}, {"x": np.array([True])})
    found = integrated_gradients(Linear(), "t", lambda logits: logits[:, 0], row, "x")
    assert found.values == pytest.approx([2.0 * 2, -1.0 * 2, 0.5 * 2], abs=1e-5)


def test_columns_are_named_and_the_one_that_decides_leads(app):
    row = next(one for one in table() if one["a"] > 1)
    found = {one.input: one for one in app.explain(row).evidence}
    assert {one.method for one in found.values()} == {"integrated gradients"}
    assert found["numbers"].unit == "log-odds of the network"
    assert [one.name for one in found["numbers"].pieces] == ["a", "b", "c", "d"]
    assert max(found["numbers"].pieces, key=lambda one: one.value).name == "a"
    assert [one.name for one in found["record"].pieces] == ["a", "place"]
    assert found["numbers"].deleted.named >= found["numbers"].deleted.random
    assert found["record"].deleted is None  # two columns leave no choice


def test_without_captum_columns_are_taken_away_instead(app, monkeypatch):
    monkeypatch.setattr("mmsdk.app.explaining.has_captum", lambda: False)
    row = next(one for one in table() if one["a"] > 1)
    found = next(one for one in app.explain(row).evidence if one.input == "numbers")
    assert found.method == "occlusion"
    assert max(found.pieces, key=lambda one: one.value).name == "a"
    monkeypatch.setattr("mmsdk.explain.gradients.has_captum", lambda: False)
    with pytest.raises(mmsdk.ConfigError, match=r"pip install mmsdk\[explain\]"):
        path(app, row, "numbers")


def test_random_weights_change_the_values(app):
    row = next(one for one in table() if one["a"] > 1)
    own = path(app, row, "numbers").values
    others = [path(app, row, "numbers", shuffled_net(app.pipeline.net, seed)).values for seed in range(3)]
    assert all(np.abs(own - one).max() > 0.1 * np.abs(own).max() for one in others)


def test_elements_are_summed_by_the_part_they_came_of():
    parts = [mmsdk.Part(name="a", kind="column", place=(0, 1)), mmsdk.Part(name="b, c", kind="column", place=(1, 3))]
    assert by_part(np.array([1.0, 2, 4, 8]), [0, 0, 1, 2], parts).tolist() == [3, 12]
    assert explain.rank_correlation(np.arange(4.0), np.ones(4)) == 0.0
