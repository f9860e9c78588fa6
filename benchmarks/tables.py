"""Tables of numbers alone: each head and ``auto`` beside the models that one would take first, on five folds.

    python benchmarks/tables.py [--sets wine friedman] [--folds 5]

Sets that come with scikit-learn, or are drawn by it, as one ``table`` input; nothing is fetched. Every model is
fitted on the same folds. Brackets are 95 % intervals of a bootstrap over rows; ``ahead`` is against the better of the
two baselines (logistic or ridge regression, gradient boosting of scikit-learn), paired over rows. Heads are calibrated
by validation rows, not by folds, which changes no answer here.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmsdk

MODELS = {
    "plain (the default)": ("gated", "plain"),
    "linear": ("gated", "linear"),
    "blend": ("gated", "blend"),
    "boosting": ("gated", "boosting"),
    "auto": ("auto", "auto"),
}
RESAMPLES = 1000


def sets():
    """Return name -> kind of task, numbers ``(n, d)``, labels ``(n,)``."""
    wine, cancer, diabetes = (
        load(return_X_y=True) for load in (datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes)
    )
    random = np.random.default_rng(0)
    crossed = random.normal(size=(800, 6))
    return {
        "wine": ("classification", wine[0], wine[1].astype(str)),
        "breast cancer": ("classification", cancer[0], cancer[1].astype(str)),
        "crossed": ("classification", crossed, np.where(crossed[:, 0] * crossed[:, 1] > 0, "same", "not")),
        "diabetes": ("regression", *diabetes),
        "friedman": ("regression", *datasets.make_friedman1(800, noise=1.0, random_state=0)),
    }


def main() -> None:
    """Print a table a set."""
    every = sets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(every), choices=list(every))
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.sets:
        kind, numbers, labels = every[name]
        metric = balanced_accuracy_score if kind == "classification" else r2_score
        print(f"\n{name}: {len(numbers)} rows of {numbers.shape[1]} numbers, {metric.__name__}", flush=True)
        show(labels, metric, dict(answers(kind, numbers, labels, arguments.folds)))


def answers(kind, numbers, labels, folds):
    """Yield model and its answers to rows it did not learn from, the baselines last; all on the same folds."""
    columns = [f"x{place}" for place in range(numbers.shape[1])]
    table = [
        {"id": str(row), "y": label, **dict(zip(columns, map(float, one), strict=True))}
        for row, (one, label) in enumerate(zip(numbers, labels.tolist(), strict=True))
    ]
    fold = None
    for name, (fusion, head) in MODELS.items():
        application = {
            "id": "id",
            "inputs": {"row": {"column": columns, "modality": "table"}},
            "tasks": {"y": {"column": "y", "type": kind}},
            "fusion": {"type": fusion, "budget": 1e6},  # a busy machine chooses the same
            "head": {"type": head},
            "confidence": {"source": "validation"},
        }
        found = mmsdk.cross_validate(application, table, folds=folds, quiet=True)
        fold = found.fold[0]
        given = [output.value for output in found.targets["y"].task.outputs(found.logits["y"][0])]
        yield name, np.array(given, dtype=labels.dtype)
    for name, model in baselines(kind).items():
        given = np.empty(len(labels), dtype=labels.dtype)
        for number in range(folds):
            given[fold == number] = model.fit(numbers[fold != number], labels[fold != number]).predict(
                numbers[fold == number]
            )
        yield name, given


def baselines(kind):
    """Return the models that one would take first."""
    if kind == "classification":
        return {
            "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
            "gradient boosting": HistGradientBoostingClassifier(random_state=0),
        }
    return {
        "ridge regression": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
        "gradient boosting": HistGradientBoostingRegressor(random_state=0),
    }


def show(labels, metric, found) -> None:
    """Print score, interval and what it is ahead of the better baseline, of each model."""
    drawn = np.random.default_rng(0).integers(0, len(labels), (RESAMPLES, len(labels)))
    values = {name: metric(labels, given) for name, given in found.items()}
    draws = {name: np.array([metric(labels[rows], given[rows]) for rows in drawn]) for name, given in found.items()}
    best = max((name for name in found if name not in MODELS), key=values.__getitem__)
    for name in found:
        low, high = np.percentile(draws[name], (2.5, 97.5))
        line = f"  {name:22s} {values[name]:.3f} [{low:.3f}, {high:.3f}]"
        if name in MODELS:
            low, high = np.percentile(draws[name] - draws[best], (2.5, 97.5))
            line += f"  ahead {values[name] - values[best]:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(line, flush=True)


if __name__ == "__main__":
    main()
