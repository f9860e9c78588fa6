"""Joint training on real data: each way of weighing classes, rows and terms against the default, fold by fold.

    MMSDK_REAL=... python benchmarks/joint.py [--sets ikea ravdess] [--seeds 1]

Grouped folds over the training and validation rows alone (product lines of ``ikea``, actors of ``ravdess``); test rows
are never read. Printed are the default's figure, and for each setting the mean difference over folds and seeds with the
standard error of these paired differences.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sets import _by_group, real_sets

from mmsdk.app.draft import Draft
from mmsdk.app.fitting import learn, open_pipeline, prepare, prepare_tasks
from mmsdk.config import load_application
from mmsdk.data import Policy
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "imbalance: none": {"imbalance": "none"},
    "imbalance: focal": {"imbalance": "focal"},
    "imbalance: logit_adjustment": {"imbalance": "logit_adjustment"},
    "mixup: 0.2": {"mixup": 0.2},
    "mixup: 1": {"mixup": 1.0},
    "unimodal: 0.3": {"unimodal": 0.3},
    "unimodal: 0.3, uncertainty": {"unimodal": 0.3, "balance": "uncertainty"},
    "unimodal: 0.3, gradnorm": {"unimodal": 0.3, "balance": "gradnorm"},
    "unimodal: 0.3, pcgrad": {"unimodal": 0.3, "balance": "pcgrad"},
}
FOLDS = {"ikea": 3, "ravdess": 6}


def tables(real: Path, name: str) -> Iterator[list[dict[str, Any]]]:
    """Yield a table for each fold."""
    one = real_sets(real)[name]
    if name != "ikea":
        yield from one.folds()
        return
    rows = [row for row in next(iter(one.folds())) if row["part"] != "test"]
    yield from _by_group(rows, "group", FOLDS[name], seed=0)


def scores(
    real: Path, name: str, table: list[dict[str, Any]], settings: list[str], seeds: int
) -> dict[str, list[tuple[float, float]]]:
    """Return accuracy and balanced accuracy of every setting, a pair a seed; embeddings are made once."""
    base = {**real_sets(real)[name].application, "training": {"refit": False}}
    pipeline = open_pipeline(load_application(base), "cpu", Policy(), quiet=True)
    draft = prepare(pipeline, table)
    found: dict[str, list[tuple[float, float]]] = {}
    for setting in settings:
        for seed in range(seeds):
            training = {"refit": False, "seed": seed, **SETTINGS[setting]}
            application = load_application({**base, "training": training})
            pipeline.application = application
            targets, _ = prepare_tasks(application, draft.samples, pipeline.policy)
            again = Draft(
                application=application,
                pipeline=pipeline,
                samples=draft.samples,
                embeddings=draft.embeddings,
                targets=targets,
            )
            with tempfile.TemporaryDirectory() as folder:
                learn(again, Path(folder))
            target = next(iter(targets.values()))
            rows = target.labelled_rows(draft.samples.split == "test")
            assert pipeline.net is not None
            _, logits = infer(pipeline.net, draft.embeddings.values, draft.embeddings.present, rows=rows)
            worth = target.task.scores(next(iter(logits.values())), target.values[rows])
            every = np.arange(len(rows))
            pair = worth["accuracy"](every), worth["balanced_accuracy"](every)
            found.setdefault(setting, []).append(pair)
            print(f"{name} {setting} seed {seed}: {pair[0]:.3f} {pair[1]:.3f}", file=sys.stderr, flush=True)
    pipeline.close()
    return found


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(FOLDS), choices=list(FOLDS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folds", type=int, default=6, help="so many folds at most")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    real = Path(os.environ["MMSDK_REAL"])
    for name in arguments.sets:
        found: dict[str, list[tuple[float, float]]] = {}
        wanted = ["default", *(one for one in arguments.settings if one != "default")]
        for table in itertools.islice(tables(real, name), arguments.folds):
            for setting, pairs in scores(real, name, table, wanted, arguments.seeds).items():
                found.setdefault(setting, []).extend(pairs)
        base = np.array(found["default"])
        middle = base.mean(0)
        print(f"{name}: default accuracy {middle[0]:.3f}, balanced {middle[1]:.3f} ({len(base)} folds x seeds)")
        for setting, pairs in found.items():
            if setting != "default":
                gaps = np.array(pairs) - base
                error = gaps.std(0, ddof=1) / np.sqrt(len(gaps))
                words = [f"{gap:+.3f} ({width:.3f})" for gap, width in zip(gaps.mean(0), error, strict=True)]
                print(f"  {setting:30s} accuracy {words[0]}   balanced {words[1]}", flush=True)


if __name__ == "__main__":
    main()
