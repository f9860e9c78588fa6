"""A run means the components it was made with, whatever is installed beside them or in another version by now."""

from __future__ import annotations

import shutil

import pytest

import mmsdk
from mmsdk.app.crossed import read_crossed
from mmsdk.testing import installed, write_distribution

NO_PAGES = True  # see tests/conftest.py

DECLARED = """
    from mmsdk import (
        AlignerSpec, EncoderSpec, FusionSpec, IndexSpec, ModalitySpec, TaskSpec, TrainableSpec, hookimpl
    )

    OWN = {own}  # else nothing stands behind the names

    def target(name):
        return name if OWN else "twin_plugin:Nothing"

    @hookimpl
    def mmsdk_modalities():
        yield ModalitySpec(
            name="series", target=target("probe_parts:Series"), sample="float32 (t,)", cells="numbers",
            default_encoder="length",
        )
        if not OWN:
            yield ModalitySpec(name="text", target=target(""), sample="str", cells="texts")

    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(
            name="steps", modalities=("series",), dim=2, output="sequence", target=target("probe_parts:Steps")
        )
        yield EncoderSpec(name="length", modalities=("series",), dim=2, target=target("probe_parts:Length"))

    @hookimpl
    def mmsdk_trainables():
        yield TrainableSpec(name="own-tcn", target=target("mmsdk.trainable.each:EachStep"))

    @hookimpl
    def mmsdk_aligners():
        yield AlignerSpec(name="own-ridge", target=target("mmsdk.align.ridge:RidgeAligner"))

    @hookimpl
    def mmsdk_fusions():
        yield FusionSpec(name="own-concat", target=target("mmsdk.fusion.concat:ConcatFusion"))

    @hookimpl
    def mmsdk_tasks():
        yield TaskSpec(name="own-number", target=target("mmsdk.tasks.regression:Regression"))

    @hookimpl
    def mmsdk_indexes():
        yield IndexSpec(name="own-flat", target=target("mmsdk.index.flat:FlatIndex"))
"""
PARTS = """
    import numpy as np

    from mmsdk import Sequence

    class Series:
        def decode(self, cell):
            return None if cell[0] is None else np.array([float(part) for part in cell[0].split()], np.float32)

        def fingerprint(self):
            return "one"

    class Steps:
        dim = 2

        def encode(self, batch, modality):
            assert modality == "series"
            return [
                Sequence(values=np.stack([one, one**2], 1), times=np.arange(len(one), dtype=np.float64))
                for one in batch
            ]

        def fingerprint(self):
            return "steps"

    class Length:
        dim = 2

        def encode(self, batch, modality):
            assert modality == "series"
            return np.array([[len(one), one.mean()] for one in batch], np.float32)

        def fingerprint(self):
            return "length"
"""
ROWS = [
    {
        "id": f"m{number}",
        "track": " ".join(str(number % 7 + step) for step in range(2 + number % 3)),
        "note": ["a", "b", "c"][number % 3],
        "wear": number % 7,
        "part": ("train", "train", "val", "test")[number % 4],
    }
    for number in range(40)
]
APPLICATION = {
    "id": "id",
    "inputs": {
        "track": {"column": "track", "modality": "series", "encoder": "steps", "trainable": {"type": "own-tcn"}},
        "length": {"column": "track", "modality": "series"},
        "note": {"column": "note", "modality": "text", "encoder": "ngrams"},
    },
    "align": {"type": "own-ridge", "inputs": ["length", "note"]},
    "tasks": {"wear": {"column": "wear", "type": "own-number"}},
    "split": {"column": "part"},
    "fusion": {"type": "own-concat", "dim": 16, "members": 2},
    "index": {"type": "own-flat"},
    "training": {"epochs": 1},
    "confidence": {"source": "validation"},
}


