"""The six real sets that the learning core is judged on, as applications and the tables to fit and score them with.

A set is scored by folds: each is a whole table whose column ``part`` says which rows train, validate and are scored.
Sets with a split of their own have one fold. Ids and file names often hold the label and are no input. Rows of
``ravdess``, ``motion`` and ``covid`` whose own split is ``test`` are held back and never read here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from prepare import covid, folds, motion, ravdess, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Rows = list[dict[str, Any]]
FOLDS, AUTHORS_FOLDS, REPEATS = 6, 5, 3
CLASSES = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
MODELS = ("audio_wav2vec", "visual_mlp", "visual_bilstm")
RECORD = (
    "age",
    "offset_days",
    "temperature",
    "po2_saturation",
    "leukocyte_count",
    "neutrophil_count",
    "lymphocyte_count",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """A real set.

    :param application: inputs, the task ``label``, and what is not left at its default.
    :param metric: the figure by which the set is judged.
    :param group: the column that a bootstrap draws whole, or "" where rows are drawn.
    :param folds: yields the tables; the rows scored in one fold are scored in no other of the same repeat.
    """

    name: str
    application: Mapping[str, Any]
    metric: str
    group: str
    folds: Callable[[], Iterator[Rows]]


def real_sets(real: Path) -> dict[str, Set]:
    """Return the sets by name; ``real`` is the folder named by ``MMSDK_REAL``."""
    made = (_ikea, _ravdess, _bench, _digits, _motion, _covid)
    return {one.name: one for one in (make(real) for make in made)}


def fuller_sets(real: Path) -> dict[str, Set]:
    """Return the two sets of actors with more of each clip: what the other set has of it, and sound files.

    ``ravdess-more`` has the action units of OpenFace's other calibration too, and the sound file of every fourth clip;
    ``bench-more`` has what ``ravdess`` has of 18 actors, and misses it of the six that are held back there.
    """
    units = {"modality": "vector", "encoder": "quantiles"}
    further = {
        "again": {"column": "again", **units},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    }
    one, other = _ravdess(real), _bench(real)

    def joined() -> Iterator[Rows]:
        known = {f"01-{row['id']}": row for row in ravdess(real)}
        for table in other.folds():
            yield [{**row, "other": (found := known.get(row["id"], {})).get("face"), **_heard(found)} for row in table]

    heard = {"sound": one.application["inputs"]["sound"], "voice": further["voice"]}
    made = (
        _with(one, "ravdess-more", further),
        replace(_with(other, "bench-more", {"other": {"column": "other", **units}, **heard}), folds=joined),
    )
    return {one.name: one for one in made}


def _with(one: Set, name: str, inputs: Mapping[str, Any]) -> Set:
    """Return a set with further inputs."""
    return replace(one, name=name, application={**one.application, "inputs": {**one.application["inputs"], **inputs}})


def _heard(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sound of a clip."""
    return {name: row.get(name) for name in ("sound", "voice")}


def crossed_set(real: Path) -> dict[str, Set]:
    """Return ``bench`` learned from what models say of clips they had not learned: those of the other folds.

    The six sets give a fold what its own three models say of their own training clips, which they know by heart. Here
    each clip of another fold comes with the answers of the models that left it out, as one makes them for stacking.
    Those models had learned the clips that are scored here, so this leans a little to the good side: it shows what
    out-of-fold answers are worth, and is no figure of ``bench``.
    """
    one = _bench(real)

    def crossed() -> Iterator[Rows]:
        tables = list(one.folds())
        unseen = [[row for row in table if row["part"] == "test"] for table in tables]
        for number, scored in enumerate(unseen):
            parts = {row["actor"]: row["part"] for row in tables[number]}
            others = (row for fold, rows in enumerate(unseen) if fold != number for row in rows)
            yield scored + [{**row, "part": parts[row["actor"]]} for row in others]

    return {"bench-crossed": replace(one, name="bench-crossed", folds=crossed)}


