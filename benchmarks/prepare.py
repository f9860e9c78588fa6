"""Plain tables out of the real data sets: features that lie beside a manifest are joined to it, nothing else is done.

Ids and file names of these sets often hold the label; the tables keep an id to name rows by, and no benchmark feeds it.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def motion(real: Path) -> list[dict[str, Any]]:
    """Return the commands of voice_gesture_motion, the track as JSON; rows of ``test`` are held back."""
    folder = real / "data" / "voice_gesture_motion"
    tracks = {row["row_id"]: row for row in rows_of(folder / "finger_motion.csv")}
    found = []
    for row in rows_of(folder / "manifest.csv"):
        if row["split"] == "test":
            continue
        track = tracks[row["gesture_row"]]
        steps = [[float(track[f"x{n}"]), float(track[f"y{n}"])] for n in range(16)]
        found.append(
            {
                "id": row["sample_id"],
                "motion": str(steps),
                "voice": str(folder / row["audio"]),
                "command": row["label"],
                "action": row["label_action"],
                "digit": row["label_digit"],
                "speaker": row["group"],
                "split": row["split"],
            }
        )
    return found


def ravdess(real: Path) -> list[dict[str, Any]]:
    """Return the clips of ravdess_av_emotion that are not held back, with their vectors as lists.

    ``again`` holds the action units that ravdess_5cv_fusion_bench has of the same clip: OpenFace's other calibration.
    ``voice`` is a sound file, where there is one: of every fourth clip or so.
    """
    folder = real / "data" / "ravdess_av_emotion"
    features = np.load(folder / "features.npz", allow_pickle=False)
    faces, sounds = features["action_units"], features["mfcc_mean"]
    others = {row["sample_id"]: row for row in rows_of(real / "data" / "ravdess_5cv_fusion_bench" / "manifest.csv")}
    found = []
    for row in rows_of(folder / "manifest.csv"):
        if row["split"] == "test":
            continue
        place = int(row["feature_row"])
        other = others[f"01-{row['sample_id']}"]  # there the kind of file stands before the rest
        if (other["group"], other["label"]) != (row["group"], row["label"]):
            raise SystemExit(f"{row['sample_id']}: the two sets do not tell of the same clip")
        found.append(
            {
                "id": row["sample_id"],
                "again": [float(value) for name, value in other.items() if name.startswith("AU")],
                "voice": str(folder / row["audio"]) if row["audio"] else None,
                "face": faces[place].tolist(),
                "sound": sounds[place].tolist(),
                "emotion": row["label"],
                "actor": row["group"],
            }
        )
    return found


def covid(real: Path) -> list[dict[str, Any]]:
    """Return the rows of covid_cxr_record that have an ICU label and are not held back, all columns as they are."""
    folder = real / "data" / "covid_cxr_record"
    rows = rows_of(folder / "manifest.csv")
    known = [row for row in rows if row["split"] != "test" and row["label_icu"]]
    return [{**row, "image": str(folder / row["image"])} for row in known]


def folds(groups: list[str], count: int) -> Iterator[np.ndarray]:
    """Yield, for each fold of ``GroupKFold``, which rows are scored."""
    from sklearn.model_selection import GroupKFold

    places = np.arange(len(groups))
    for _, test in GroupKFold(count).split(places, groups=groups):
        held = np.zeros(len(groups), bool)
        held[test] = True
        yield held