def write_probe(site, version="0.1.0", parts=PARTS):
    modules = {"probe_plugin": DECLARED.format(own=True), "probe_parts": parts}
    write_distribution(site, "mmsdk-probe", modules=modules, version=version)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with a component of a plugin of every kind, and what it answered; for reading only."""
    folder = tmp_path_factory.mktemp("probe")
    write_probe(folder / "site")
    with pytest.MonkeyPatch.context() as patch, installed(folder / "site"):
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        app = mmsdk.fit(APPLICATION, ROWS, folder / "run", device="cpu", quiet=True)
        crossed = mmsdk.cross_validate(APPLICATION, ROWS, folds=2, device="cpu", quiet=True)
        crossed.save(folder / "crossed.json")
        answered = [one.outputs["wear"].value for one in app.predict(ROWS[:3])]
        app.close()
    return folder, answered


@pytest.fixture
def beside(made, tmp_path):
    """The plugin, its run of the test's own, and a second plugin that declares all its names, and nothing behind."""
    write_probe(tmp_path / "site")
    write_distribution(tmp_path / "site", "mmsdk-twin", modules={"twin_plugin": DECLARED.format(own=False)})
    shutil.copytree(made[0] / "run", tmp_path / "run")
    with installed(tmp_path / "site"):
        yield tmp_path / "run"


def test_a_second_plugin_of_the_same_names_breaks_no_run(beside, made):
    with pytest.raises(mmsdk.PluginError, match="2 plugins declare an aligner named 'own-ridge'"):
        mmsdk.fit(APPLICATION, ROWS, quiet=True)
    app = mmsdk.load(beside, quiet=True)
    assert [one.outputs["wear"].value for one in app.predict(ROWS[:3])] == made[1]
    assert len(app.search(ROWS[0], k=3)) == 3
    assert app.index.add([{**ROWS[0], "id": "new"}])
    app.index.save()
    assert app.index.info()["fused"]["type"] == "probe/own-flat"
    assert mmsdk.evaluate(app, ROWS)["wear"]["test"]
    assert app.application.align.type == "probe/own-ridge"  # for whoever fits it again
    app.close()


def test_a_saved_cross_validation_keeps_its_task(beside, made):
    (task,) = read_crossed(made[0] / "crossed.json").targets.values()
    assert type(task.task).__name__ == "Regression"


def test_a_modality_may_be_named_with_its_plugin(beside, tmp_path):
    names = {"fusion": {"type": "concat"}, "index": {"type": "flat"}, "align": None}
    inputs = {
        "length": {"column": "track", "modality": "probe/series", "encoder": "probe/length"},
        "note": {"column": "note", "modality": "text/text", "encoder": "ngrams"},
    }
    tasks = {"wear": {"column": "wear", "type": "regression"}}
    app = mmsdk.fit({**APPLICATION, **names, "inputs": inputs, "tasks": tasks}, ROWS, tmp_path / "named", quiet=True)
    assert app.predict(ROWS[:1])[0].modalities_used == ("length", "note")
    with pytest.raises(mmsdk.DataError, match="is a list of 2, where a text is expected"):
        app.predict([{"note": ["a", "b"]}])
    app.close()


@pytest.fixture
def upgraded(made, tmp_path):
    """Ask for the run with the plugin in another version, whose parts may be others."""

    def load(version, parts=PARTS):
        write_probe(tmp_path / version, version, parts)
        with installed(tmp_path / version):
            mmsdk.load(made[0] / "run").close()

    return load


def test_another_version_is_said(upgraded, made, capsys):
    upgraded("0.1.0")
    assert capsys.readouterr().err == ""
    upgraded("0.2.0")
    assert capsys.readouterr().err == (
        f"{made[0] / 'run'} was made with mmsdk-probe 0.1.0, and 0.2.0 is installed here: answers may differ; "
        "pip install mmsdk-probe==0.1.0, or fit again\n"
    )


def test_a_modality_that_reads_otherwise_is_refused(upgraded, made):
    with pytest.raises(mmsdk.EncoderError) as caught:
        upgraded("0.2.0", PARTS.replace('"one"', '"two"'))
    assert str(caught.value) == (
        f"{made[0] / 'run'}: input 'track' was read by modality 'series' as it was then, and that of "
        "probe (mmsdk-probe 0.2.0) here makes other samples; install the one it was made with, or fit again"
    )
