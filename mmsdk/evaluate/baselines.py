"""The sceptic's baselines: an answer that looks at nothing, and a linear model on the same embeddings."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.model import training_rows
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from mmsdk.model import Target
    from mmsdk.protocols import Task

ITERATIONS = 100
PENALTY = 1.0  # ridge, on features scaled so that each input has length 1 on average
INVERSE_PENALTY = 3.0  # logistic regression's C, on the same features


def blind_baseline(task: Task, rows: int) -> tuple[str, np.ndarray]:
    """Return the name and the logits of the answer that looks at no input."""
    return ("mean" if isinstance(task, Regression) else "majority"), task.baseline(rows)


def median_baseline(target: Target, split: np.ndarray, rows: int) -> dict[str, np.ndarray]:
    """Return, of a number, the answer by the median of the labelled training rows; nothing of any other task.

    No other single number has a lower mean absolute error on them, by which a number is judged: of skewed ones, such as
    prices, whoever learned no more than that is far ahead of the mean.
    """
    if not isinstance(target.task, Regression):
        return {}
    known = target.values[target.labelled_rows(training_rows(split))]
    return {"median": np.full((rows, 1), np.median(known), dtype=np.float32)}


def linear_baselines(
    target: Target, embeddings: Any, split: np.ndarray, rows: np.ndarray, *, alone: bool = True
) -> dict[str, np.ndarray]:
    """Return the logits of a linear model on all inputs side by side, and on each alone, for some rows.

    Logistic regression (classification, classes balanced), one for each label (multi-label), or ridge (regression),
    on standardised embeddings (of a sequence the mean of its steps), zeros where an input is absent, fitted on the
    labelled training rows. Its settings are fixed, not tuned. A task type of a plugin has no linear baseline.

    :param alone: of each input alone too, which costs as much again.
    :returns: ``linear`` (all inputs) and, with more than one input, ``linear: <input>`` each -> logits ``(r, width)``.
    """
    if not isinstance(target.task, Classification | Multilabel | Regression):
        return {}
    fitted_on = target.labelled_rows(training_rows(split))
    vectors = embeddings.vectors()
    names = list(vectors)
    chosen = {"linear": names}
    if alone and len(names) > 1:
        chosen |= {f"linear: {name}": [name] for name in names}
    features = {name: _features(vectors[name], embeddings.present[name], fitted_on, rows) for name in names}
    logits = {}
    for baseline, used in chosen.items():
        train, asked = (np.hstack([features[name][side] for name in used]) for side in (0, 1))
        logits[baseline] = _fit_linear(target.task, train, target.values[fitted_on], asked)
    return logits


def _features(
    values: np.ndarray, present: np.ndarray, fitted_on: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised vectors of the training and of the asked rows, scaled by the length of the vector."""
    present = np.asarray(present, dtype=bool)
    known = np.asarray(values[fitted_on[present[fitted_on]]], dtype=np.float32)
    if len(known) == 0:
        known = np.zeros((1, values.shape[1]), dtype=np.float32)
    mean, spread = known.mean(0), known.std(0)
    scale = np.where(spread > 1e-6 * max(float(spread.max()), 1e-30), spread, 1.0) * np.sqrt(values.shape[1])
    sides = []
    for part in (fitted_on, rows):
        here = present[part][:, None]
        vectors = np.where(here, np.asarray(values[part], dtype=np.float32), mean)
        sides.append(((vectors - mean) / scale).astype(np.float32))
    return sides[0], sides[1]


def _fit_linear(task: Task, features: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Fit the linear model of a task type and return its logits."""
    from sklearn.linear_model import Ridge

    if isinstance(task, Classification):
        return _logistic(features, targets, asked, width=len(task.labels), balanced=True)
    if isinstance(task, Multilabel):
        columns = [_binary(features, column, asked) for column in targets.T]
        return np.stack(columns, axis=1).astype(np.float32)
    ridge = Ridge(alpha=PENALTY, solver="lsqr").fit(features, targets)
    return np.asarray(ridge.predict(asked), dtype=np.float32)[:, None]


def _logistic(
    features: np.ndarray, targets: np.ndarray, asked: np.ndarray, *, width: int, balanced: bool
) -> np.ndarray:
    """Return the logits of a logistic regression; a class without a training row gets a very low one."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if balanced else None
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS, class_weight=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough for a baseline
        warnings.filterwarnings("ignore", message="The number of unique classes is greater", category=UserWarning)
        model.fit(features, targets)
    answers = model.decision_function(asked)
    logits = np.full((len(asked), width), -30.0, dtype=np.float32)
    if answers.ndim == 1:
        answers = np.stack([np.zeros_like(answers), answers], axis=1)
    logits[:, model.classes_.astype(np.int64)] = answers
    return logits


def _binary(features: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return one label's logit; the log-odds of a certain answer where training shows one side only."""
    positives = float(targets.sum())
    if positives in {0.0, float(len(targets))}:
        return np.full(len(asked), 10.0 if positives else -10.0, dtype=np.float32)
    logits = _logistic(features, targets.astype(np.int64), asked, width=2, balanced=False)
    return np.asarray(logits[:, 1] - logits[:, 0])
