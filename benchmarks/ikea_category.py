"""The category of 2,187 products from photo, name, colour and description: mmsdk's head beside linear models.

    MMSDK_REAL=../shared python benchmarks/ikea_category.py [--seeds 5] [--set plain joined sized] [--inner]

Balanced accuracy on the 437 test rows of ``ikea_products`` (the table's own split; groups of colour variants never
straddle it), neither ``type`` nor ``text`` among the inputs, since the label was made from them. Encoders are frozen:
MobileNetV2 (``MMSDK_REAL/models``) and the packaged MiniLM. The figures are those that ``mmsdk.fit`` writes to
metrics.json: the model of each seed with its bootstrap interval, and once, since no seed enters them, the linear
models on the same vectors. Everything but the inputs is left at its default, except ``training.refit``.

What was chosen was chosen by ``--inner``, grouped 6-fold cross-validation on the train and validation rows, before the
test rows were looked at with it: the refit, ``sized``, which reads the column ``size`` ("90x200 cm", "0.4 l") as hashed
n-grams besides, and with it ``--fusion mixed``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import mmsdk

TEXTS = ("name", "color", "description")
PHOTO = {"column": "image", "modality": "image"}
PLAIN = {"photo": PHOTO} | {name: {"column": name, "modality": "text"} for name in TEXTS}
JOINED = {
    "photo": PHOTO,
    "words": {"column": list(TEXTS), "modality": "text"},
    "spelling": {"column": list(TEXTS), "modality": "text", "encoder": "ngrams"},
}
SIZED = PLAIN | {"size": {"column": "size", "modality": "text", "encoder": "ngrams"}}
INPUTS = {"plain": PLAIN, "joined": JOINED, "sized": SIZED}


def application(real: Path, inputs: dict, *, refit: bool, fusion: str) -> dict:
    """Return the application: one column each, or the texts joined and read by two encoders."""
    model = f"transformers:{real / 'models' / 'mobilenet-v2-1.0-224-tf2'}"
    photo = inputs["photo"] | {"encoder": model}
    return {
        "data": str(real / "data" / "ikea_products" / "manifest.csv"),
        "id": "item_id",
        "inputs": inputs | {"photo": photo},
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "split": {"column": "split"},
        "training": {"refit": refit},
        "fusion": {"type": fusion},
    }


def scored(described: dict, seed: int) -> dict:
    """Return what metrics.json says of the task."""
    with tempfile.TemporaryDirectory() as folder:
        mmsdk.fit(described, out=Path(folder) / "run", seed=seed, quiet=True).close()
        found: dict = json.loads((Path(folder) / "run" / "metrics.json").read_text(encoding="utf-8"))["label"]
    return found


def crossed(described: dict) -> dict:
    """Return the figure of grouped cross-validation; the table's test rows take no part."""
    whole = described | {"split": described["split"] | {"group": "group"}, "confidence": {"calibration": "none"}}
    found = mmsdk.cross_validate(whole, folds=6, quiet=True).as_json()
    figure: dict = found["tasks"]["label"]["pooled"]["balanced_accuracy"]
    return figure


def show(name: str, figure: dict) -> None:
    """Print one figure with its interval."""
    print(f"{name:28s} {figure['value']:.3f}  [{figure['low']:.3f}, {figure['high']:.3f}]", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", nargs="+", choices=INPUTS, default=["plain"])
    parser.add_argument("--no-refit", dest="refit", action="store_false", help="do not learn from the validation rows")
    parser.add_argument("--fusion", default="gated")
    parser.add_argument("--inner", action="store_true", help="cross-validate on the train and validation rows instead")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    if arguments.inner:
        for name in arguments.set:
            show(
                f"{name}: 6 folds",
                crossed(application(real, INPUTS[name], refit=arguments.refit, fusion=arguments.fusion)),
            )
        return
    print("test balanced accuracy, 95 % bootstrap intervals over rows")
    for name in arguments.set:
        described = application(real, INPUTS[name], refit=arguments.refit, fusion=arguments.fusion)
        values = []
        for seed in range(arguments.seeds):
            metrics = scored(described, seed)
            if seed == 0:
                for baseline, figures in metrics["baselines"].items():
                    show(f"{name}: {baseline}", figures["balanced_accuracy"])
            show(f"{name}: mmsdk, seed {seed}", metrics["test"]["balanced_accuracy"])
            values.append(metrics["test"]["balanced_accuracy"]["value"])
        spread = f"({min(values):.3f}..{max(values):.3f})"
        print(f"{name}: mmsdk, mean of {len(values)} seeds  {statistics.fmean(values):.3f}  {spread}\n", flush=True)


if __name__ == "__main__":
    main()
