"""mmsdk beside AutoGluon-Tabular on the category of 2,187 products: the same rows, columns and frozen vectors.

    MMSDK_REAL=../shared python benchmarks/peers_tables.py --peer PYTHON [--only "texts"] [--presets medium_quality]
        [--seconds 300] [--seeds 3] [--keep DIR]

AutoGluon is no dependency: PYTHON is that of an environment of its own, into which went
``pip install "autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3"``. It has one thread and ``--seconds`` to
learn in, is told the metric, and learns from the validation rows too in the end (``refit_full``); ``+balanced`` makes
each class weigh the same, as in mmsdk. It reads texts by its own n-grams; frozen vectors come as columns, those of an
input as their first 128 principal axes by the rows that are learned from. mmsdk has its defaults and
``training.refit``; its figure is the mean over ``--seeds`` of learning. Test rows choose nothing. Brackets are 95 %
bootstrap intervals over rows; ``mmsdk - it`` is the paired difference on the same resamples. With ``--keep`` answers
are kept in a folder, and a run that was broken off goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sets import real_sets

from mmsdk.app.fitting import open_pipeline, prepare_tasks
from mmsdk.app.refitting import gather_material, learn_again
from mmsdk.app.resolving import resolve_application
from mmsdk.data import Policy, resampled
from mmsdk.evaluate.bootstrap import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.app.refitting import Material

    Rows = list[dict[str, Any]]

AXES, RESAMPLES = 128, 1000
TEXTS = ("name", "color", "description")
OURS = "mmsdk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What both get: inputs of mmsdk, and of which of them AutoGluon gets the frozen vectors beside the texts."""

    inputs: Sequence[str]
    vectors: Sequence[str] = ()


GIVEN: Mapping[str, Given] = {
    "texts": Given(inputs=TEXTS),
    "texts + photo": Given(inputs=("photo", *TEXTS), vectors=("photo",)),
}


class Answers:
    """What is answered to the test rows, with what it took, kept on disk as it comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, name: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        """Return the answers of one model, made in a folder of its own unless they are kept."""
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        if not (place / "answers.json").is_file():
            (place / "answers.json").write_text(json.dumps(make(place)), encoding="utf-8")
        return dict(json.loads((place / "answers.json").read_text(encoding="utf-8")))


def learned(application: Mapping[str, Any], material: Material, whole: Any, seed: int) -> dict[str, Any]:
    """Return what mmsdk answers with one seed."""
    wall, cpu = time.perf_counter(), time.process_time()
    split = np.asarray(material.samples.split, dtype=object)
    asked = whole["label"].labelled_rows(split == "test")
    made = resolve_application(application, seed=seed)
    logits = learn_again(material, split, asked=asked, whole=whole, application=made)["label"]
    labels = [str(whole["label"].task.labels[place]) for place in logits.argmax(1)]
    return {"labels": labels, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def principal(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return vectors on the principal axes of the rows that are learned from."""
    mean = values[rows].mean(0)
    axes = np.linalg.svd(values[rows] - mean, full_matrices=False)[2][:AXES]
    return (values - mean) @ axes.T


def write_table(path: Path, table: Rows, vectors: Mapping[str, np.ndarray]) -> None:
    """Write what AutoGluon gets: texts, vectors, the label and the part."""
    rows = np.array([row["part"] != "test" for row in table])
    named = {
        f"{name}_{number}": column
        for name, values in vectors.items()
        for number, column in enumerate(principal(np.asarray(values, np.float32), rows).T)
    }
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*TEXTS, *named, "label", "part"])
        for place, row in enumerate(table):
            numbers = [f"{column[place]:.5g}" for column in named.values()]
            writer.writerow([*(row[one] for one in TEXTS), *numbers, row["label"], row["part"]])


