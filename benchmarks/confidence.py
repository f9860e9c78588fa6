"""Do the promises hold? Coverage, set size and calibration on the six real sets, overall and by every input subset.

    MMSDK_REAL=../shared python benchmarks/confidence.py [--only ikea ...] [--seed 0]

Each set is fitted fold by fold as ``benchmarks/sets.py`` describes it, the confidence block at its default, and its
scored rows are answered from all inputs and from every subset of them. Printed are, at 80, 90 and 95 %: the share of
rows whose set holds the truth (``strict``: by the threshold alone, which is what the method promises; ``given``: as the
application answers, its own answer always in the set), the 95 % bootstrap interval (by group where a set has groups),
and the mean size of the sets. ``in`` says whether the target lies in the interval of the strict coverage. The
calibration error is that of the model and that of its calibrated answers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sets import Set, crossed_set, real_sets

import mmsdk
import mmsdk.app.confiding
import mmsdk.app.fitting
from mmsdk.confidence import Rows, fit_confidence
from mmsdk.confidence.judge import Confidence, fitting_labels, subsets_given
from mmsdk.evaluate.bootstrap import bootstrap
from mmsdk.model import infer

LEVELS = (0.8, 0.9, 0.95)
FEWEST = 50
CALIBRATION = ("log_loss", "brier", "ece")


@dataclass(kw_only=True)
class Fold:
    """What one fit leaves: calibration rows and settings, and the scored rows with their answers by subset."""

    targets: Any
    rows: Rows
    settings: Any
    ids: list[str]
    groups: list[str]
    truth: np.ndarray
    given: list[tuple[str, ...]]
    logits: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)  # () is all that a row has


def fitted(application: dict, table: list[dict], seed: int) -> Fold:
    """Fit one fold and answer its scored rows."""
    kept: dict[str, Any] = {}

    def calibrated(targets, rows, settings, **more):
        kept.update(targets=targets, rows=rows, settings=settings)
        return fit_confidence(targets, rows, settings, **more)

    mmsdk.app.confiding.fit_confidence = calibrated
    mmsdk.app.fitting.RESAMPLES = 5  # the intervals of metrics.json are not what is looked at here
    identity, column = application["id"], application["tasks"]["label"]["column"]
    group = application["split"].get("group") or identity
    scored = [row for row in table if row["part"] == "test"]
    with tempfile.TemporaryDirectory() as folder:
        app = mmsdk.fit(application, table, Path(folder) / "run", seed=seed, quiet=True, allow_outside=True)
        samples, _ = app.pipeline.read(scored, partial=True)
        embeddings = app.pipeline.embed(samples)
        net = app.pipeline.net
        truth, labelled, _ = app.tasks["label"].encode([row[column] for row in scored])
        assert labelled.all()
        fold = Fold(
            **kept,
            ids=[str(row[identity]) for row in scored],
            groups=[str(row[group]) for row in scored],
            truth=truth,
            given=subsets_given(net.inputs, embeddings.present, len(scored)),
        )
        fold.logits[()] = infer(net, embeddings.values, embeddings.present)[1]["label"]
        for subset in kept["rows"].evidence.logits:
            if subset:
                fold.logits[subset] = infer(net, embeddings.values, embeddings.present, keep=subset)[1]["label"]
        app.close()
    return fold


def having(fold: Fold, subset: tuple[str, ...]) -> np.ndarray:
    """Return which scored rows have all inputs of a subset."""
    return np.array([set(subset) <= set(one) for one in fold.given])


def covered(fold: Fold, confidence: Confidence, subset: tuple[str, ...], how: str) -> dict[str, np.ndarray]:
    """Return of every scored row that has a subset whether its set holds the truth, and how large it is."""
    here = np.flatnonzero(having(fold, subset))
    raw, truth = fold.logits[subset][here], fold.truth[here]
    given = [subset or fold.given[row] for row in here]
    limits = confidence.limits("label", given)
    task = fold.targets["label"].task
    inside = fitting_labels(task, raw, limits, how)
    own = confidence.calibrated("label", raw, given).argmax(1)
    whole = inside.copy()
    whole[np.arange(len(here)), own] = True
    right = np.arange(len(here)), truth
    return {"row": here, "strict": inside[right], "given": whole[right], "size": whole.sum(1), "bare": inside.sum(1)}


def pooled(folds: list[Fold], parts: list[dict[str, np.ndarray]]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return values of all folds, the mean of each row where it was scored in several repeats, and the groups."""
    ids = np.concatenate([np.asarray(fold.ids)[part["row"]] for fold, part in zip(folds, parts, strict=True)])
    groups = np.concatenate([np.asarray(fold.groups)[part["row"]] for fold, part in zip(folds, parts, strict=True)])
    _, first, place = np.unique(ids, return_index=True, return_inverse=True)
    counts = np.bincount(place)
    found = {}
    for name in parts[0]:
        if name != "row":
            every = np.concatenate([part[name] for part in parts]).astype(float)
            found[name] = np.bincount(place, weights=every) / counts
    return found, groups[first]