def adapted_sets(real: Path) -> dict[str, Set]:
    """Return the two sets of actors with each clip taken relative to the other clips of its actor (``within``).

    No label of the scored actors is read, but their clips are given together, and each actor plays each emotion equally
    often: figures of these sets do not compare with those of the six. ``-more-within`` are the fuller sets so taken.
    """
    made = (_adapted(one) for one in (_ravdess(real), _bench(real), *fuller_sets(real).values()))
    return {one.name: one for one in made}


def _adapted(one: Set) -> Set:
    measured = {"face", "sound", "again", "other"}  # what the models of bench say is no measurement of the person
    inputs = one.application["inputs"].items()
    return _with(
        one, f"{one.name}-within", {name: {**spec, "within": one.group} for name, spec in inputs if name in measured}
    )


def sized_set(real: Path) -> dict[str, Set]:
    """Return ikea with one input more, the size of a thing as hashed words ("90x200 cm", "0.4 l")."""
    return {
        "ikea-sized": _ikea(real, "ikea-sized", {"size": {"column": "size", "modality": "text", "encoder": "ngrams"}})
    }


def stepped_set(real: Path) -> dict[str, Set]:
    """Return motion read step by step, for fusions of sequences: a fingertip's track and a spoken word, 32 steps each.

    One member of 128 values, since attention over steps costs 10 to 50 times what a vector does.
    """
    one, steps = _motion(real), {"type": "steps", "steps": 32}
    inputs = {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "landmarks", "trainable": steps},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-frames", "trainable": steps},
    }
    application = {**one.application, "inputs": inputs, "fusion": {"type": "gated", "dim": 128, "members": 1}}
    return {"motion-steps": replace(one, name="motion-steps", application=application)}


def _ikea(real: Path, name: str = "ikea", further: Mapping[str, Any] | None = None) -> Set:
    folder = real / "data" / "ikea_products"
    photo = {
        "column": "image",
        "modality": "image",
        "encoder": f"transformers:{real / 'models' / 'mobilenet-v2-1.0-224-tf2'}",
    }
    texts = {one: {"column": one, "modality": "text"} for one in ("name", "color", "description")} | dict(further or {})
    rows = [
        {**row, "image": str(folder / row["image"]), "part": row["split"]} for row in rows_of(folder / "manifest.csv")
    ]
    wanted = ("item_id", "image", *texts, "label", "part", "group")
    table = [{one: row[one] for one in wanted} for row in rows]
    return Set(
        name=name,
        application=_application("item_id", {"photo": photo, **texts}, "label", "group"),
        metric="balanced_accuracy",
        group="",
        folds=lambda: iter([table]),
    )


def _ravdess(real: Path) -> Set:
    inputs = {
        "face": {"column": "face", "modality": "vector", "encoder": "quantiles"},
        "sound": {"column": "sound", "modality": "vector", "encoder": "series", "options": {"padding": 0}},
    }
    return Set(
        name="ravdess",
        application=_application("id", inputs, "emotion", "actor"),
        metric="accuracy",
        group="actor",
        folds=lambda: _by_group(ravdess(real), "actor", FOLDS),
    )


def _bench(real: Path) -> Set:
    units = "AU*"
    inputs: dict[str, Any] = {model: {"column": model, "modality": "vector"} for model in MODELS} | {
        "face": {"column": units, "modality": "vector"}
    }
    return Set(
        name="bench",
        application=_application("id", inputs, "label", "actor"),
        metric="accuracy",
        group="actor",
        folds=lambda: _authors_folds(real / "data" / "ravdess_5cv_fusion_bench"),
    )


def _digits(real: Path) -> Set:
    folder = real / "data" / "voice_gesture_digits"
    model = real / "models" / "mobilenet-v2-1.0-224-onnx" / "model.onnx"
    inputs = {
        "sign": {"column": "image", "modality": "image", "encoder": f"onnx:{model}#pooler_output"},
        "word": {"column": "audio", "modality": "audio", "encoder": "mel-stats"},
    }
    table = [
        {
            "id": row["sample_id"],
            "image": str(folder / row["image"]),
            "audio": str(folder / row["audio"]),
            "label": row["label"],
            "speaker": row["speaker"],
            "part": row["split"],
        }
        for row in rows_of(folder / "manifest.csv")
    ]
    return Set(
        name="digits",
        application=_application("id", inputs, "label", "speaker"),
        metric="accuracy",
        group="",
        folds=lambda: iter([table]),
    )