def peer(python: Path, folder: Path, preset: str, seconds: float) -> dict[str, Any]:
    """Return what AutoGluon answers to the table of a folder."""
    name, _, balanced = preset.partition("+")
    script = Path(__file__).with_name("autogluon_answers.py")
    words = [str(python), "-W", "ignore", str(script), str(folder), "--preset", name, "--seconds", str(seconds)]
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        words + ["--balanced"] * bool(balanced), check=False, capture_output=True, text=True, env=clean
    )
    if done.returncode:
        sys.exit(f"AutoGluon failed: {done.stderr[-2000:]}")
    return dict(json.loads((folder / "answers.json").read_text(encoding="utf-8")))


def scored(name: str, real: Path, words: argparse.Namespace) -> None:
    """Print what one choice of inputs gives."""
    one, given, answers = real_sets(real)["ikea"], GIVEN[name], Answers(words.keep / name.replace(" ", "_"))
    (table,) = one.folds()
    application = dict(one.application) | {"inputs": {key: one.application["inputs"][key] for key in given.inputs}}
    with contextlib.ExitStack() as stack:
        resolved = resolve_application(application)
        pipeline = open_pipeline(resolved, "cpu", Policy(allow_outside=True), quiet=True)
        stack.callback(pipeline.close)
        samples, _ = pipeline.read(table, partial=False)
        begun = time.process_time()
        material = gather_material(pipeline, samples)
        encoding = time.process_time() - begun
        whole = prepare_tasks(resolved, samples, pipeline.policy)[0]
        own = [
            answers.of(f"{OURS}-{seed}", lambda _, seed=seed: learned(application, material, whole, seed))
            for seed in range(words.seeds)
        ]
        vectors = {key: material.frozen.values[key] for key in given.vectors}
    found = {OURS: own}
    for preset in words.presets:

        def asked(folder: Path, preset: str = preset) -> dict[str, Any]:
            write_table(folder / "table.csv", table, vectors)
            return peer(words.peer, folder, preset, words.seconds)

        found[f"AutoGluon, {preset}"] = [answers.of(preset, asked)]
    print(f"\n{name}; reading and encoding took {encoding:.0f} s of CPU")
    show(found, np.array([row["label"] for row in table if row["part"] == "test"]))


def balanced_accuracy(answer: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean recall of the classes that occur."""
    right = answer == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def show(found: Mapping[str, list[dict[str, Any]]], truth: np.ndarray) -> None:
    """Print a table."""
    draws = [np.arange(len(truth)), *resampled(len(truth), resamples=RESAMPLES)]
    drawn = {}
    for key, rows in found.items():
        labels = [np.array(row["labels"]) for row in rows]
        drawn[key] = np.array([np.mean([balanced_accuracy(row[one], truth[one]) for row in labels]) for one in draws])

    def bounded(values: np.ndarray, sign: str = "") -> str:
        one = interval(values[0], values[1:], len(truth))
        return f"{one.value:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"

    for key, values in drawn.items():
        gain = "" if key == OURS else f"  mmsdk - it {bounded(drawn[OURS] - values, '+')}"
        cpu, wall = (np.mean([row[one] for row in found[key]]) for one in ("cpu", "wall"))
        models = f"; {found[key][0]['models']} models, best {found[key][0]['best']}" if key != OURS else ""
        print(f"  {key:34} {bounded(values)}{gain}  {cpu:.0f} s of CPU, {wall:.0f} s{models}", flush=True)


def main() -> int:
    """Print the tables; 2 where AutoGluon is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, default=Path("autogluon/bin/python"), help="of AutoGluon's environment")
    parser.add_argument("--only", nargs="+", choices=list(GIVEN), default=list(GIVEN), help="these inputs alone")
    parser.add_argument("--presets", nargs="*", default=["medium_quality", "medium_quality+balanced"])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="what it answers is kept here, and not asked for again")
    words = parser.parse_args()
    real = os.environ.get("MMSDK_REAL")
    if not real:
        sys.exit("skipped: MMSDK_REAL names no folder of real data")
    if not words.peer.is_file():
        print(
            f"AutoGluon is not there ({words.peer}); python -m venv DIR, DIR/bin/pip install "
            '"autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3", and name it by --peer DIR/bin/python'
        )
        return 2
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        words.keep = words.keep or Path(folder)
        for name in words.only:
            scored(name, Path(real).resolve(), words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
