"""A task type of a plugin in an application: what reaches it, and what is refused before anything is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import mmsdk
from mmsdk.testing import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOOKS = """
from mmsdk import TaskSpec, hookimpl

@hookimpl
def mmsdk_tasks():
    yield TaskSpec(name="count", target="abroad_count:Count")
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
    return {"often": {"column": "often", "type": "count", **more}}


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
