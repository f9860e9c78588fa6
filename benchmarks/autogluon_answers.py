"""What AutoGluon answers, by the python of its own environment: the half of ``peers_tables.py`` that needs no mmsdk.

    PYTHON benchmarks/autogluon_answers.py FOLDER --preset medium_quality --seconds 300

Reads FOLDER/table.csv, whose column ``part`` says which rows train, validate (``val``) and are asked for (``test``),
learns the column ``label`` of the first two and writes the labels of the asked rows to FOLDER/answers.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import pandas
from autogluon.tabular import TabularPredictor


def main() -> None:
    """Learn and answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--balanced", action="store_true", help="each class weighs the same, as in mmsdk")
    arguments = parser.parse_args()
    table = pandas.read_csv(arguments.folder / "table.csv")
    part = table.pop("part")
    rows = {name: table[part == name].reset_index(drop=True) for name in ("train", "val", "test")}
    wall, cpu = time.perf_counter(), time.process_time()
    predictor = learned(rows, arguments)
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    found = {
        "labels": predictor.predict(rows["test"].drop(columns="label")).astype(str).tolist(),
        "models": int((~predictor.leaderboard()["model"].str.endswith("_FULL")).sum()),
        "best": predictor.model_best,
        **took,
    }
    (arguments.folder / "answers.json").write_text(json.dumps(found), encoding="utf-8")


def learned(rows: dict[str, pandas.DataFrame], arguments: argparse.Namespace) -> TabularPredictor:
    """Return a predictor that has learned from the validation rows too, as mmsdk does by ``training.refit``."""
    weight = "balance_weight" if arguments.balanced else None
    predictor = TabularPredictor(
        label="label",
        eval_metric="balanced_accuracy",
        path=str(arguments.folder / "models"),
        verbosity=1,
        sample_weight=weight,
    )
    limits = {"time_limit": arguments.seconds, "num_cpus": 1, "num_gpus": 0}
    predictor.fit(rows["train"], tuning_data=rows["val"], presets=arguments.preset, **limits)
    predictor.refit_full("best")
    return predictor


if __name__ == "__main__":
    main()