def _motion(real: Path) -> Set:
    inputs = {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "gesture-stats"},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    }
    return Set(
        name="motion",
        application=_application("id", inputs, "command", "speaker"),
        metric="accuracy",
        group="",
        folds=lambda: iter([_unheard(motion(real))]),
    )


def _covid(real: Path) -> Set:
    photo = {
        "column": "image",
        "modality": "image",
        "encoder": f"transformers:{real / 'models' / 'mobilenet-v2-1.0-224-tf2'}",
    }
    inputs: dict[str, Any] = {
        "image": photo,
        "record": {"column": [*RECORD, "sex"], "modality": "table"},
        "notes": {"column": "notes", "modality": "text"},
    }
    rows = [
        {
            "id": row["sample_id"],
            "image": row["image"],
            "notes": row["text_masked_outcome"],
            **{name: row[name] for name in (*RECORD, "sex")},
            "icu": row["label_icu"],
            "patient": row["group"],
        }
        for row in covid(real)
    ]
    return Set(
        name="covid",
        application=_application("id", inputs, "icu", "patient"),
        metric="balanced_accuracy",
        group="patient",
        folds=lambda: (table for repeat in range(REPEATS) for table in _by_group(rows, "patient", FOLDS, seed=repeat)),
    )


def _application(identity: str, inputs: Mapping[str, Any], column: str, group: str) -> dict[str, Any]:
    return {
        "id": identity,
        "inputs": dict(inputs),
        "tasks": {"label": {"column": column, "type": "classification"}},
        "split": {"column": "part", "group": group},
        "training": {"refit": True},
    }


def _by_group(rows: Rows, group: str, count: int, seed: int | None = None) -> Iterator[Rows]:
    """Yield a table for each fold; about a sixth of the groups left to learn from validate."""
    names = [row[group] for row in rows]
    if seed is not None:
        order = np.random.default_rng(seed).permutation(sorted(set(names)))
        place = {name: f"{number:05d}" for number, name in enumerate(order)}
        names = [place[name] for name in names]
    for number, held in enumerate(folds(names, count)):
        learned = sorted({name for name, out in zip(names, held, strict=True) if not out})
        judges = set(learned[number % FOLDS :: FOLDS])
        yield [
            {**row, "part": "test" if out else "val" if name in judges else "train"}
            for row, name, out in zip(rows, names, held, strict=True)
        ]


def _authors_folds(folder: Path) -> Iterator[Rows]:
    """Yield a table for each of the authors' five folds: what the three models say, as log-odds, and the face."""
    clips = {row["sample_id"]: row for row in rows_of(folder / "manifest.csv")}
    units = [name for name in next(iter(clips.values())) if name.startswith("AU")]
    said: dict[str, list[dict[str, str]]] = {}
    with (folder / "posteriors.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            said.setdefault(row["fold"], []).append(row)
    for number in range(AUTHORS_FOLDS):
        learned = sorted({clips[row["sample_id"]]["group"] for row in said[str(number)] if row["part"] == "train"})
        judges = set(learned[number % FOLDS :: FOLDS])
        table = []
        for row in said[str(number)]:
            clip = clips[row["sample_id"]]
            trained = "val" if clip["group"] in judges else "train"
            table.append(
                {
                    "id": clip["sample_id"],
                    **{model: _log(row, model) for model in MODELS},
                    **{name: clip[name] for name in units},
                    "label": clip["label"],
                    "actor": clip["group"],
                    "part": "test" if row["part"] == "test" else trained,
                }
            )
        yield table


def _log(row: Mapping[str, str], model: str) -> list[float]:
    """Return the log of a posterior, kept finite."""
    return [float(np.log(max(float(row[f"{model}_{name}"]), 1e-6))) for name in CLASSES]


def _unheard(rows: Rows) -> Rows:
    """Return the commands with the set's own validation speaker as the one that is scored; the last one validates."""
    last = max(row["speaker"] for row in rows if row["split"] == "train")
    part = {"val": "test"}
    return [{**row, "part": part.get(row["split"], "val" if row["speaker"] == last else "train")} for row in rows]
