"""Multi-label: sets of labels in and out, metrics against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn import metrics

from mmsdk.errors import DataError
from mmsdk.tasks import Multilabel


def prepared(values=("red|wood", "red", "", ["blue"], []), **options) -> Multilabel:
    task = Multilabel(**options)
    task.prepare(list(values))
    return task


def test_cells_are_strings_or_lists_and_empty_is_unlabelled():
    task = prepared()
    targets, labelled, problems = task.encode(["wood | red", [], "", None, "steel|red"])
    assert task.labels == ("blue", "red", "wood")
    assert targets[0].tolist() == [0, 1, 1]
    assert labelled.tolist() == [True, True, False, False, False]
    assert [(one.row, one.value) for one in problems] == [(4, "steel")]


def test_separator_acts():
    assert prepared(["a;b|c"], separator=";").labels == ("a", "b|c")


def test_no_label_at_all_is_refused():
    with pytest.raises(DataError, match="no training row has a label"):
        prepared([None, [], ""])


def test_state_round_trips():
    task, copy = prepared(), Multilabel()
    copy.load_state(json.loads(json.dumps(task.state())))
    assert np.array_equal(copy.baseline(2), task.baseline(2))
    assert copy.outputs(np.array([[1.0, -1.0, 3.0]]))[0].value == ("blue", "wood")


def test_confidence_is_the_product_over_labels():
    output = prepared().outputs(np.array([[0.0, 0.0, 50.0]]))[0]
    assert output.confidence == pytest.approx(0.25)


def test_label_smoothing_and_class_weights_act():
    logits, targets = torch.tensor([[8.0, -8.0, -8.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    plain = prepared().loss(logits, targets, None)
    assert prepared(label_smoothing=0.2).loss(logits, targets, None) > plain
    weights = prepared().class_weights(np.array([[1, 0, 0]] + [[0, 1, 0]] * 9, dtype=np.float32))
    assert weights.tolist() == [9.0, 1.0, 10.0]
    assert prepared().loss(-logits, targets, torch.from_numpy(weights)) > prepared().loss(-logits, targets, None)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_scikit_learn_on_resampled_rows(seed):
    random = np.random.default_rng(seed)
    truth = (random.random((150, 3)) < 0.3).astype(np.float32)
    logits = (random.normal(size=(150, 3)) + truth - 0.5).round(1)
    rows = random.integers(0, 150, 150)
    scores = {name: one(rows) for name, one in prepared().scores(logits, truth).items()}
    t, guess = truth[rows], (logits >= 0)[rows]
    assert scores["map"] == pytest.approx(metrics.average_precision_score(t, logits[rows], average="macro"))
    assert scores["macro_f1"] == pytest.approx(metrics.f1_score(t, guess, average="macro"))
    assert scores["micro_f1"] == pytest.approx(metrics.f1_score(t, guess, average="micro"))
    assert scores["exact_match"] == pytest.approx(metrics.accuracy_score(t, guess))
