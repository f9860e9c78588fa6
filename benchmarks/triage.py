"""The triage recipe on real cases: will this patient need intensive care, from a chest picture and the record?

    MMSDK_REAL=../shared python benchmarks/triage.py [--folds 6] [--repeats 3]

covid_cxr_record is small (about 160 pictures with this label, of some 66 patients) and confounded (pictures from
publications), so that every figure has an interval over patients, and none says anything about another hospital. Rows
of its own ``test`` are held back and never read. The raw notes tell the outcome: only the notes with disease and
outcome words masked are read; ``label_*``, ``finding``, ``licence`` and ``source_url`` never get into the table.

1. *Fusion beside each input alone*: the recipe's application, its settings untouched (``head: stacked``), and the same
   with one input; repeated cross-validation, patients whole. ``ahead`` is the paired difference to the best input alone
   (chosen on these folds, which flatters it), 95 % bootstrap over patients. ``linear`` and ``gated`` for comparison.
2. *Risk and coverage*: error of the surest half of the out-of-fold answers less the error of all.
3. *Promises*: each fold of one repeat fitted as the recipe fits it; the share of held-out rows whose set holds the
   truth (asked: 0.9), and the error of the answers given at a risk of 0.25 beside the share declined.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from mmsdk_recipe_triage.recipe import Triage
from prepare import covid
from sets import RECORD

import mmsdk
import mmsdk.app.fitting
from mmsdk.data import fold_rows
from mmsdk.evaluate.bootstrap import bootstrap, paired

SETTINGS = {"target": "label_icu", "order": ["N", "Y"], "group": "patient", "id": "case", "risk": 0.25, "floor": "none"}
OTHERS = {"linear head": "linear", "plain gated": "plain"}


def cases(real: Path) -> list[dict[str, str]]:
    """Return the labelled rows that are not held back, without anything that tells the outcome."""
    return [
        {
            "case": row["sample_id"],
            "image": row["image"],
            "notes": row["text_masked_outcome"],
            **{name: row[name] for name in (*RECORD, "sex", "view")},
            "patient": row["group"],
            "label_icu": row["label_icu"],
        }
        for row in covid(real)
    ]


def application(real: Path, rows: list[dict[str, str]], folder: Path) -> dict:
    """Return what the recipe makes of the table, with the image encoder of the folder of models."""
    import csv

    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    made = dict(Triage().application(folder / "cases.csv", SETTINGS))
    made["inputs"]["image"]["encoder"] = f"transformers:{real / 'models' / 'mobilenet-v2-1.0-224-tf2'}"
    return made


def compare(app: dict, folds: int, repeats: int, names: list[str]) -> dict[str, np.ndarray]:
    """Print balanced accuracy of the fusion and of each input alone; return the answers of the fusion."""
    plain = {**app, "evaluation": {}, "confidence": {"calibration": "none"}}  # labels are scored, not chances
    variants = {"recipe": plain}
    variants |= {f"only {name}": {**plain, "inputs": {name: one}} for name, one in app["inputs"].items()}
    variants |= {name: {**plain, "head": {"type": kind}} for name, kind in OTHERS.items()}
    for one in variants.values():
        if one["head"]["type"] != "plain":
            one["training"] = {"epochs": 1}  # these heads read the vectors themselves: the network decides nothing
    answers = {}
    for name, one in variants.items():
        if names and name not in names:
            continue
        answers[name] = mmsdk.cross_validate(one, folds=folds, repeats=repeats, allow_outside=True, quiet=True)
        print(f"  {name:14s} {_shown(answers[name])}", flush=True)
    best = max((one for one in answers if one.startswith("only")), key=lambda one: _metric(answers[one]))
    for name in (one for one in ("recipe", *OTHERS) if one in answers):
        ahead = _ahead(answers[name], answers[best])
        print(f"  {name} ahead of {best}: {ahead.value:+.3f} [{ahead.low:+.3f}, {ahead.high:+.3f}]", flush=True)
    return _kept(answers["recipe"])


def _metric(found) -> float:
    return found.metrics["urgency"]["pooled"]["balanced_accuracy"]["value"]


def _shown(found) -> str:
    pooled = found.metrics["urgency"]["pooled"]
    return "  ".join(
        f"{name} {pooled[name]['value']:.3f} [{pooled[name]['low']:.3f}, {pooled[name]['high']:.3f}]"
        for name in ("balanced_accuracy", "auc")
        if name in pooled
    )


def _kept(found) -> dict[str, np.ndarray]:
    rows = np.flatnonzero(found.fold[0] >= 0)
    return {
        "logits": found.logits["urgency"][:, rows],
        "truth": found.targets["urgency"].values[rows],
        "groups": found.groups[rows],
    }


def balanced(right: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def _ahead(one, other):
    """Return the paired difference of balanced accuracy, mean over repeats, over patients."""
    first, second = _kept(one), _kept(other)
    truth = first["truth"]

    def score(kept):
        right = kept["logits"].argmax(2) == truth
        return lambda rows: float(np.mean([balanced(each[rows], truth[rows]) for each in right]))

    return paired(score(first), score(second), len(truth), groups=first["groups"], seed=0, resamples=1000)


def risk_falls(kept: dict[str, np.ndarray]) -> None:
    """Print the error of the surest shares, and that of the surest half less that of all."""
    logits, truth = kept["logits"], kept["truth"]
    sure = np.abs(logits[:, :, 1] - logits[:, :, 0])
    wrong = (logits.argmax(2) != truth).astype(float)

    def error(share):
        def of(rows):
            found = []
            for one, how_sure in zip(wrong, sure, strict=True):
                order = rows[np.argsort(-how_sure[rows], kind="stable")]
                found.append(one[order[: max(1, round(share * len(rows)))]].mean())
            return float(np.mean(found))

        return of

    shares = (1.0, 0.8, 0.6, 0.5, 0.4, 0.2)
    found = bootstrap({str(one): error(one) for one in shares}, len(truth), groups=kept["groups"])
    for share in shares:
        one = found[str(share)]
        print(f"  answering the surest {share:.0%}: error {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]")
    fall = paired(error(0.5), error(1.0), len(truth), groups=kept["groups"], seed=0, resamples=1000)
    print(f"  the surest half less all: {fall.value:+.3f} [{fall.low:+.3f}, {fall.high:+.3f}]", flush=True)


def promises(app: dict, rows: list[dict[str, str]], folds: int) -> None:
    """Fit each fold as the recipe does and print coverage, size of the sets, declining and what was answered."""
    mmsdk.app.fitting.RESAMPLES = 5
    fold = fold_rows(
        [row["case"] for row in rows],
        folds=folds,
        labels=[row["label_icu"] for row in rows],
        groups=[row["patient"] for row in rows],
        seed=100,
    )
    held, size, declined, wrong, groups = [], [], [], [], []
    for number in range(folds):
        known = sorted({row["patient"] for row, one in zip(rows, fold, strict=True) if one != number})
        judges = set(known[number::8])
        parted = [
            {**row, "part": "test" if one == number else "val" if row["patient"] in judges else "train"}
            for row, one in zip(rows, fold, strict=True)
        ]
        one = {**app, "split": {"group": "patient", "column": "part"}, "evaluation": {}}
        with tempfile.TemporaryDirectory() as folder:
            run = mmsdk.fit(one, parted, Path(folder) / "run", quiet=True, allow_outside=True)
            asked = [row for row in parted if row["part"] == "test"]
            for row, answer in zip(asked, run.predict(asked), strict=True):
                output = answer.outputs["urgency"]
                held.append(row["label_icu"] in output.prediction_set)
                size.append(len(output.prediction_set))
                declined.append(output.abstained)
                wrong.append(np.nan if output.abstained else output.value != row["label_icu"])
                groups.append(row["patient"])
            run.close()
    values = {"held": np.array(held, float), "size": np.array(size, float), "declined": np.array(declined, float)}
    means = {name: (lambda rows, one=one: float(one[rows].mean())) for name, one in values.items()}
    lost = np.array(wrong, float)
    means["error of answers given"] = lambda rows: float(np.nanmean(np.append(lost[rows], np.nan)))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = bootstrap(means, len(lost), groups=np.array(groups, dtype=object))
    for name, one in found.items():
        print(f"  {name}: {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]")
    if "error of answers given" not in found:
        print("  error of answers given: every case was declined")


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--variants", nargs="+", default=[], help="recipe, only image, ...; all where left out")
    parser.add_argument("--part", choices=("all", "compare", "promises"), default="all")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    rows = cases(real)
    patients = len({row["patient"] for row in rows})
    yes = sum(row["label_icu"] == "Y" for row in rows)
    print(f"{len(rows)} rows of {patients} patients, {yes} with intensive care")
    with tempfile.TemporaryDirectory() as folder:
        app = application(real, rows, Path(folder))
        columns = {name: one["column"] for name, one in app["inputs"].items()}
        print(f"inputs {columns}; head {app['head']['type']}; masked {app['privacy']['mask']}")
        if arguments.part != "promises":
            judge(app, arguments.folds, arguments.repeats, arguments.variants)
        if arguments.part != "compare":
            print(f"promises, {arguments.folds} fits of the recipe")
            promises(app, rows, arguments.folds)


def judge(app: dict, folds: int, repeats: int, names: list[str]) -> None:
    """Print the first two tables."""
    print(f"balanced accuracy, {repeats} x {folds} folds by patient")
    kept = compare(app, folds, repeats, names)
    print("risk and coverage of the recipe's out-of-fold answers")
    risk_falls(kept)


if __name__ == "__main__":
    main()
