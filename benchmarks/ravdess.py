"""Eight emotions from facial action units and sound, by actors that training never saw.

    MMSDK_REAL=../shared python benchmarks/ravdess.py [--seeds 3] [--only bare]

Accuracy over the 1,080 clips of ``ravdess_av_emotion`` that are not held back, ``GroupKFold(6)`` by actor: each clip is
answered once by a model that saw no clip of its actor. Of the actors left for training two validate (they choose the
epoch) and learn in the refit. Sound is ``mfcc_mean``, a track of 259 numbers; faces are 35 action units. Ids hold the
label and are no input.

``bare`` takes the vectors as they are, scaled (the encoder ``standard``). ``plain`` takes faces in quantile bins
(``quantiles``) and the track as a course in time (``series``; short clips are filled up with zeros). Both answer each
clip by itself. ``within`` is ``plain``, and takes the vectors of a clip relative to the other clips of the same actor
that are scored with it: labels are not looked at, but it needs a person's clips together, and here each actor plays
each emotion equally often, which flatters it. The interval is a bootstrap over actors.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from prepare import folds, ravdess

import mmsdk

FOLDS = 6
ENCODERS = {
    "face": {"encoder": "quantiles"},
    "sound": {"encoder": "series", "options": {"padding": 0}},
}
KINDS = {
    "bare": {"face": {}, "sound": {}},
    "plain": ENCODERS,
    "within": {name: {**one, "within": "actor"} for name, one in ENCODERS.items()},
}
GIVEN = {"face + sound": ("face", "sound"), "face": ("face",), "sound": ("sound",)}


def application(kind: str) -> dict:
    """Return the application."""
    inputs = {name: {"column": name, "modality": "vector", **how} for name, how in KINDS[kind].items()}
    return {
        "id": "id",
        "inputs": inputs,
        "tasks": {"emotion": {"column": "emotion", "type": "classification"}},
        "split": {"column": "part"},
        "training": {"refit": True},
    }


def answered(rows: list[dict], kind: str, seed: int) -> dict[str, np.ndarray]:
    """Return which clips are answered rightly, by what was given."""
    found = {name: np.zeros(len(rows), bool) for name in GIVEN}
    actors = [row["actor"] for row in rows]
    for number, held in enumerate(folds(actors, FOLDS)):
        learned = sorted({actor for actor, out in zip(actors, held, strict=True) if not out})
        judges = {learned[(number + seed) % len(learned)], learned[(number + seed + 7) % len(learned)]}
        table = [
            {**row, "part": "test" if out else "val" if row["actor"] in judges else "train"}
            for row, out in zip(rows, held, strict=True)
        ]
        asked = [row for row in table if row["part"] == "test"]
        with tempfile.TemporaryDirectory() as folder:
            app = mmsdk.fit(application(kind), table, Path(folder) / "run", seed=seed, quiet=True)
            for name, given in GIVEN.items():
                answers = app.predict([{key: row[key] for key in (*given, "actor")} for row in asked])
                right = [
                    one.outputs["emotion"].value == row["emotion"] for one, row in zip(answers, asked, strict=True)
                ]
                found[name][np.flatnonzero(held)] = right
            app.close()
    return found


def interval(right: np.ndarray, actors: list[str], resamples: int = 1000) -> tuple[float, float]:
    """Return the 95 % percentile interval of the accuracy, whole actors drawn."""
    random = np.random.default_rng(0)
    names = np.unique(actors)
    each = [right[np.asarray(actors) == name].mean(0) for name in names]
    drawn = [np.mean([each[one] for one in random.integers(0, len(names), len(names))]) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=tuple(KINDS))
    arguments = parser.parse_args()
    rows = ravdess(Path(os.environ["MMSDK_REAL"]).resolve())
    actors = [row["actor"] for row in rows]
    print(f"accuracy, {len(rows)} clips of {len(set(actors))} actors, GroupKFold({FOLDS}) by actor, mean over seeds")
    for kind in KINDS:
        if arguments.only not in (None, kind):
            continue
        runs = [answered(rows, kind, seed) for seed in range(arguments.seeds)]
        for name in GIVEN:
            right = np.stack([run[name] for run in runs], axis=1).astype(float)
            low, high = interval(right, actors)
            each = ", ".join(f"{one:.3f}" for one in right.mean(0))
            print(f"{kind}: {name:14s} {right.mean():.3f}  [{low:.3f}, {high:.3f}]  seeds {each}", flush=True)


if __name__ == "__main__":
    main()
