"""Forty commands from a fingertip's track (the action) and a spoken digit (the argument), by an unheard speaker.

    MMSDK_REAL=../shared python benchmarks/voice_gesture_motion.py [--seeds 3]

Accuracy on the validation rows of ``voice_gesture_motion``, whose speaker is in no training row; neither input alone
can pass 10 % / 25 %. So that the scored rows choose nothing, the last speaker of the training rows is the validation
part here and the set's own validation rows are the test part. The set's test rows are held back and never read. One
task with 40 labels ("command") beside two tasks whose answers are put together ("action" and "digit"); encoders
download nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from prepare import motion

import mmsdk

INPUTS = {
    "vectors": {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "gesture-stats"},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    },
    "sequences": {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "landmarks", "trainable": {"type": "tcn"}},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    },
}
TASKS = {
    "one task": {"command": {"column": "command", "type": "classification"}},
    "two tasks": {
        "action": {"column": "action", "type": "classification"},
        "digit": {"column": "digit", "type": "classification"},
    },
}


def parted(rows: list[dict]) -> list[dict]:
    """Return rows whose own validation part is to be scored, and whose last training speaker validates."""
    last = max(row["speaker"] for row in rows if row["split"] == "train")
    part = {"val": "test"}
    return [{**row, "part": part.get(row["split"], "val" if row["speaker"] == last else "train")} for row in rows]


def right(app: mmsdk.App, rows: list[dict], given: tuple[str, ...]) -> np.ndarray:
    """Return which commands are answered rightly, with only some inputs given."""
    asked = [{name: row[name] for name in given} for row in rows]
    answers = app.predict(asked)
    tasks = {"command": "command"} if "command" in app.tasks else {"action": "action", "digit": "digit"}
    return np.array(
        [
            all(one.outputs[task].value == row[column] for task, column in tasks.items())
            for one, row in zip(answers, rows, strict=True)
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    rows = parted(motion(Path(os.environ["MMSDK_REAL"]).resolve()))
    scored = [row for row in rows if row["part"] == "test"]
    print(f"joint accuracy on {len(scored)} commands of an unheard speaker; means and extremes over seeds")
    for kind, inputs in INPUTS.items():
        for tasks, described in TASKS.items():
            found: dict[tuple[str, ...], list[float]] = {}
            for seed in range(arguments.seeds):
                application = {"id": "id", "inputs": inputs, "tasks": described, "split": {"column": "part"}}
                with tempfile.TemporaryDirectory() as folder:
                    app = mmsdk.fit(application, rows, Path(folder) / "run", seed=seed, quiet=True, allow_outside=True)
                    for given in (("motion", "voice"), ("motion",), ("voice",)):
                        found.setdefault(given, []).append(float(right(app, scored, given).mean()))
                    app.close()
            for given, values in found.items():
                name = f"{kind}, {tasks}: {' + '.join(given)}"
                print(f"{name:40s} {statistics.fmean(values):.3f}  ({min(values):.3f}..{max(values):.3f})", flush=True)


if __name__ == "__main__":
    main()
