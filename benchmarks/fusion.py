"""Fusions, heads and ``auto`` beside what a sceptic would try first, on six real sets.

    MMSDK_REAL=../shared python benchmarks/fusion.py [--sets ikea digits] [--models auto gated] [--seeds 5]
        [--choices 5] [--keep DIR]

Each set is scored by its folds (``sets.py``): encoders run once, everything that learns (fitted encoders, heads, the
choice of ``auto``) sees the fold's own training and validation rows and nothing else. Before the answers to the test
rows are given the model learns from the validation rows too (``training.refit``). All settings are the defaults.

Baselines learn from the same rows: logistic regression on the vectors of one input (the best of them on the test rows,
which flatters it) and of all inputs side by side, its penalty chosen by grouped cross-validation on log-loss; and a
perceptron of scikit-learn (256 hidden units, early stopping) on all side by side, mean of the seeds.

Figures are means over the seeds that stand beside them (of ``auto``, which learns 17 networks a fold where folds judge,
``--choices`` may say fewer); brackets are 95 % intervals of a bootstrap over rows, or over whole groups where the set
has them (expanded where these are few). ``ahead`` is the paired difference to the best of the three baselines on the
same resamples. Variants of the two sets of actors (``ravdess-more``, ``bench-crossed`` ...) are scored when asked for
by name; see ``fuller_sets``, ``crossed_set`` and ``adapted_sets``. With ``--keep`` answers are kept in a folder, and a
run that was broken off goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from sets import Set, adapted_sets, crossed_set, fuller_sets, real_sets, sized_set, stepped_set

from mmsdk.app.fitting import open_pipeline, prepare_tasks
from mmsdk.app.refitting import gather_material, learn_again
from mmsdk.app.resolving import resolve_application
from mmsdk.data import Policy, resampled, units_drawn
from mmsdk.evaluate.bootstrap import interval

MODELS = {
    "gated": {},
    "concat": {"fusion.type": "concat"},
    "late": {"fusion.type": "late"},
    "lowrank": {"fusion.type": "lowrank"},
    "tensor": {"fusion.type": "tensor"},
    "cross-attention": {"fusion.type": "cross-attention"},
    "transformer": {"fusion.type": "transformer"},
    "experts": {"fusion.type": "experts"},
    "mixed": {"fusion.type": "mixed"},
    "gated, linear head": {"head.type": "linear"},
    "gated, blend head": {"head.type": "blend"},
    "gated, ensemble head": {"head.type": "ensemble"},
    "mixed, blend head": {"fusion.type": "mixed", "head.type": "blend"},
    "gated, stacked head": {"head.type": "stacked"},
    "gated, population head": {"head.type": "population"},
    "auto": {"fusion.type": "auto", "head.type": "auto", "fusion.budget": 1e6},  # a busy machine chooses the same
}
TCN = {f"inputs.{name}.trainable.type": "tcn" for name in ("motion", "voice")}
STEPPED = {  # of sequences: scored when asked for by name, on motion-steps
    "bottleneck": {"fusion.type": "bottleneck"},
    "convolution": {"fusion.type": "convolution"},
    "gated, each input by tcn": TCN,
}
LINEAR, MLP = "concat + logistic regression", "concat + MLP"
PENALTIES = tuple(10.0**power for power in range(-4, 4))
EVERY = MODELS | STEPPED
RESAMPLES = 1000


class Answers:
    """Right labels, and what each model answers to every scored row, kept on disk as they come."""

    def __init__(self, one: Set, keep: Path) -> None:
        self.one, self.keep = one, keep / one.name
        self.keep.mkdir(parents=True, exist_ok=True)
        self.truth: list[np.ndarray] = []
        self.groups: list[np.ndarray] = []

    def of(self, name: str, seed: int, fold: int, make) -> np.ndarray:
        """Return the answers of one model to one fold, made unless they are kept."""
        path = self.keep / f"{name.replace(' ', '_').replace(',', '')}-{seed}-{fold}.npy"
        if not path.is_file():
            np.save(path, make())
        return np.load(path)


def run(one: Set, models: dict[str, int], seeds: int, keep: Path) -> dict[str, np.ndarray]:
    """Return model -> answers ``(seeds, rows)``; ``truth`` and ``groups`` stand beside them.

    :param models: how many seeds each has; the baselines have ``seeds``.
    """
    answers = Answers(one, keep)
    found: dict[str, list[list[np.ndarray]]] = {}
    for number, table in enumerate(one.folds()):
        with contextlib.ExitStack() as stack:
            application = resolve_application(one.application)
            pipeline = open_pipeline(application, "cpu", Policy(allow_outside=True), quiet=True)
            stack.callback(pipeline.close)
            samples, _ = pipeline.read(table, partial=False)
            material = gather_material(pipeline, samples)
            whole = prepare_tasks(application, samples, pipeline.policy)[0]
            target = whole["label"]
            asked = target.labelled_rows(samples.split == "test")
            answers.truth.append(target.values[asked])
            answers.groups.append(np.array([table[row].get(one.group, row) for row in asked], dtype=object))

            def learned(changes, seed, material=material, samples=samples, asked=asked, whole=whole):
                made = resolve_application(one.application, seed=seed, overrides=changes)
                split = np.asarray(samples.split, dtype=object)
                return learn_again(material, split, asked=asked, whole=whole, application=made)["label"].argmax(1)

            for name, count in models.items():
                changes = EVERY[name]
                row = [answers.of(name, seed, number, lambda: learned(changes, seed)) for seed in range(count)]  # noqa: B023
                found.setdefault(name, []).append(row)
                print(f"  {one.name} fold {number}: {name}", flush=True)
            for name, row in baselines(answers, number, material, samples, target, asked, seeds).items():
                found.setdefault(name, []).append(row)
    joined = {name: np.concatenate(folds, axis=1) for name, folds in found.items()}
    return joined | {"truth": np.concatenate(answers.truth), "groups": np.concatenate(answers.groups)}


def baselines(answers, number, material, samples, target, asked, seeds) -> dict[str, list[np.ndarray]]:
    """Return what the baselines answer to one fold, each ``seeds`` times."""
    from mmsdk.app.refitting import again

    rows = target.labelled_rows(np.isin(samples.split, ("train", "val")))
    names = list(answers.one.application["inputs"])
    files = [f"linear_{name}-0-{number}.npy" for name in [*names, "all"]]
    files += [f"mlp-{seed}-{number}.npy" for seed in range(seeds)]
    kept = all((answers.keep / one).is_file() for one in files)
    split = np.asarray(samples.split, dtype=object)
    features = {} if kept else vectors(again(material, split, material.application, {"label": target}))
    groups = np.array([str(cell) for cell in material.groups]) if material.groups else np.arange(len(samples))

    def linear(used):
        matrix = np.hstack([features[name] for name in used])
        return logistic(matrix[rows], target.values[rows], groups[rows], matrix[asked])

    def mlp(seed):
        matrix = np.hstack([features[name] for name in names])
        return perceptron(matrix[rows], target.values[rows], matrix[asked], seed)

    found = {}
    for name in names:
        kept_answers = answers.of(f"linear {name}", 0, number, lambda used=name: linear([used]))
        found[f"only {name}"] = [kept_answers] * seeds
    found[LINEAR] = [answers.of("linear all", 0, number, lambda: linear(names))] * seeds
    found[MLP] = [answers.of("mlp", seed, number, lambda seed=seed: mlp(seed)) for seed in range(seeds)]
    return found


def vectors(draft) -> dict[str, np.ndarray]:
    """Return standardised vectors of each input by the rows learned from; zeros where it is absent."""
    rows = np.isin(draft.samples.split, ("train", "val"))
    found = {}
    for name, values in draft.embeddings.vectors().items():
        present = np.asarray(draft.embeddings.present[name], dtype=bool)
        known = np.asarray(values[rows & present], dtype=np.float32)
        mean, spread = known.mean(0), known.std(0)
        spread = np.where(spread > 1e-6 * spread.max(), spread, 1.0)
        scaled = (np.asarray(values, dtype=np.float32) - mean) / spread / np.sqrt(len(mean))
        found[name] = np.where(present[:, None], scaled, 0.0).astype(np.float32)
    return found


def logistic(features, labels, groups, asked) -> np.ndarray:
    """Return the answers of a logistic regression whose penalty grouped cross-validation has chosen by log-loss."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import GroupKFold

    def model(strength):
        return LogisticRegression(C=strength, max_iter=200, class_weight="balanced")

    folds = list(GroupKFold(min(4, len(np.unique(groups)))).split(features, labels, groups))
    losses = dict.fromkeys(PENALTIES, 0.0)
    classes = np.unique(labels)
    for strength in PENALTIES:
        for fit, judge in folds:
            made = model(strength).fit(features[fit], labels[fit])
            chances = np.full((len(judge), len(classes)), 1e-6)
            chances[:, np.searchsorted(classes, made.classes_)] = made.predict_proba(features[judge])
            losses[strength] += log_loss(labels[judge], chances / chances.sum(1, keepdims=True), labels=classes)
    return model(min(losses, key=losses.get)).fit(features, labels).predict(asked)


