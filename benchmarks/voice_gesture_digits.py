"""Ten digits from the photo of a hand sign and a spoken word, by speakers that training never heard.

    MMSDK_REAL=../shared python benchmarks/voice_gesture_digits.py [--seeds 3]

Accuracy on the test rows of ``voice_gesture_digits`` (the set's own split: four speakers train, one chooses the epoch,
one is scored). The photo goes through MobileNetV2 as ONNX (``MMSDK_REAL/models``), the word through ``mel-stats``,
which downloads nothing; everything else is left at its default. File names hold the label and are no input.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import mmsdk

PHOTO = "onnx:{models}/mobilenet-v2-1.0-224-onnx/model.onnx#pooler_output"


def application(real: Path) -> dict:
    """Return the application."""
    return {
        "data": str(real / "data" / "voice_gesture_digits" / "manifest.csv"),
        "id": "sample_id",
        "inputs": {
            "sign": {"column": "image", "modality": "image", "encoder": PHOTO.format(models=real / "models")},
            "word": {"column": "audio", "modality": "audio", "encoder": "mel-stats"},
        },
        "tasks": {"digit": {"column": "label", "type": "classification"}},
        "split": {"column": "split"},
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    print("test accuracy, 95 % bootstrap intervals over rows")
    values = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            mmsdk.fit(application(real), out=Path(folder) / "run", seed=seed, quiet=True).close()
            found = json.loads((Path(folder) / "run" / "metrics.json").read_text(encoding="utf-8"))["digit"]
        shown = {f"baseline {name}": one["accuracy"] for name, one in found["baselines"].items()} if seed == 0 else {}
        shown |= {f"seed {seed}: {name} alone": one["accuracy"] for name, one in found["subsets"].items()}
        shown[f"seed {seed}: both"] = found["test"]["accuracy"]
        for name, one in shown.items():
            print(f"{name:28s} {one['value']:.3f}  [{one['low']:.3f}, {one['high']:.3f}]  n {one['n']}", flush=True)
        values.append(found["test"]["accuracy"]["value"])
    print(f"mean of {len(values)} seeds  {statistics.fmean(values):.3f}  ({min(values):.3f}..{max(values):.3f})")


if __name__ == "__main__":
    main()
