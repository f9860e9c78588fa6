"""The "is multimodal worth it?" table on vectors that are there: seconds, and the ratio to scikit-learn doing the same.

    python benchmarks/worth.py [--rows 10000] [--dims 384 1280 768 512 64] [--classes 13]

Random vectors, five inputs, one classification: each alone, all together, each left out, five folds, a penalty chosen
in each fold, 500 resamples. The aim is 60 s on two cores. Beside it, in the same process, what most people would run
for the same eleven subsets: scikit-learn's RidgeClassifier in cross_val_predict, timed on "all together" and on one
input alone, and summed up for the table. Ratios are of CPU seconds, which a busy machine does not stretch.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from mmsdk.app.worth import _task_worth
from mmsdk.data import fold_rows
from mmsdk.evaluate.worth import PENALTIES, asked_subsets, make_features, out_of_fold
from mmsdk.model import Target
from mmsdk.tasks import Classification


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 1280, 768, 512, 64])
    parser.add_argument("--classes", type=int, default=13)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    kind = random.integers(0, given.classes, given.rows)
    vectors = {
        f"in{place}": (
            0.1 * random.normal(size=(given.classes, dim))[kind] + random.normal(size=(given.rows, dim))
        ).astype(np.float32)
        for place, dim in enumerate(given.dims)
    }
    present = {name: random.random(given.rows) < 0.9 for name in vectors}
    task = Classification()
    task.prepare([f"k{one}" for one in kind])
    target = Target(task=task, values=kind, labelled=np.ones(given.rows, bool))
    rows = np.arange(given.rows)
    with threadpool_limits(given.threads):
        started, busy = time.perf_counter(), time.process_time()
        folds = fold_rows([str(row) for row in rows], folds=5, labels=[f"k{one}" for one in kind])
        features = make_features(vectors, present, rows)
        logits = out_of_fold(target, features, rows, folds, asked_subsets(list(features)))
        found = _task_worth(target, rows, logits, None, {})
        ours, cpu = time.perf_counter() - started, time.process_time() - busy
        print(
            f"the table, {len(vectors)} inputs x {given.rows:,} rows, {given.threads} threads: {ours:.1f} s, "
            f"{cpu:.1f} CPU s (aim 60 s)",
            flush=True,
        )
        print(f"together {found.together.value:.3f}, alone {[round(one.value, 3) for one in found.alone.values()]}")
        whole = _sklearn(np.hstack([np.where(present[n][:, None], v, 0) for n, v in vectors.items()]), kind)
        single = _sklearn(next(iter(vectors.values())), kind)
    several = len(PENALTIES)
    theirs = several * (whole * (1 + len(vectors)) + single * len(vectors))
    print(f"scikit-learn, one penalty: together {whole:.1f} CPU s, the first input {single:.1f}")
    print(f"the same table that way, {several} penalties: about {theirs:.0f} CPU s; ratio {theirs / cpu:.1f}")


def _sklearn(wide: np.ndarray, kind: np.ndarray) -> float:
    """Return the CPU seconds of cross-validated answers with one penalty."""
    started = time.process_time()
    model = RidgeClassifier(alpha=100.0, class_weight="balanced")
    cross_val_predict(model, wide, kind, cv=StratifiedKFold(5))
    return time.process_time() - started


if __name__ == "__main__":
    main()
