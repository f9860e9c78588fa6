"""Classification: labels, losses, answers, and metrics against scikit-learn."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
import torch
from sklearn import metrics

from mmsdk.errors import DataError
from mmsdk.tasks import Classification, Multilabel


def prepared(values=("b", "a", "c", "a"), **options) -> Classification:
    task = Classification(**options)
    task.prepare(list(values))
    return task


def drawn(n=200, width=4, seed=0):
    random = np.random.default_rng(seed)
    task = prepared([f"c{i % width}" for i in range(n)])
    logits = random.normal(size=(n, width)).round(1).astype(np.float32)  # rounded: ties
    return task, logits, random.integers(0, width, n)


def test_labels_are_strings_in_order():
    assert prepared([3.0, 1, "2", None, ""]).labels == ("1", "2", "3")


def test_encode_masks_the_unlabelled_and_names_the_unseen():
    targets, labelled, problems = prepared().encode(["a", None, "", "bb", "c"])
    assert targets[labelled].tolist() == [0, 2]
    assert labelled.tolist() == [True, False, False, False, True]
    assert [(one.row, one.value) for one in problems] == [(3, "bb")]
    assert problems[0].reason == "no training row has this label. Did you mean 'b'?"


@pytest.mark.parametrize(
    ("known", "written", "meant"),
    [
        ("01", "1.0", "1"),
        (["1.0", "0.0"], "1", "1.0"),
        (["true", "false"], "TRUE", "true"),
        ([True, False], "false", "False"),
        (["-3", "5"], "-3.00", "-3"),
        (["1", "1.0"], "1.0", "1.0"),  # both are classes
        (["1", "1.0"], "1.00", None),
        (["TRUE", "True", "no"], "true", None),
        (["yes", "no"], "YES", None),  # nobody but people writes it so
        (["1.5", "2"], "1.50", None),
        (["007", "8"], "7", None),
    ],
)
def test_a_label_is_known_as_other_programs_write_it_unless_two_may_be_meant(known, written, meant):
    task = prepared(known)
    targets, labelled, problems = task.encode([written])
    assert (task.labels[targets[0]] if labelled[0] else None) == meant
    assert len(problems) == (meant is None)
    tags = Multilabel()
    tags.prepare(list(known))
    found, labelled, _ = tags.encode([f"{written}|{written}"])
    assert [tags.labels[place] for place in found[0].nonzero()[0]] == ([] if meant is None else [meant])
    assert labelled[0] == (meant is not None)


@pytest.mark.parametrize(
    ("values", "said"), [(["a", "a", None], "every labelled training row is 'a'"), ([None], "no training row")]
)
def test_nothing_to_tell_apart_is_refused(values, said):
    with pytest.raises(DataError, match=said):
        prepared(values)


def test_state_is_json_and_round_trips():
    task = prepared()
    copy = Classification()
    copy.load_state(json.loads(json.dumps(task.state())))
    assert (copy.labels, copy.counts) == (task.labels, task.counts)
    assert np.array_equal(copy.baseline(2), task.baseline(2))


def test_the_baseline_is_the_majority_at_its_share():
    output = prepared().outputs(prepared().baseline(1))[0]
    assert output.value == "a"
    assert output.confidence == pytest.approx(0.5)


def test_outputs_hold_all_probabilities():
    output = prepared().outputs(np.array([[0.0, 2.0, -1e9]], dtype=np.float32))[0]
    assert output.value == "b"
    assert sum(output.probabilities.values()) == pytest.approx(1.0)
    assert output.probabilities["c"] == 0.0


def test_class_weights_make_labels_equal():
    task = prepared()
    targets = np.array([1, 0, 2, 0])
    weights = task.class_weights(targets)
    assert weights[targets].mean() == pytest.approx(1.0)
    assert weights[0] * 2 == pytest.approx(weights[1])
    logits = torch.randn(4, 3)
    rows = task.loss(logits, torch.from_numpy(targets), None)
    weighted = task.loss(logits, torch.from_numpy(targets), torch.from_numpy(weights))
    assert torch.allclose(weighted, rows * torch.from_numpy(weights)[targets])


def test_label_smoothing_acts():
    logits, targets = torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([0])
    assert prepared(label_smoothing=0.1).loss(logits, targets, None) > prepared().loss(logits, targets, None)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_scikit_learn_on_resampled_rows(seed):
    task, logits, truth = drawn(seed=seed)
    rows = np.random.default_rng(seed).integers(0, len(truth), len(truth))
    scores = {name: one(rows) for name, one in task.scores(logits, truth).items()}
    wide = logits.astype(np.float64)
    chances = np.exp(wide - wide.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    guess, t, p = chances.argmax(1)[rows], truth[rows], chances[rows]
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(t, guess))
    assert scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(t, guess))
    assert scores["macro_f1"] == pytest.approx(metrics.f1_score(t, guess, average="macro"))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(t, p, labels=range(4)))
    assert scores["mcc"] == pytest.approx(metrics.matthews_corrcoef(t, guess))
    each = [metrics.roc_auc_score(t == label, np.log(p[:, label])) for label in range(4)]
    assert scores["auc"] == pytest.approx(np.mean(each))


def test_the_right_label_among_the_likeliest():
    random = np.random.default_rng(0)
    task = prepared([f"{number:02d}" for number in range(12)])
    logits, truth = random.normal(size=(300, 12)), random.integers(0, 12, 300)
    scores = {name: one(np.arange(300)) for name, one in task.scores(logits, truth).items()}
    for k in (3, 5):
        assert scores[f"top_{k}_accuracy"] == pytest.approx(metrics.top_k_accuracy_score(truth, logits, k=k))
    assert not any(name.startswith("top") for name in prepared().scores(logits[:, :4], truth % 4))


def test_labels_that_are_equally_likely_are_not_all_among_the_likeliest():
    task = prepared([f"{number:02d}" for number in range(12)])
    truth = np.arange(12)
    scores = task.scores(task.baseline(12), truth)  # of even shares
    assert scores["accuracy"](truth) == pytest.approx(1 / 12)
    assert scores["top_3_accuracy"](truth) == pytest.approx(3 / 12)
    assert scores["top_5_accuracy"](truth) == pytest.approx(5 / 12)


def test_a_constant_answer_correlates_with_nothing():
    task = prepared(["a", "b"])
    scores = task.scores(np.array([[1.0, 0.0]] * 4), np.array([0, 1, 0, 1]))
    assert scores["mcc"](np.arange(4)) == metrics.matthews_corrcoef([0, 1, 0, 1], [0, 0, 0, 0]) == 0.0


def test_calibration_error_of_known_cases():
    task = prepared(["a", "b"])
    sure_and_right = np.array([[20.0, 0.0]] * 10)
    half_right = np.array([0] * 5 + [1] * 5)
    scores = task.scores(sure_and_right, half_right)
    assert scores["ece"](np.arange(10)) == pytest.approx(0.5)
    assert scores["ece"](np.arange(5)) == pytest.approx(0.0, abs=1e-6)


def test_auc_is_undefined_on_one_class():
    task, logits, truth = drawn()
    assert np.isnan(task.scores(logits, truth)["auc"](np.flatnonzero(truth == 1)))


def test_very_many_labels_are_scored_without_a_square_of_them():
    """A confusion matrix of 20,000 labels has 400 million cells, on each of a thousand resamples."""
    task = prepared([f"c{number:05d}" for number in range(20_000)])
    random = np.random.default_rng(0)
    truth = random.integers(0, 20_000, 60)
    logits = np.zeros((60, 20_000), np.float32)
    logits[np.arange(60), np.where(random.random(60) < 0.5, truth, random.integers(0, 20_000, 60))] = 9.0
    tracemalloc.start()
    scores = task.scores(logits, truth)
    found = {name: one(np.arange(60)) for name, one in scores.items()}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    guess = logits.argmax(1)
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.recall_score(truth, guess, average="macro", labels=np.unique(truth))
    )
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert found["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, guess))
