"""One quick run, fitted once on a small part of the sample, and one video, read once; for reading only."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from emotion_clips import RATE, buzz, write

import mmsdk

PEOPLE, TAKES = 4, 1
QUICK = {
    "training": {"epochs": 3},
    "split": {"group": "actor", "validation": 0.25, "test": 0.25},
    "confidence": {"source": "validation"},
    "fusion": {"dim": 32},
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def real():
    """Return the folder with real weights, or skip."""
    folder = os.environ.get("MMSDK_REAL")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MMSDK_REAL names no folder of real data (it lies beside the project on development machines)")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Return a folder with a small sample: sixteen clips of four people."""
    from mmsdk_recipe_emotion import sample

    folder = tmp_path_factory.mktemp("few")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "PEOPLE", PEOPLE)
        patch.setattr(sample, "TAKES", TAKES)
        sample.write_sample(folder, 0)
    return folder


@pytest.fixture(scope="session")
def run(few, tmp_path_factory):
    """Return a run of the small sample."""
    from mmsdk_recipe_emotion import SPEC
    from mmsdk_recipe_emotion.recipe import Emotion

    folder = tmp_path_factory.mktemp("runs") / "emotion"
    settings = {**SPEC.defaults, "target": "expression", "group": "actor", "id": "clip"}
    application = {**Emotion().application(few / "clips.csv", settings), **QUICK}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("session-cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
        mmsdk.fit(application, out=folder, quiet=True).close()
    return folder


@pytest.fixture(scope="session")
def own_app(few, tmp_path_factory):
    """Return a run of the small sample that measures people against themselves."""
    from mmsdk_recipe_emotion import SPEC
    from mmsdk_recipe_emotion.recipe import Emotion

    settings = {**SPEC.defaults, "target": "expression", "group": "actor", "id": "clip", "within": True}
    application = {**Emotion().application(few / "clips.csv", settings), **QUICK}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("session-cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
        opened = mmsdk.fit(application, out=tmp_path_factory.mktemp("runs") / "own", quiet=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def app(run):
    """Return the run, loaded."""
    opened = mmsdk.load(run, quiet=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Return nine seconds: two faces, one face, black; a voice, silence from 3 to 6, a voice."""
    voice = np.concatenate([buzz(3), np.zeros(3 * RATE, np.float32), buzz(3)])
    return write(tmp_path_factory.mktemp("videos") / "a & b.mp4", [(3, 2), (3, 1), (3, -1)], voice)


@pytest.fixture(scope="session")
def timeline(app, video):
    """Return the timeline of the video."""
    from mmsdk_recipe_emotion.running import Plan, read_source

    return read_source(app, video, video.name, Plan(window=2.0, hop=0.5, fps=4.0), lambda _: None)


@pytest.fixture
def rows(few):
    """Return the rows of the small sample."""
    with (few / "clips.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
