"""Whether the evaluation can be trusted: planted wrong labels, a promise of more rows kept or not, and what it costs.

    python benchmarks/evaluation.py [--rows 1200] [--seeds 4]

Made-up rows of two inputs, five overlapping classes, a tenth of the rows without the second input.

* *wrong labels*: 8 % of the labels are moved to another class; what ``evaluation.label_noise`` lists, against as many
  rows drawn at random.
* *more rows*: ``evaluation.learning_curve`` on part of the rows says what half as many again would bring; then they are
  given, and both runs are scored on the same 1,500 rows.
* *cost*: CPU seconds that slices and the readings of time and memory take inside a default ``mmsdk.fit``; and of five
  folds beside one fit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import mmsdk
from mmsdk.app import efficiency, studies
from mmsdk.progress import configure

CLASSES, DIM, NOISE = 5, 16, 0.08


def table(rows: int, seed: int, *, wrong: float = 0.0, first: int = 0) -> tuple[list[dict], set[str]]:
    """Return rows and the ids of those whose label was moved; the classes are the same for every seed."""
    means = np.random.default_rng(7).normal(size=(2, CLASSES, DIM))
    random = np.random.default_rng(seed)
    kinds = random.integers(0, CLASSES, rows)
    moved = random.random(rows) < wrong
    labels = np.where(moved, (kinds + random.integers(1, CLASSES, rows)) % CLASSES, kinds)
    found = []
    for row in range(rows):
        a, b = (0.55 * means[i, kinds[row]] + random.normal(size=DIM) for i in (0, 1))
        found.append(
            {
                "id": f"r{first + row}",
                "a": a.round(4).tolist(),
                "b": None if random.random() < 0.1 else b.round(4).tolist(),
                "kind": f"k{labels[row]}",
            }
        )
    return found, {found[row]["id"] for row in np.flatnonzero(moved)}


def application(**evaluation: object) -> dict:
    """Return the application, all else by default."""
    return {
        "id": "id",
        "inputs": {name: {"column": name, "modality": "vector"} for name in "ab"},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "evaluation": evaluation,
    }


def fitted(app: dict, rows: list[dict], **words: object) -> tuple[mmsdk.App, dict]:
    """Return a run and its metrics."""
    made = mmsdk.fit(app, rows, Path(tempfile.mkdtemp()) / "run", device="cpu", quiet=True, **words)
    return made, json.loads((made.folder / "metrics.json").read_text(encoding="utf-8"))


def wrong_labels(rows: int, seeds: int) -> None:
    """Print how many planted wrong labels are found."""
    print(f"wrong labels: {NOISE:.0%} of {rows} planted, {seeds} seeds")
    found = []
    for seed in range(seeds):
        data, planted = table(rows, seed, wrong=NOISE)
        app, metrics = fitted(application(label_noise=True), data)
        app.close()
        listed = [one["id"] for one in metrics["kind"]["label_noise"]["rows"]]
        hits = [name in planted for name in listed]
        found.append((len(listed), np.mean(hits), sum(hits) / len(planted), np.mean(hits[:30]), len(listed) / rows))
    count, precision, recall, surest, chance = np.mean(found, axis=0)
    print(f"  listed {count:.0f}: precision {precision:.2f} (at random {NOISE:.2f}), recall {recall:.2f} (at random "
          f"{chance:.2f}), precision of the surest 30 {surest:.2f}")  # fmt: skip


def more_rows(rows: int, seeds: int) -> None:
    """Print what was promised and what came."""
    judge, _ = table(1500, 10_001, first=1_000_000)
    print(f"more rows: balanced accuracy in points, {rows} rows and half as many again, scored on 1,500 others")
    kept = 0
    for seed in range(seeds):
        data, _ = table(rows + rows // 2, seed)
        for row in data[:rows]:
            row["part"] = "train"
        for row in data[rows:]:
            row["part"] = ""
        draw = np.random.default_rng(seed).permutation(rows)
        for place in draw[: rows // 10]:
            data[place]["part"] = "val"
        scored = [{**row, "part": "test"} for row in judge]
        split = {"split": {"column": "part"}}
        one, metrics = fitted({**application(learning_curve=True), **split}, [*data[:rows], *scored])
        one.close()
        curve = metrics["kind"]["learning_curve"]
        more = curve["more"]
        for row in data[rows : rows + more]:
            row["part"] = "train"
        two, after = fitted({**application(), **split}, [*data[: rows + more], *scored])
        two.close()
        value = [100 * run["kind"]["test"]["balanced_accuracy"]["value"] for run in (metrics, after)]
        low, middle, high = (100 * curve["gain"][key] for key in ("low", "value", "high"))
        came = value[1] - value[0]
        kept += low <= came <= high
        print(f"  seed {seed}: {more} more rows, promised {middle:+.1f} [{low:+.1f}, {high:+.1f}], came {came:+.1f}")
    print(f"  inside the interval: {kept} of {seeds}")


@contextlib.contextmanager
def counted(owner: object, name: str, spent: dict[str, float]):
    """Count the CPU seconds of a function while the block runs."""
    real = getattr(owner, name)

    def wrapped(*words, **more):
        start = time.process_time()
        try:
            return real(*words, **more)
        finally:
            spent[name] = spent.get(name, 0.0) + time.process_time() - start

    setattr(owner, name, wrapped)
    try:
        yield
    finally:
        setattr(owner, name, real)


def cost(rows: int, runs: int) -> None:
    """Print what the evaluation adds to a default fit, and what folds cost."""
    data, _ = table(rows, 0)
    shares, folds = [], []
    for _ in range(runs):
        spent: dict[str, float] = {}
        with counted(studies, "add_studies", spent), counted(efficiency.Meter, "document", spent):
            start = time.process_time()
            app, _ = fitted(application(), data)
            whole = time.process_time() - start
        app.close()
        shares.append(sum(spent.values()) / (whole - sum(spent.values())))
        start = time.process_time()
        mmsdk.cross_validate(application(), data, folds=5, device="cpu", quiet=True)
        folds.append((time.process_time() - start) / whole)
    print(f"cost: {rows} rows, CPU seconds, medians of {runs}")
    print(f"  slices and readings over a default fit without them: {statistics.median(shares):+.1%}")
    print(f"  five folds over one fit: {statistics.median(folds):.2f} x")


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=4)
    arguments = parser.parse_args()
    configure(quiet=True)
    cost(arguments.rows, min(arguments.seeds, 3))
    wrong_labels(arguments.rows, arguments.seeds)
    more_rows(arguments.rows // 3, arguments.seeds)


if __name__ == "__main__":
    main()
