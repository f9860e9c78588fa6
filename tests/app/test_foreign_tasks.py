"""A task type of a plugin in an application: what reaches it, and what is refused before anything is learned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import mmsdk
from mmsdk.cli.figures import print_metrics
from mmsdk.testing import installed, write_distribution
from mmsdk.train.checkpoint import training_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOOKS = """
from mmsdk import TaskSpec, hookimpl

@hookimpl
def mmsdk_tasks():
    yield TaskSpec(name="count", target="abroad_count:Count")
    yield TaskSpec(name="picky", target="abroad_count:Picky")
    yield TaskSpec(name="scaled", target="abroad_count:Scaled")
"""
COUNT = """
import numpy as np
import torch

from mmsdk import Output, Problem

class Count:
    metric, higher_is_better = "deviance", False

    def prepare(self, values):
        self.mean = float(np.mean([float(value) for value in values if value not in (None, "")]))

    def encode(self, values):
        here = np.array([value not in (None, "") for value in values], bool)
        return np.array([float(value or 0) for value in values], np.float32), here, []

    def head(self, dim):
        return torch.nn.Linear(dim, 1)

    def loss(self, logits, targets, weights):
        return torch.exp(logits[:, 0]) - targets * logits[:, 0]

    def class_weights(self, targets):
        return None

    def outputs(self, logits):
        return [Output(value=float(np.exp(row[0]))) for row in logits]

    def scores(self, logits, targets):
        error = np.abs(np.exp(logits[:, 0]) - targets)
        return {"deviance": lambda rows: float(error[rows].mean())}

    def baseline(self, n):
        return np.full((n, 1), np.log(self.mean), np.float32)

    def state(self):
        return {"mean": self.mean}

    def load_state(self, state):
        self.mean = state["mean"]

class Picky(Count):
    def scores(self, logits, targets):
        return {"deviance": super().scores(logits, targets)["deviance"] if len(logits) > 40 else lambda rows: np.nan}

class Scaled(Count):
    # The place in an order, with steps of some width.
    def __init__(self, order=("0", "1", "2", "3", "4"), *, step=1.0, tilt=0.0, separator):
        self.order, self.step, self.separator = list(order), step, separator

    def prepare(self, values):
        self.mean = 1.0

    def encode(self, values):
        places = [self.step * self.order.index(str(value)) for value in values]
        return np.array(places, np.float32), np.ones(len(values), bool), []
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[None]:
    """A plugin with one task type."""
    modules = {"abroad_plugin": HOOKS, "abroad_count": COUNT}
    write_distribution(tmp_path / "site", "mmsdk-abroad", modules=modules, entry_points={"abroad": "abroad_plugin"})
    with installed(tmp_path / "site"):
        yield


def fitted(out: Path, tasks: dict[str, Any], **blocks: Any) -> mmsdk.App:
    """Return an application of one number, whose rows also say how often and of which kind."""
    rows = [{"id": f"r{n}", "size": n % 5, "often": n % 5, "kind": "ab"[n % 2]} for n in range(60)]
    whole = {"id": "id", "inputs": {"size": {"column": "size", "modality": "number"}}, "tasks": tasks}
    whole |= {"fusion": {"dim": 8}, "training": {"epochs": 1}, **blocks}
    return mmsdk.fit(whole, rows, out, quiet=True)


def often(**more: Any) -> dict[str, Any]:
    return {"often": {"column": "often", "type": "count"} | more}


KIND = {"kind": {"column": "kind", "type": "classification"}}


@pytest.mark.parametrize("rule", ["below", "error", "coverage"])
def test_a_task_of_a_plugin_cannot_decline_by_a_confidence_that_nobody_calibrates(plugin, tmp_path, rule):
    with pytest.raises(mmsdk.ConfigError, match=rf"abstain\.{rule} .* a task of a plugin has .*abstain\.novelty"):
        fitted(tmp_path / "run", often(), confidence={"abstain": {rule: 0.5}})
    assert not (tmp_path / "run").exists()


def test_beside_a_classification_a_note_says_that_it_is_never_declined(plugin, tmp_path):
    app = fitted(tmp_path / "run", often() | KIND, confidence={"abstain": {"below": 0.99}})
    said = "often: a task of a plugin has no calibrated confidence to decline by: abstain.below leaves every row"
    assert any(one.startswith(said) for one in app.confidence.notes)
    answer = app.predict([{"id": "x", "size": 2}])[0].outputs
    assert answer["kind"].abstained
    assert not answer["often"].abstained
    app.close()


@pytest.mark.parametrize("told", [{"order": ["4", "3", "2", "1", "0"]}, {"options": {"step": 2.0}}])
def test_an_order_and_options_reach_the_task_and_its_run(plugin, tmp_path, told):
    fitted(tmp_path / "run", often(type="scaled", **told)).close()
    task = mmsdk.load(tmp_path / "run", quiet=True).tasks["often"]
    assert task.order == told.get("order", ["0", "1", "2", "3", "4"])
    assert task.step == told.get("options", {}).get("step", 1.0)
    assert task.separator == "|"


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (
            {"often": {"type": "scaled", "options": {"stepp": 2}}},
            "tasks.often.options: scaled takes no option named 'stepp'. Did you mean 'step'? Known: step, tilt",
        ),
        (
            {"often": {"type": "scaled", "options": {"order": [1]}}},
            "tasks.often.options.order is no option: write tasks.often.order",
        ),
        (
            {"often": {"type": "count", "order": ["1"]}},
            "tasks.often.order: count knows no order of its answers; leave the key out",
        ),
        (
            {"often": {"type": "regression", "order": ["1"]}},
            "tasks.often.order: regression knows no order of its answers; leave the key out",
        ),
        (
            {"kind": {"type": "classification", "options": {"label_smoothing": 0.5}}},
            "tasks.kind.options.label_smoothing is no option: write training.label_smoothing",
        ),
        (
            {"kind": {"type": "classification", "options": {"margin": 1}}},
            "tasks.kind.options: classification takes no option named 'margin'. Known: none",
        ),
    ],
)
def test_what_a_task_would_not_read_is_refused(plugin, tmp_path, tasks, said):
    with pytest.raises(mmsdk.ConfigError) as caught:
        fitted(tmp_path / "run", {name: {"column": name, **one} for name, one in tasks.items()})
    assert str(caught.value) == said


def test_a_fit_goes_on_only_with_the_same_options(plugin, tmp_path, monkeypatch):
    keys = []
    made = training_key
    monkeypatch.setattr("mmsdk.train.loop.training_key", lambda *a: keys[-1].append(made(*a)) or keys[-1][-1])
    for tilt in (0.0, 0.0, 1.0):
        keys.append([])
        fitted(tmp_path / str(len(keys)), often(type="scaled", options={"tilt": tilt})).close()
    assert keys[0] == keys[1]
    assert not set(keys[0]) & set(keys[2])


def test_a_metric_that_the_test_rows_leave_undefined_costs_no_run(plugin, tmp_path, capsys):
    inputs = {"size": {"column": "size", "modality": "number"}, "kind": {"column": "kind", "modality": "category"}}
    app = fitted(tmp_path / "run", often(type="picky"), inputs=inputs)
    metrics = json.loads((app.folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["often"]["test"] == metrics["often"]["added"] == {}
    print_metrics(metrics, {"often": app.tasks["often"].metric})
    assert "often" in capsys.readouterr().out
    app.close()