def perceptron(features, labels, asked, seed) -> np.ndarray:
    """Return the answers of scikit-learn's perceptron."""
    from sklearn.neural_network import MLPClassifier

    scale = np.sqrt(features.shape[1])
    made = MLPClassifier((256,), early_stopping=True, n_iter_no_change=10, max_iter=200, random_state=seed)
    return made.fit(features * scale, labels).predict(asked * scale)


def scores(one: Set, answers: np.ndarray, truth: np.ndarray, draws: list[np.ndarray]) -> np.ndarray:
    """Return the metric on all rows and on every resample, each the mean over seeds."""
    return np.array([np.mean([metric(one, row[drawn], truth[drawn]) for row in answers]) for drawn in draws])


def metric(one: Set, answers: np.ndarray, truth: np.ndarray) -> float:
    """Return accuracy, or the mean recall of the classes."""
    right = answers == truth
    if one.metric == "accuracy":
        return float(right.mean())
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def show(one: Set, found: dict[str, np.ndarray]) -> None:
    """Print the table of a set."""
    truth, groups = found.pop("truth"), found.pop("groups")
    named = groups if one.group else None
    draws = [np.arange(len(truth)), *resampled(len(truth), groups=named, resamples=RESAMPLES)]
    units = units_drawn(len(truth), named)
    drawn = {name: scores(one, answers, truth, draws) for name, answers in found.items()}
    single = max((name for name in found if name.startswith("only ")), key=lambda name: drawn[name][0])
    simple = max((single, LINEAR, MLP), key=lambda name: drawn[name][0])
    print(f"\n{one.name}: {one.metric}, {len(truth)} answers; best simple: {simple}")
    for name in [single, LINEAR, MLP, *(name for name in found if name in EVERY)]:
        values = drawn[name]
        gain = values - drawn[simple]
        own, more = (interval(one[0], one[1:], len(truth), units=units) for one in (values, gain))
        ahead = "" if name == simple else f"  ahead {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}]"
        seeds = 1 if name in (single, LINEAR) else len(found[name])  # no seed enters a logistic regression
        print(f"  {name:30s} {seeds} x {own.value:.3f} [{own.low:.3f}, {own.high:.3f}]{ahead}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    sets = real_sets(real)
    every = sets | fuller_sets(real) | crossed_set(real) | adapted_sets(real)
    every |= sized_set(real) | stepped_set(real)
    parser.add_argument("--sets", nargs="+", default=list(sets), choices=list(every))
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(EVERY))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--choices", type=int, help="seeds of auto; as many as the others where left out")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    counts = dict.fromkeys(arguments.models, arguments.seeds)
    if "auto" in counts and arguments.choices is not None:
        counts["auto"] = arguments.choices
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.sets:
            show(every[name], run(every[name], counts, arguments.seeds, arguments.keep or Path(folder)))


if __name__ == "__main__":
    main()
