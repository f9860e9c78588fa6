"""The emotion recipe: action units + sound by actors nobody saw, what both gain over the better one, and its speed.

    MMSDK_REAL=../shared python benchmarks/emotion.py [--only accuracy|more|within|speed] [--keep FILE]

**accuracy**: the 1,080 clips of ``ravdess_av_emotion`` that are not held back, ``GroupKFold(6)`` by actor: each clip is
answered once, by what saw no clip of its actor. Every choice is made inside the 900 clips left for training, by three
folds of their actors: the settings of VARIANTS, each alone, and the mean of the log-probabilities of all of them
(``mean``). Which of these answers is the one of the highest accuracy on these inner folds; the outer fold is looked at
once, by what was chosen. ``one run`` is one fitted application, of whose training actors every sixth validates;
``committee`` is the mean of three such runs that other actors validate (of each setting, for ``mean``). One
modality alone: one run of the chosen setting when it is given that alone, and a logistic regression that learned
nothing else; the gain is over the best of these four, paired by clip. Intervals draw whole actors.

**more** asks the same of the same clips with more of each given: the action units of OpenFace's other calibration, as
``ravdess_5cv_fusion_bench`` has them (``both faces``), and the sound file of the 288 clips that have one (``voice``; of
the others it is missing).

**within** is told apart, since it is another question: vectors are taken relative to the other clips of the same actor
that are given with it (``within: actor``). Labels are not looked at, but a person's clips are needed together. One run
a fold (``adjusted``) answers each clip alone, in companies of so many clips of its actor, drawn at random, in companies
of two or three emotions (a person is seldom all of them), and all clips of its actor at once, where each emotion is
played equally often. ``one emotion`` is the worst of company: all clips of one emotion of an actor, and nothing else
of that actor. ``running`` is a stream: each clip is answered with what was given of its actor until then; ``in turn``,
one emotion comes after the other.

**speed**: a video of 640 x 360 pixels, 25 frames a second and ten seconds, with two faces and a voice, as ``mmsdk
emotion`` reads it, in CPU seconds of its one thread; start and imports (about five seconds) are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from prepare import folds, ravdess

import mmsdk
from mmsdk.evaluate.bootstrap import interval as expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDS, INNER, RESAMPLES = 6, 3, 2000
DRAWS, JUDGES = 3, 6  # of the actors left to learn from every sixth validates; which ones is drawn three times
PLAIN, FACES, VOICE = "face + sound", "both faces + sound", "both faces + sound + voice"
GIVEN = {
    PLAIN: ("face", "sound"),
    FACES: ("face", "again", "sound"),
    VOICE: ("face", "again", "sound", "voice"),
}
ALONE = {PLAIN: {"face": ("face",), "sound": ("sound",)}, FACES: {"both faces": ("face", "again")}}
INPUTS: dict[str, dict[str, Any]] = {
    "face": {"column": "face", "modality": "vector", "encoder": "quantiles"},
    "again": {"column": "again", "modality": "vector", "encoder": "quantiles"},
    "sound": {"column": "sound", "modality": "vector", "encoder": "series", "options": {"padding": 0}},
    "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "gated": {},
    "adjusted": {"training.imbalance": "logit_adjustment"},
    "concat": {"fusion.type": "concat", "training.imbalance": "logit_adjustment"},
    "blend": {"head.type": "blend", "training.imbalance": "logit_adjustment"},
}
MEAN, WITHIN = "mean", "within"
COMPANIES = {"alone": 1, "5 at random": 5, "15 at random": 15, "15 of few emotions": 15, "all 60": 60}
COMPANIES |= {"one emotion": 8, "running, at random": 60, "running, in turn": 60}
KINDS = ("one run", "committee")
LABELS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
SECONDS = 10
Rows = list[dict[str, Any]]


def application(given: tuple[str, ...], *, within: bool = False) -> dict[str, Any]:
    """Return the application of some inputs."""
    relative = {"within": "actor"} if within else {}
    return {
        "id": "id",
        "inputs": {name: {**INPUTS[name], **relative} for name in given},
        "tasks": {"emotion": {"column": "emotion", "type": "classification"}},
        "split": {"group": "actor"},
        "confidence": {"calibration": "none", "sets": "none", "novelty": False, "source": "validation"},
    }


def inner_scores(rows: Rows, given: tuple[str, ...]) -> dict[str, float]:
    """Return variant -> accuracy over rows that a fold did not learn from."""
    answers: dict[str, np.ndarray] = {}
    labels: list[str] = []
    for name, changes in VARIANTS.items():
        found = mmsdk.cross_validate(
            application(given), rows, folds=INNER, overrides=changes, allow_outside=True, quiet=True, resamples=10
        )
        answers[name] = log_softmax(found.logits["emotion"][0])
        labels = list(found.targets["emotion"].task.state()["labels"])
    answers[MEAN] = np.mean([answers[name] for name in VARIANTS], axis=0)
    truth = np.array([labels.index(row["emotion"]) for row in rows])
    return {name: float((one.argmax(1) == truth).mean()) for name, one in answers.items()}


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def outer_answers(learned: Rows, asked: Rows, given: tuple[str, ...], changes: dict[str, Any]) -> list[np.ndarray]:
    """Return log-probabilities of the asked rows ``(n, classes)``, one of each draw of the actors that validate."""
    found = []
    for draw in range(DRAWS):
        table = parted(learned, draw)
        plan = application(given) | {"split": {"column": "part", "group": "actor"}}
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            app = mmsdk.fit(plan, table, run, overrides=changes, seed=draw, allow_outside=True, quiet=True)
            answers = app.predict([{key: row[key] for key in given} for row in asked])
            app.close()
        shares = [[one.outputs["emotion"].probabilities[label] for label in LABELS] for one in answers]
        found.append(np.log(np.maximum(shares, 1e-9)))
    return found


def parted(learned: Rows, draw: int) -> Rows:
    """Return the rows with a part each: every sixth actor validates, from the first, the second ..."""
    judges = set(sorted({row["actor"] for row in learned})[draw::JUDGES])
    return [{**row, "part": "val" if row["actor"] in judges else "train"} for row in learned]


def one_fold(rows: Rows, held: np.ndarray, name: str) -> dict[str, Any]:
    """Choose inside the training rows, then answer the fold; return what was chosen and which answers are right.

    ``mmsdk.cross_validate(nested=VARIANTS)`` is another protocol: it chooses among the variants alone, while here their
    mean is a choice too, and a committee answers; it draws its outer folds and each training's validation rows, while
    here the folds are those of ``GroupKFold`` and every sixth actor validates.
    """
    learned = [row for row, out in zip(rows, held, strict=True) if not out]
    asked = [row for row, out in zip(rows, held, strict=True) if out]
    truth = np.array([LABELS.index(row["emotion"]) for row in asked])
    scores = inner_scores(learned, GIVEN[name])
    chosen = max(scores, key=lambda one: scores[one])
    members = list(VARIANTS) if chosen == MEAN else [chosen]
    answers = {one: outer_answers(learned, asked, GIVEN[name], VARIANTS[one]) for one in members}
    alone = max(answers, key=lambda one: scores[one])
    mean = np.mean([draw for draws in answers.values() for draw in draws], axis=0)
    return {
        "scores": scores,
        "chosen": chosen,
        "one run": (answers[alone][0].argmax(1) == truth).tolist(),
        "committee": (mean.argmax(1) == truth).tolist(),
    }


def measured(rows: Rows, name: str, keep: Path) -> dict[str, np.ndarray]:
    """Return which clips are answered rightly, by ``one run`` and by ``committee``; folds that are done are kept."""
    known: dict[str, Any] = json.loads(keep.read_text("utf-8")) if keep.is_file() else {}
    right = {kind: np.zeros(len(rows), bool) for kind in KINDS}
    for number, held in enumerate(folds([row["actor"] for row in rows], FOLDS)):
        key = f"{name} {number}"
        if key not in known:
            known[key] = one_fold(rows, held, name)
            keep.write_text(json.dumps(known), encoding="utf-8")
            print(f"  {key}: {known[key]['scores']} -> {known[key]['chosen']}", flush=True)
        for kind in KINDS:
            right[kind][np.flatnonzero(held)] = known[key][kind]
    return right


def interval(values: np.ndarray, actors: list[str]) -> tuple[float, float, float]:
    """Return the mean and its 95 % interval, whole actors drawn: expanded, since they are few."""
    random = np.random.default_rng(0)
    names = np.unique(actors)
    each = np.array([values[np.asarray(actors) == name].mean() for name in names])
    drawn = each[random.integers(0, len(names), (RESAMPLES, len(names)))].mean(1)
    found = expanded(float(values.mean()), drawn, len(values), units=len(names))
    return found.value, found.low, found.high


def accuracy(real: Path, keep: Path, names: list[str]) -> None:
    """Print accuracies and the gain."""
    rows = ravdess(real)
    actors = [row["actor"] for row in rows]
    print(f"accuracy, {len(rows)} clips of {len(set(actors))} actors, GroupKFold({FOLDS}) by actor, all choices nested")
    right = {name: measured(rows, name, keep) for name in names}
    for name, found in right.items():
        for kind in KINDS:
            value, low, high = interval(found[kind].astype(float), actors)
            print(f"{name:28s} {kind:10s} {value:.3f}  [{low:.3f}, {high:.3f}]", flush=True)
    for name in names:
        single = {**(_given_alone(rows, keep) if name == PLAIN else {}), **_linear_alone(rows, ALONE.get(name, {}))}
        if single:
            _show_gain(single, right[name], actors)


def _show_gain(single: dict[str, np.ndarray], right: dict[str, np.ndarray], actors: list[str]) -> None:
    """Print what answers from one modality alone are worth, and what all together gain over the best of them."""
    for name, found in single.items():
        value, low, high = interval(found.astype(float), actors)
        print(f"{name:39s} {value:.3f}  [{low:.3f}, {high:.3f}]", flush=True)
    best = max(single, key=lambda name: single[name].mean())
    for kind in KINDS:
        value, low, high = interval(right[kind].astype(float) - single[best].astype(float), actors)
        print(f"gain over {best}, {kind}: {value:+.3f}  [{low:+.3f}, {high:+.3f}]", flush=True)


def _given_alone(rows: Rows, keep: Path) -> dict[str, np.ndarray]:
    """Return which clips one run of the chosen settings answers rightly when it is given one input alone."""
    known: dict[str, Any] = json.loads(keep.read_text("utf-8"))
    right = {f"the same run, given {name} alone": np.zeros(len(rows), bool) for name in ("face", "sound")}
    for number, held in enumerate(folds([row["actor"] for row in rows], FOLDS)):
        fold = known[f"{PLAIN} {number}"]
        if "alone" not in fold:
            learned = [row for row, out in zip(rows, held, strict=True) if not out]
            asked = [row for row, out in zip(rows, held, strict=True) if out]
            variant = max(VARIANTS, key=lambda one: fold["scores"][one])
            fold["alone"] = _answers_alone(learned, asked, VARIANTS[variant])
            keep.write_text(json.dumps(known), encoding="utf-8")
        for name in ("face", "sound"):
            right[f"the same run, given {name} alone"][np.flatnonzero(held)] = fold["alone"][name]
    return right


def _answers_alone(learned: Rows, asked: Rows, changes: dict[str, Any]) -> dict[str, list[bool]]:
    """Return which of the asked rows are answered rightly from one input alone."""
    plan = application(GIVEN[PLAIN]) | {"split": {"column": "part", "group": "actor"}}
    with tempfile.TemporaryDirectory() as folder:
        app = mmsdk.fit(plan, parted(learned, 0), Path(folder) / "run", overrides=changes, seed=0, quiet=True)
        answers = {name: app.predict([{name: row[name]} for row in asked]) for name in ("face", "sound")}
        app.close()
    return {
        name: [one.outputs["emotion"].value == row["emotion"] for one, row in zip(found, asked, strict=True)]
        for name, found in answers.items()
    }


def _linear_alone(rows: Rows, given: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Return which clips a logistic regression of one modality answers rightly, its penalty chosen on inner folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    actors, truth = np.array([row["actor"] for row in rows]), np.array([row["emotion"] for row in rows])
    found = {}
    for name, columns in given.items():
        values = np.array([[value for column in columns for value in row[column]] for row in rows], float)
        right = np.zeros(len(rows), bool)
        for held in folds(list(actors), FOLDS):
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
            search = GridSearchCV(model, {"logisticregression__C": [0.003, 0.01, 0.03, 0.1, 1.0]}, cv=GroupKFold(INNER))
            search.fit(values[~held], truth[~held], groups=actors[~held])
            right[held] = search.predict(values[held]) == truth[held]
        found[f"logistic regression, {name}"] = right
    return found


def within(real: Path, keep: Path) -> None:
    """Print accuracies of clips that are given together with others of their actor."""
    rows = ravdess(real)
    actors = [row["actor"] for row in rows]
    known: dict[str, Any] = json.loads(keep.read_text("utf-8")) if keep.is_file() else {}
    right = {kind: np.zeros(len(rows)) for kind in COMPANIES}
    for number, held in enumerate(folds(actors, FOLDS)):
        key = f"{WITHIN} {number}"
        if key not in known:
            learned = [row for row, out in zip(rows, held, strict=True) if not out]
            known[key] = _in_company(learned, [row for row, out in zip(rows, held, strict=True) if out])
            keep.write_text(json.dumps(known), encoding="utf-8")
            print(f"  {key}", flush=True)
        for kind in COMPANIES:
            right[kind][np.flatnonzero(held)] = known[key][kind]
    for kind, found in right.items():
        value, low, high = interval(found, actors)
        print(f"{PLAIN}, relative to its actor's, {kind:20s} {value:.3f}  [{low:.3f}, {high:.3f}]", flush=True)


def _in_company(learned: Rows, asked: Rows) -> dict[str, list[bool]]:
    """Return which of the asked rows one run answers rightly, by how they are put together."""
    plan = application(GIVEN[PLAIN], within=True) | {"split": {"column": "part", "group": "actor"}}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        app = mmsdk.fit(plan, parted(learned, 0), run, overrides=VARIANTS["adjusted"], seed=0, quiet=True)
        found = {}
        for kind, size in COMPANIES.items():
            right = np.zeros(len(asked), bool)
            for places in _companies(asked, size, kind):
                answers = _running(app, asked, places) if kind.startswith("running") else _given(app, asked, places)
                right[places] = [
                    one.outputs["emotion"].value == asked[place]["emotion"]
                    for one, place in zip(answers, places, strict=True)
                ]
            found[kind] = right.tolist()
        app.close()
    return found


def _given(app: mmsdk.App, asked: Rows, places: np.ndarray) -> list[mmsdk.Prediction]:
    """Return the answers of rows that are given together."""
    return app.predict([{key: asked[one][key] for key in (*GIVEN[PLAIN], "actor")} for one in places])


def _running(app: mmsdk.App, asked: Rows, places: np.ndarray) -> list[mmsdk.Prediction]:
    """Return the answers of rows of one actor that come one after another."""
    vectors, company = mmsdk.open_modality("vector"), mmsdk.Company(app)
    rows = [{name: vectors.decode(asked[one][name]) for name in GIVEN[PLAIN]} for one in places]
    return [company.answer(company.see([row], [asked[one]["actor"]]))[0] for row, one in zip(rows, places, strict=True)]


def _companies(rows: Rows, size: int, kind: str) -> Iterator[np.ndarray]:
    """Yield places of rows of one actor, so many at a time, shuffled; or one emotion after the other."""
    random = np.random.default_rng(0)
    for actor in sorted({row["actor"] for row in rows}):
        places = random.permutation([place for place, row in enumerate(rows) if row["actor"] == actor])
        emotions = np.array([rows[place]["emotion"] for place in places])
        if kind.endswith(("few emotions", "in turn")):
            places = places[np.argsort(emotions, kind="stable")]
        if kind == "one emotion":
            yield from (places[emotions == one] for one in sorted(set(emotions)))
        else:
            yield from np.array_split(places, max(1, len(places) // size))


def speed(folder: Path, real: Path) -> None:
    """Print how many seconds of video a second of work reads: the cascade, then UltraFace and mini-XCEPTION."""
    from mmsdk_recipe_emotion.running import Plan, read_source

    video = folder / "two.mp4"
    write_two_faces(video)
    models = real / "models"
    onnx = {
        "detector": models / "ultraface-onnx" / "version-RFB-320.onnx",
        "face": f"onnx:{models / 'fer-mini-xception-onnx' / 'fer_mini_xception.onnx'}#embedding",
        "pixels": "signed",
    }
    for name, settings, rates in (("cascade, face-shape", {}, (5, 25)), ("UltraFace, mini-XCEPTION", onnx, (5, 25))):
        run = folder / name.replace(" ", "-")
        _fit_sample(run, settings)
        app = mmsdk.load(run, quiet=True)
        for fps in rates:
            plan = Plan(window=2.0, hop=0.5, fps=fps)
            before, started = time.process_time(), time.perf_counter()
            read_source(app, video, video.name, plan, lambda _: None)
            cpu, wall = time.process_time() - before, time.perf_counter() - started
            print(
                f"{name}, {fps:2d} of 25 frames a second: {SECONDS} s of video in {cpu:.1f} CPU s of one thread "
                f"({SECONDS / cpu:.1f} x real time); {wall:.0f} s by the clock",
                flush=True,
            )
        app.close()


def _fit_sample(run: Path, settings: dict[str, Any]) -> None:
    """Fit the recipe on its own sample, quickly: what is timed does not depend on what was learned."""
    from mmsdk_recipe_emotion.sample import write_sample

    words = {"target": "expression", "group": "actor", "id": "clip", **settings}
    words |= {"training.epochs": 1, "confidence.source": "validation"}
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), 0)
        table = Path(folder) / "clips.csv"
        changes = [part for key, value in words.items() for part in ("--set", f"{key}={value}")]
        command = [sys.executable, "-m", "mmsdk", "recipe", "emotion", "--data", str(table), "--out", str(run)]
        subprocess.run([*command, "--quiet", *changes], check=True, stdout=subprocess.DEVNULL)


def write_two_faces(path: Path) -> None:
    """Write ten seconds of 640 x 360 at 25 frames: one photograph of a face, twice, that sways, and a buzzing voice."""
    from fractions import Fraction

    import av
    from PIL import Image
    from skimage import data

    face = np.asarray(Image.fromarray(data.astronaut()).resize((360, 360)))[:, :300]
    at = np.arange(SECONDS * 16_000) / 16_000
    voice = (0.3 * np.sin(2 * np.pi * 140 * at) * np.abs(np.sin(6 * at))).astype(np.float32)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 640, 360, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(25 * SECONDS):
            frame, sway = np.full((360, 640, 3), 60, np.uint8), round(8 * np.sin(number / 12))
            frame[:, 10 + sway : 310 + sway], frame[:, 330:630] = face, face[:, ::-1]
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(picture.encode())
        block = av.AudioFrame.from_ndarray(voice[None], format="fltp", layout="mono")
        block.sample_rate, block.time_base, block.pts = 16_000, Fraction(1, 16_000), 0
        container.mux(sound.encode(block))
        container.mux(sound.encode())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("accuracy", "more", "within", "speed"))
    parser.add_argument("--keep", type=Path, help="JSON file of the folds that are done, to go on from")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder) / "folds.json"
        if arguments.only in (None, "accuracy"):
            accuracy(real, keep, [PLAIN])
        if arguments.only in (None, "more"):
            accuracy(real, keep, [FACES, VOICE])
        if arguments.only in (None, "within"):
            within(real, keep)
        if arguments.only in (None, "speed"):
            speed(Path(folder), real)


if __name__ == "__main__":
    main()
