"""The emotion recipe: action units + sound by actors nobody saw, what both gain over the better one, and its speed.

    MMSDK_REAL=../shared python benchmarks/emotion.py [--only accuracy|within|speed] [--keep FILE]

**accuracy**: the 1,080 clips of ``ravdess_av_emotion`` that are not held back, ``GroupKFold(6)`` by actor: each clip is
answered once, by what saw no clip of its actor. Every choice is made inside the 900 clips left for training, by three
folds of their actors: the settings of VARIANTS, each alone, and the mean of the log-probabilities of all of them
(``mean``). Which of these answers is the one of the highest accuracy on these inner folds; the outer fold is looked at
once, by what was chosen. ``one run`` is one fitted application, of whose training actors every sixth validates;
``committee`` is the mean of three such runs that other actors validate (of each setting, for ``mean``). Faces alone and
sound alone are chosen and learned in the same way. Intervals draw whole actors; the gain is that over the same clips,
paired, of whichever modality alone is better.

**within** is told apart, since it is another question: vectors are taken relative to the other clips of the same actor
that are scored with it (``within: actor``). Labels are not looked at, but a person's clips are needed together, and
here each actor plays each emotion equally often.

**speed**: a video of 640 x 360 pixels, 25 frames a second and ten seconds, with two faces and a voice, through
``mmsdk emotion``: seconds of video a second of work.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from prepare import folds, ravdess

import mmsdk

FOLDS, INNER, RESAMPLES = 6, 3, 2000
DRAWS, JUDGES = 3, 6  # of the actors left to learn from every sixth validates; which ones is drawn three times
GIVEN = {"face + sound": ("face", "sound"), "face": ("face",), "sound": ("sound",)}
INPUTS: dict[str, dict[str, Any]] = {
    "face": {"column": "face", "modality": "vector", "encoder": "quantiles"},
    "sound": {"column": "sound", "modality": "vector", "encoder": "series", "options": {"padding": 0}},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "gated": {},
    "adjusted": {"training.imbalance": "logit_adjustment"},
    "concat": {"fusion.type": "concat", "training.imbalance": "logit_adjustment"},
    "blend": {"head.type": "blend", "training.imbalance": "logit_adjustment"},
}
ALONE = ("gated", "blend")  # of one input fusions differ little
MEAN, WITHIN = "mean", "face + sound, within actor"
KINDS = ("one run", "committee")
LABELS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
Rows = list[dict[str, Any]]


def application(given: tuple[str, ...], *, within: bool = False) -> dict[str, Any]:
    """Return the application of some inputs."""
    relative = {"within": "actor"} if within else {}
    return {
        "id": "id",
        "inputs": {name: {**INPUTS[name], **relative} for name in given},
        "tasks": {"emotion": {"column": "emotion", "type": "classification"}},
        "split": {"group": "actor"},
        "confidence": {"calibration": "none", "sets": "none", "novelty": False, "source": "validation"},
    }


def inner_scores(rows: Rows, given: tuple[str, ...]) -> dict[str, float]:
    """Return variant -> accuracy over rows that a fold did not learn from."""
    answers: dict[str, np.ndarray] = {}
    labels: list[str] = []
    for name, changes in tried(given).items():
        found = mmsdk.cross_validate(application(given), rows, folds=INNER, overrides=changes, quiet=True, resamples=10)
        answers[name] = log_softmax(found.logits["emotion"][0])
        labels = list(found.targets["emotion"].task.state()["labels"])
    answers[MEAN] = np.mean([answers[name] for name in tried(given)], axis=0)
    truth = np.array([labels.index(row["emotion"]) for row in rows])
    return {name: float((one.argmax(1) == truth).mean()) for name, one in answers.items()}


def tried(given: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the settings that are tried."""
    return VARIANTS if len(given) > 1 else {name: VARIANTS[name] for name in ALONE}


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def outer_answers(
    learned: Rows, asked: Rows, given: tuple[str, ...], changes: dict[str, Any], *, within: bool = False
) -> list[np.ndarray]:
    """Return log-probabilities of the asked rows ``(n, classes)``, one of each draw of the actors that validate."""
    actors = sorted({row["actor"] for row in learned})
    found = []
    for draw in range(DRAWS):
        judges = set(actors[draw::JUDGES])
        table = [{**row, "part": "val" if row["actor"] in judges else "train"} for row in learned]
        plan = application(given, within=within) | {"split": {"column": "part", "group": "actor"}}
        with tempfile.TemporaryDirectory() as folder:
            app = mmsdk.fit(plan, table, Path(folder) / "run", overrides=changes, seed=draw, quiet=True)
            answers = app.predict([{key: row[key] for key in (*given, "actor")} for row in asked])
            app.close()
        shares = [[one.outputs["emotion"].probabilities[label] for label in LABELS] for one in answers]
        found.append(np.log(np.maximum(shares, 1e-9)))
    return found


