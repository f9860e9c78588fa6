"""Any subset is a contract: what one more input adds is measured, and what takes away is named, in red."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import mmsdk
from mmsdk.evaluate.subsets import added_inputs, beyond_noise, draw_scores, input_subsets

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def table(turned, rows=240, seed=0):
    """`said` tells the mood, somewhat; `seen` tells it exactly in training and, where ``turned``, lies in the test."""
    random = np.random.default_rng(seed)
    found = []
    for row in range(rows):
        part = "train" if row < rows * 0.5 else "val" if row < rows * 0.6 else "test"
        mood = int(random.integers(2))
        shown = 1 - mood if turned and part == "test" else mood
        found.append(
            {
                "said": (np.eye(2)[mood] + random.normal(size=2) * 0.5).tolist(),
                "seen": (np.eye(2)[shown] * 2 + random.normal(size=2) * 0.3).tolist(),
                "mood": ("calm", "glad")[mood],
                "part": part,
            }
        )
    return found


APPLICATION = {
    "inputs": {name: {"column": name, "modality": "vector"} for name in ("said", "seen")},
    "tasks": {"mood": {"column": "mood", "type": "classification"}},
    "split": {"column": "part"},
    "fusion": {"dim": 16, "members": 2},
    "training": {"epochs": 8},
}


@pytest.mark.parametrize("turned", [True, False])
def test_an_input_that_hurts_is_red_and_one_that_helps_is_not(tmp_path, capsys, turned):
    app = mmsdk.fit(APPLICATION, table(turned), tmp_path / "run", device="cpu")
    one, other = app.predict([{"said": [1.0, 0.0]}]), app.predict([{"said": [1.0, 0.0], "seen": [1.0, 0.0]}])
    assert one[0].modalities_used == ("said",)
    assert other[0].modalities_used == ("said", "seen")
    metrics = json.loads((app.folder / "metrics.json").read_text())["mood"]
    gain = metrics["added"]["seen"]["said"]["balanced_accuracy"]
    given = {name: row["balanced_accuracy"]["value"] for name, row in metrics["subsets"].items()}
    assert gain["value"] == pytest.approx(given["said+seen"] - given["said"])
    page, card = ((app.folder / name).read_text() for name in ("report.html", "card.md"))
    said = capsys.readouterr().err
    sentence = "seen added to said: balanced_accuracy -"
    assert (metrics["worse"] == {"seen": ["said"]}) is turned
    assert (gain["high"] < -0.2) is turned
    assert ('<tr class="bad"><td>seen</td>' in page) is turned
    assert all((sentence in text) is turned for text in (page, card, said))
    assert "| said+seen | " in card


def drawn(values, seed, n=400):
    """Scores of a model that is right where ``values`` say so."""
    return draw_scores(lambda rows: float(values[rows].mean()), n, better=1, groups=None, resamples=200, seed=seed)


def test_noise_alone_is_hardly_ever_red():
    """31 subsets of equal worth: 75 gains, of which some lie below zero by their own interval."""
    reds, alone = 0, 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        scores = {subset: drawn(random.random(400) < 0.8, seed) for subset in input_subsets("abcde")}
        found = added_inputs(scores, 400, "accuracy")
        reds += bool(found["worse"])
        alone += any(m["accuracy"]["high"] < 0 for subsets in found["added"].values() for m in subsets.values())
        assert sum(map(len, found["added"].values())) == 75
    assert reds <= 4  # one in twenty is promised
    assert alone >= 10  # what a threshold for each would have cried


def test_a_loss_of_everything_is_red_without_any_spread():
    n = 30
    scores = {("a",): drawn(np.ones(n), 0, n), ("a", "b"): drawn(np.zeros(n), 0, n), ("b",): drawn(np.zeros(n), 0, n)}
    assert added_inputs(scores, n, "accuracy")["worse"] == {"b": ["a"]}
    assert beyond_noise([(-0.0, np.zeros(5)), (0.5, np.full(5, np.nan))]) == [False, False]


def test_a_metric_where_lower_is_better_gains_by_falling():
    errors = {("a",): np.full(50, 2.0), ("b",): np.full(50, 3.0), ("a", "b"): np.full(50, 1.0)}
    scores = {
        subset: draw_scores(lambda r, e=e: float(e[r].mean()), 50, better=-1, groups=None, resamples=5, seed=0)
        for subset, e in errors.items()
    }
    found = added_inputs(scores, 50, "mae")["added"]
    assert found["b"]["a"]["mae"]["value"] == 1.0
    assert found["a"]["b"]["mae"]["value"] == 2.0


def test_differences_are_paired():
    """Two models that err on the same rows differ by less than their two intervals suggest."""
    right = np.random.default_rng(0).random(400) < 0.7
    better = right.copy()
    better[:8] = True
    found = added_inputs({("a",): drawn(right, 0), ("a", "b"): drawn(better, 0)}, 400, "accuracy")["added"]["b"]["a"]
    width = np.diff(np.quantile(drawn(right, 0)[1], [0.025, 0.975]))[0]
    assert 0 <= found["accuracy"]["low"] < found["accuracy"]["high"] < width / 3


@pytest.mark.parametrize(("count", "subsets"), [(1, 1), (2, 3), (5, 31), (8, 255), (9, 19)])
def test_all_subsets_up_to_eight_and_the_telling_ones_beyond(count, subsets):
    found = input_subsets([f"in{i}" for i in range(count)])
    assert len(found) == len(set(found)) == subsets
    assert all(len(a) <= len(b) for a, b in pairwise(found))


def test_six_inputs_have_every_subset_by_the_metric_that_decides(tmp_path):
    random = np.random.default_rng(0)
    rows = [
        {**{f"in{i}": random.normal(size=2).tolist() for i in range(6)}, "mood": ("calm", "glad")[row % 2]}
        for row in range(60)
    ]
    inputs = {f"in{i}": {"column": f"in{i}", "modality": "vector"} for i in range(6)}
    app = mmsdk.fit({**APPLICATION, "inputs": inputs, "split": {}}, rows, tmp_path / "run", device="cpu", quiet=True)
    metrics = json.loads((app.folder / "metrics.json").read_text())["mood"]
    assert len(metrics["subsets"]) == 63
    assert set(metrics["subsets"]["in0+in3"]) == {"balanced_accuracy"}
    assert sum(map(len, metrics["added"].values())) == 6 * 31
    whole = "+".join(inputs)
    assert metrics["subsets"][whole]["balanced_accuracy"]["value"] == metrics["test"]["balanced_accuracy"]["value"]


def test_a_missing_input_against_a_model_that_never_had_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from left_out import missing_against_left

    rows = table(turned=False)
    found, both = (
        missing_against_left(APPLICATION, rows, out=tmp_path / str(seeds), seeds=seeds, device="cpu", quiet=True)[
            "mood"
        ]
        for seeds in ((0,), (0, 3))
    )
    assert both["seen"]["missing"] != found["seen"]["missing"]
    assert both["seen"]["missing"]["n"] == found["seen"]["missing"]["n"]  # only training is drawn anew
    assert set(found) == {"said", "seen"}
    for one in found.values():
        assert one["gain"]["value"] == pytest.approx(one["missing"]["value"] - one["left"]["value"])
        assert one["gain"]["low"] <= one["gain"]["value"] <= one["gain"]["high"]
    assert found["said"]["left"]["value"] > 0.95  # `seen` alone tells all
    assert found["seen"]["left"]["value"] < 0.95
    only = {**APPLICATION, "inputs": {"said": APPLICATION["inputs"]["said"]}}
    with pytest.raises(mmsdk.ConfigError, match="two inputs"):
        missing_against_left(only, rows, out=tmp_path / "more")


def test_noise_of_few_groups_is_seldom_red():
    """Gains of six groups that differ: as if of many, one table in four would have one that is red."""
    inputs = input_subsets("abc")[:6]
    groups, reds, narrow = np.repeat(np.arange(6), 20), 0, 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        worth = {one: np.repeat(random.normal(0, 0.1, 6), 20) for one in inputs}
        scores = {
            subset: draw_scores(
                lambda rows, v=values: float(v[rows].mean()), 120, better=1, groups=groups, resamples=100, seed=seed
            )
            for subset, values in worth.items()
        }
        reds += bool(added_inputs(scores, 120, "accuracy", groups=groups)["worse"])
        narrow += bool(added_inputs(scores, 120, "accuracy")["worse"])
    assert reds <= 8
    assert narrow >= 12


def test_three_groups_name_nothing():
    groups = np.repeat(np.arange(3), 10)
    scores = {("a",): drawn(np.ones(30), 0, 30), ("a", "b"): drawn(np.zeros(30), 0, 30)}
    assert added_inputs(scores, 30, "accuracy", groups=groups)["worse"] == {}
    assert added_inputs(scores, 30, "accuracy", groups=np.arange(30))["worse"] == {"b": ["a"]}


def test_what_is_not_defined_of_a_subset_adds_nothing_and_the_rest_stays():
    drawn = (0.5, np.full(20, 0.5))
    scores = {("a",): drawn, ("b",): (np.nan, np.full(20, np.nan)), ("a", "b"): drawn}
    assert list(added_inputs(scores, 400, "accuracy")["added"]) == ["b"]
