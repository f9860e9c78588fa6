"""Do explanations of real data explain, and what do they cost?

    MMSDK_REAL=../shared python benchmarks/explain.py [--sets ikea ravdess ...] [--rows 40] [--keep FOLDER]

For each set the application of ``sets.py`` is fitted once (seed 0, first fold) and rows that it was not trained on are
explained. Deletion: what the score falls by without the fifth of the parts (the input, for the shares) that was named
first, and without as many others, taken away in another way than the one that named them (docs/explain.md), paired by
row, with a 95 % bootstrap interval over rows. Random weights: the rank correlation of an explanation with those of
three networks whose weights are shuffled. Then the CPU time of the
Shapley values of a row, from its embeddings, and of a whole explanation with the encoders at work.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from sets import real_sets

import mmsdk
from mmsdk.explain import explained_answer, row_shapley
from mmsdk.explain.shapley import shapley_values


def fitted(name: str, real: Path, folder: Path) -> tuple[mmsdk.App, list[dict]]:
    """Return the run of a set, and the rows that are scored."""
    one = real_sets(real)[name]
    table = next(iter(one.folds()))
    out = folder / name
    if not out.exists():
        mmsdk.fit(dict(one.application), data=table, out=out, seed=0, quiet=True, allow_outside=True).close()
    return mmsdk.load(out, quiet=True, allow_outside=True), [row for row in table if row["part"] == "test"]


def checks(app: mmsdk.App, rows: list[dict], count: int) -> None:
    """Print the checks of a run's explanations."""
    for one in app.explainer.check(rows, most=count):
        ahead, alike = one.ahead, one.randomised
        if ahead is None:
            print(f"  {one.of:12s} {one.method:20s} too few rows had a choice", flush=True)
            continue
        said = "" if alike is None else f"  random weights {alike.value:+.2f} [{alike.low:+.2f}, {alike.high:+.2f}]"
        print(
            f"  {one.of:12s} {one.method:20s} n {ahead.n:3d}  named {one.named:.4f}  random {one.random:.4f}  ahead "
            f"{ahead.value:.4f} [{ahead.low:.4f}, {ahead.high:.4f}]{said}  {'passed' if one.passed else 'FAILED'}",
            flush=True,
        )


def times(app: mmsdk.App, rows: list[dict]) -> None:
    """Print what the Shapley values of a row take, and a whole explanation."""
    task = next(iter(app.tasks))
    samples, _ = app.pipeline.read(rows[:1], partial=True)
    embeddings = app.pipeline.embed(samples)
    answers = app.explainer.answers(task)
    answered = explained_answer(answers, app.answer(embeddings)[0].outputs[task])
    shares, single = [], []
    for _ in range(60):  # interleaved
        started = time.process_time()
        names, _ = row_shapley(answered.score, embeddings.values, embeddings.present)
        between = time.process_time()
        answers(embeddings.values, embeddings.present)
        shares.append(1000 * (between - started))
        single.append(1000 * (time.process_time() - between))
    print(
        f"  Shapley: {len(names)} inputs, {2 ** len(names)} coalitions: {statistics.median(shares):.2f} CPU ms a row;"
        f" one answer {statistics.median(single):.2f} CPU ms",
    )
    for evidence in (False, True):
        taken = []
        for row in rows[1:5]:
            started = time.process_time()
            app.explain(row, evidence=evidence)
            taken.append(time.process_time() - started)
        print(
            f"  a whole explanation {'with' if evidence else 'without'} evidence: {statistics.median(taken):.2f} CPU s"
        )


def counts() -> None:
    """Print what the Shapley values alone take as inputs grow, the network left out."""
    for players in (4, 8, 12):
        table = np.random.default_rng(0).normal(size=2**players)
        started = time.process_time()
        found = shapley_values(lambda masks, table=table: table[masks @ (1 << np.arange(masks.shape[1]))], players)
        kind = "exact" if found.exact else "sampled"
        print(f"  {players} inputs, {kind}: {1000 * (time.process_time() - started):.2f} CPU ms beside the network")


def main() -> None:
    """Print the checks of each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["ikea", "ravdess", "digits", "motion", "covid", "bench"])
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="fit here, and go on from what lies here")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.sets:
            app, rows = fitted(name, real, arguments.keep or Path(folder))
            print(f"{name}: {len(rows)} rows held out")
            times(app, rows)
            checks(app, rows, arguments.rows)
            app.close()
    counts()


if __name__ == "__main__":
    main()