def one_fold(rows: Rows, held: np.ndarray, name: str) -> dict[str, Any]:
    """Choose inside the training rows, then answer the fold; return what was chosen and which answers are right."""
    learned = [row for row, out in zip(rows, held, strict=True) if not out]
    asked = [row for row, out in zip(rows, held, strict=True) if out]
    truth = np.array([LABELS.index(row["emotion"]) for row in asked])
    if name == WITHIN:
        answers = {"adjusted": outer_answers(learned, asked, GIVEN["face + sound"], VARIANTS["adjusted"], within=True)}
        scores, chosen = {}, "adjusted"
    else:
        scores = inner_scores(learned, GIVEN[name])
        chosen = max(scores, key=lambda one: scores[one])
        members = list(tried(GIVEN[name])) if chosen == MEAN else [chosen]
        answers = {one: outer_answers(learned, asked, GIVEN[name], VARIANTS[one]) for one in members}
    alone = max(answers, key=lambda one: scores.get(one, 0.0))
    mean = np.mean([draw for draws in answers.values() for draw in draws], axis=0)
    return {
        "scores": scores,
        "chosen": chosen,
        "one run": (answers[alone][0].argmax(1) == truth).tolist(),
        "committee": (mean.argmax(1) == truth).tolist(),
    }


def measured(rows: Rows, name: str, keep: Path) -> dict[str, np.ndarray]:
    """Return which clips are answered rightly, by ``one run`` and by ``committee``; folds that are done are kept."""
    known: dict[str, Any] = json.loads(keep.read_text("utf-8")) if keep.is_file() else {}
    right = {kind: np.zeros(len(rows), bool) for kind in KINDS}
    for number, held in enumerate(folds([row["actor"] for row in rows], FOLDS)):
        key = f"{name} {number}"
        if key not in known:
            known[key] = one_fold(rows, held, name)
            keep.write_text(json.dumps(known), encoding="utf-8")
            print(f"  {key}: {known[key]['scores']} -> {known[key]['chosen']}", flush=True)
        for kind in KINDS:
            right[kind][np.flatnonzero(held)] = known[key][kind]
    return right


def interval(values: np.ndarray, actors: list[str]) -> tuple[float, float, float]:
    """Return the mean and its 95 % percentile interval, whole actors drawn."""
    random = np.random.default_rng(0)
    names = np.unique(actors)
    each = np.array([values[np.asarray(actors) == name].mean() for name in names])
    drawn = each[random.integers(0, len(names), (RESAMPLES, len(names)))].mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def accuracy(real: Path, keep: Path, names: list[str]) -> None:
    """Print accuracies and the gain."""
    rows = ravdess(real)
    actors = [row["actor"] for row in rows]
    print(f"accuracy, {len(rows)} clips of {len(set(actors))} actors, GroupKFold({FOLDS}) by actor, all choices nested")
    right = {name: measured(rows, name, keep) for name in names}
    for name, found in right.items():
        for kind in KINDS:
            value, low, high = interval(found[kind].astype(float), actors)
            print(f"{name:28s} {kind:10s} {value:.3f}  [{low:.3f}, {high:.3f}]", flush=True)
    if set(GIVEN) <= set(right):
        for kind in KINDS:
            best = max(("face", "sound"), key=lambda one: right[one][kind].mean())
            gain = right["face + sound"][kind].astype(float) - right[best][kind].astype(float)
            value, low, high = interval(gain, actors)
            print(f"gain over {best} alone, {kind}: {value:+.3f}  [{low:+.3f}, {high:+.3f}]", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("accuracy", "within", "speed"))
    parser.add_argument("--given", choices=tuple(GIVEN), help="of the accuracies this one alone")
    parser.add_argument("--keep", type=Path, help="JSON file of the folds that are done, to go on from")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder) / "folds.json"
        if arguments.only in (None, "accuracy"):
            accuracy(real, keep, [arguments.given] if arguments.given else list(GIVEN))
        if arguments.only in (None, "within"):
            accuracy(real, keep, [WITHIN])


if __name__ == "__main__":
    main()
