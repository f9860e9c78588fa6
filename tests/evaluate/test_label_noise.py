"""Confident learning finds planted wrong labels far better than chance, and leaves clean ones alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from mmsdk.evaluate.label_noise import suspect_labels


def test_the_rows_are_those_of_the_definition():
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9], [0.55, 0.45]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = suspect_labels(chances, labels)
    # bars: label 0 (.9 + .8 + .3) / 3 = .667, label 1 (.8 + .9 + .45) / 3 = .717; nobody reaches the other's
    assert found.rows.tolist() == []
    chances[2] = [0.2, 0.8]
    found = suspect_labels(chances, labels)
    assert (found.rows.tolist(), found.labels.tolist()) == ([2], [1])
    assert (found.given[0], found.suspected[0], found.checked) == (0.2, 0.8, 6)


def test_planted_wrong_labels_are_found():
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 800)
    features = np.eye(4)[truth] * 3 + random.normal(size=(800, 4))
    wrong = random.random(800) < 0.1
    labels = np.where(wrong, (truth + random.integers(1, 4, 800)) % 4, truth)
    chances = cross_val_predict(LogisticRegression(), features, labels, cv=5, method="predict_proba")
    found = suspect_labels(chances, labels)
    hit = wrong[found.rows]
    assert hit.mean() > 0.6  # precision; at random it is .10
    assert hit.sum() / wrong.sum() > 0.75  # recall; at random as many rows would find a tenth of them
    assert hit[:40].mean() > 0.9  # the surest first
    assert (found.labels[hit] == truth[found.rows[hit]]).mean() > 0.9
    assert (np.diff(found.suspected - found.given) <= 0).all()


def test_clean_labels_raise_few_suspicions():
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 600)
    features = np.eye(3)[truth] * 4 + random.normal(size=(600, 3))
    chances = cross_val_predict(LogisticRegression(), features, truth, cv=5, method="predict_proba")
    assert len(suspect_labels(chances, truth).rows) < 18


def test_a_label_that_no_row_has_is_suggested_to_nobody():
    chances = np.array([[0.1, 0.0, 0.9]] * 3 + [[0.1, 0.9, 0.0]] * 3)
    assert 2 not in suspect_labels(chances, np.array([0, 0, 0, 1, 1, 1])).labels


def test_it_finds_what_cleanlab_finds():
    cleanlab = pytest.importorskip("cleanlab.filter")
    random = np.random.default_rng(2)
    labels = random.integers(0, 5, 500)
    chances = random.dirichlet(np.ones(5), 500) * 0.7 + 0.3 * np.eye(5)[labels]
    theirs = cleanlab.find_label_issues(labels, chances, filter_by="confident_learning", n_jobs=1)
    ours = np.zeros(500, dtype=bool)
    ours[suspect_labels(chances, labels).rows] = True
    assert (ours == theirs).all()