def figures(values: dict[str, np.ndarray], groups: np.ndarray | None) -> dict[str, Any]:
    """Return the means with their bootstrap intervals."""
    statistics = {name: (lambda rows, one=one: float(one[rows].mean())) for name, one in values.items()}
    return bootstrap(statistics, len(next(iter(values.values()))), groups=groups)


def show_coverage(name: str, one: Set, folds: list[Fold], how: str) -> tuple[int, int]:
    """Print a set's table; return how many lines have the target in their interval, and how many there are."""
    held = total = 0
    for level in LEVELS:
        made = [
            fit_confidence(fold.targets, fold.rows, fold.settings.model_copy(update={"coverage": level, "sets": how}))
            for fold in folds
        ]
        for subset in folds[0].logits:
            parts = [covered(fold, confidence, subset, how) for fold, confidence in zip(folds, made, strict=True)]
            values, groups = pooled(folds, parts)
            if len(groups) < FEWEST:
                continue
            found = figures(values, groups if one.group else None)
            strict, given = found["strict"], found["given"]
            inside = strict.low <= level <= strict.high
            held, total = held + inside, total + 1
            print(
                f"{name:8s} {how:4s} {level:.2f} {'+'.join(subset) or 'as they are':42s} n {len(groups):5d}  strict "
                f"{strict.value:.3f} [{strict.low:.3f}, {strict.high:.3f}] {'in ' if inside else 'OUT'}  given "
                f"{given.value:.3f} [{given.low:.3f}, {given.high:.3f}]  size {found['size'].value:.2f}",
                flush=True,
            )
    return held, total


def show_calibration(name: str, one: Set, folds: list[Fold]) -> None:
    """Print log-loss, Brier score and calibration error before and after."""
    logits: dict[str, list[np.ndarray]] = {"model": [], "calibrated": []}
    methods = []
    for fold in folds:
        confidence = fit_confidence(fold.targets, fold.rows, fold.settings)
        methods.append(confidence.tasks["label"].method)
        logits["model"].append(fold.logits[()])
        logits["calibrated"].append(confidence.calibrated("label", fold.logits[()], fold.given))
    task = folds[0].targets["label"].task
    truth = np.concatenate([fold.truth for fold in folds])
    groups = np.concatenate([fold.groups for fold in folds]) if one.group else None
    rows = len(folds[0].rows.evidence.rows)
    print(f"{name:8s} calibrated by {sorted(set(methods))}, {folds[0].rows.source}, {rows} rows in the first fold")
    for which, parts in logits.items():
        scores = task.scores(np.concatenate(parts), truth)
        found = bootstrap({key: scores[key] for key in (*CALIBRATION, "accuracy")}, len(truth), groups=groups)
        shown = "  ".join(f"{key} {f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for key, f in found.items())
        print(f"{name:8s} {which:11s} {shown}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    six = real_sets(real)
    sets = six | crossed_set(real)
    parser.add_argument("--only", nargs="+", choices=tuple(sets), default=list(six))
    parser.add_argument("--sets", nargs="+", default=["lac"], help="lac, aps, raps")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    held = total = 0
    for name in arguments.only:
        one = sets[name]
        folds = [fitted(dict(one.application), table, arguments.seed) for table in one.folds()]
        show_calibration(name, one, folds)
        for how in arguments.sets:
            some, every = show_coverage(name, one, folds, how)
            held, total = held + some, total + every
    print(f"target in the interval of the strict coverage: {held} of {total} lines")


if __name__ == "__main__":
    main()
