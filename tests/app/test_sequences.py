"""Sequences in an application: pooled, or read by a trainable that is saved with the run; decode options act."""

from __future__ import annotations

import numpy as np
import pytest

import mmsdk
from mmsdk.testing.fakes import installed, write_distribution

NO_PAGES = True  # see tests/conftest.py

PLUGIN = '''
    """A series of numbers as text, and an encoder that answers one step a number."""

    import numpy as np

    from mmsdk import EncoderSpec, ModalitySpec, Sequence, hookimpl


    class Series:
        def __init__(self, separator=" "):
            self.separator = separator

        def decode(self, cell):
            if cell[0] is None or not str(cell[0]).strip():
                return None
            try:
                return np.array([float(part) for part in str(cell[0]).split(self.separator)], np.float32)
            except ValueError:
                raise ValueError("holds what is no number") from None


    class Steps:
        dim = 2

        def encode(self, batch, modality):
            return [
                Sequence(
                    values=np.stack([one, np.ones_like(one)], 1)[: 0 if one[0] == 99 else None],
                    times=np.arange(0 if one[0] == 99 else len(one), dtype=np.float64),
                )
                for one in batch
            ]


    @hookimpl
    def mmsdk_modalities():
        yield ModalitySpec(
            name="series", target="mmsdk_series:Series", sample="float32 (t,)", cells="numbers", default_encoder="steps"
        )


    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(name="steps", modalities=("series",), dim=2, output="sequence", target="mmsdk_series:Steps")
'''


@pytest.fixture(scope="module", autouse=True)
def series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    write_distribution(folder, "mmsdk-series", modules={"mmsdk_series": PLUGIN})
    with installed(folder):
        yield


def rows(count=120):
    """Rising or falling series of some length; mean and spread tell nothing of which."""
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        track = np.sort(random.normal(size=int(random.integers(4, 12))))
        up = number % 2 == 0
        text = " ".join(f"{one:.3f}" for one in (track if up else track[::-1]))
        part = ("train", "train", "val", "test")[number // 2 % 4]
        found.append({"track": text, "way": "up" if up else "down", "part": part})
    return found


def application(**entry):
    return {
        "inputs": {"track": {"column": "track", "modality": "series", **entry}},
        "tasks": {"way": {"column": "way", "type": "classification"}},
        "split": {"column": "part"},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 15, "batch_size": 16},
        "confidence": {"source": "validation"},
    }


def brief(**entry):
    """Return an application of which only its keys are asked, not how good it is."""
    return {**application(**entry), "training": {"epochs": 2, "batch_size": 16}}


@pytest.fixture(scope="module")
def plain(series, tmp_path_factory):
    """The run without a key about sequences; for reading only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        app = mmsdk.fit(brief(), rows(40), tmp_path_factory.mktemp("plain") / "run", device="cpu", quiet=True)
    yield app
    app.close()


def accuracy(app):
    document = mmsdk.evaluate(app, [{**row, "part": "test"} for row in rows(400)[200:]])
    return document["way"]["test"]["accuracy"]["value"]


def test_only_a_trainable_sees_the_order(tmp_path):
    pooled = mmsdk.fit(application(), rows(), tmp_path / "pooled", device="cpu", quiet=True)
    assert accuracy(pooled) < 0.7
    for kind in ("tcn", "transformer"):
        app = mmsdk.fit(application(trainable={"type": kind}), rows(), tmp_path / kind, device="cpu", quiet=True)
        assert accuracy(app) > 0.9, kind
        again = mmsdk.load(tmp_path / kind, device="cpu", quiet=True)
        asked = [{"track": "1 2 3"}, {"track": "3 2 1"}, {"track": None}, {"track": "99"}]
        assert np.array_equal(app.embed(asked), again.embed(asked))
        used = [one.modalities_used for one in again.predict(asked)]
        assert used == [("track",), ("track",), (), ()]  # a sequence without a step is a missing input
        assert again.predict([{"track": "1 2 3"}])[0].outputs["way"].value == "up"


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": "ends"},
        {"pool": "max"},
        {"pool": "mean-std"},
        {"trainable": {"type": "tcn", "steps": 3}},
        {"trainable": {"type": "tcn", "options": {"channels": 8}}},
    ],
    ids=str,
)
def test_every_key_about_sequences_acts(plain, tmp_path, changes):
    other = mmsdk.fit(brief(**changes), rows(40), tmp_path / "other", device="cpu", quiet=True)
    assert not np.allclose(plain.embed([{"track": "1 2"}]), other.embed([{"track": "1 2"}]))


def test_options_of_decoding_act(plain, tmp_path):
    commas = [{**row, "track": row["track"].replace(" ", ",")} for row in rows(40)]
    other = mmsdk.fit(brief(decode={"separator": ","}), commas, tmp_path / "other", device="cpu", quiet=True)
    assert np.array_equal(plain.embed([{"track": "1 2"}]), other.embed([{"track": "1,2"}]))
    with pytest.raises(mmsdk.DataError, match="holds what is no number"):
        other.embed([{"track": "1 2"}])


def test_steps_of_a_trainable_act(tmp_path):
    few, many = (
        mmsdk.fit(
            brief(trainable={"type": "tcn", "steps": steps}),
            rows(40),
            tmp_path / str(steps),
            device="cpu",
            quiet=True,
        )
        for steps in (2, 16)
    )
    assert few.document["inputs"]["track"]["dim"] == 2 * 3
    assert many.document["inputs"]["track"]["dim"] == 16 * 3


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        ({"decode": {"seperator": ","}}, mmsdk.EncoderError, "decode: no option named 'seperator'. Did you mean 'sep"),
        ({"trainable": "gru"}, mmsdk.PluginError, "no trainable named 'gru'"),
        (
            {"trainable": {"type": "tcn", "options": {"chanels": 8}}},
            mmsdk.ConfigError,
            "trainable.options: Tcn takes no option named 'chanels'. Did you mean 'channels'",
        ),
        ({"pool": "median"}, mmsdk.ConfigError, "inputs.track.pool"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, entry, error, message):
    if entry.get("trainable") == "gru":
        entry = {"trainable": {"type": "gru"}}
    with pytest.raises(error, match=message):
        mmsdk.fit(application(**entry), rows(), tmp_path / "run", device="cpu", quiet=True)


@pytest.mark.parametrize("entry", [{"trainable": {"type": "tcn"}}, {"pool": "max"}])
def test_keys_about_sequences_are_refused_where_there_is_none(tmp_path, entry):
    described = {
        **application(),
        "inputs": {"way2": {"column": "track", "modality": "text", "encoder": "ngrams", **entry}},
    }
    with pytest.raises(mmsdk.EncoderError, match="is about sequences, and encoder 'ngrams'"):
        mmsdk.fit(described, rows(), tmp_path / "run", device="cpu", quiet=True)


def test_a_fusion_that_asks_for_steps_gets_them(tmp_path):
    """Projected steps alone keep no order; a fusion that reads them does, by itself and after it was saved."""
    steps = {"trainable": {"type": "steps", "steps": 12}}
    pooled = mmsdk.fit(application(**steps), rows(), tmp_path / "gated", device="cpu", quiet=True)
    assert accuracy(pooled) < 0.7
    described = {**application(**steps), "fusion": {"type": "convolution", "dim": 64, "members": 2}}
    app = mmsdk.fit(described, rows(), tmp_path / "run", device="cpu", quiet=True)
    assert accuracy(app) > 0.9
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    asked = [{"track": "1 2 3"}, {"track": "3 2 1"}, {"track": None}, {"track": "99"}]
    assert np.array_equal(app.embed(asked), again.embed(asked))
    assert np.array_equal(app.embed(asked[2:3]), app.embed(asked[3:4]))
    assert np.allclose(app.embed(asked)[:1], app.embed(asked[:1]), atol=1e-6)


def two_tracks():
    """Rows whose answer is whether two tracks have their peak in the same place; each peak may be anywhere."""
    random = np.random.default_rng(0)
    found = []
    for number in range(200):
        first = int(random.integers(10))
        same = number % 2 == 0
        second = first if same else (first + int(random.integers(3, 8))) % 10
        tracks = [" ".join("3" if place == peak else "0" for place in range(10)) for peak in (first, second)]
        part = ("train", "train", "val", "test")[number // 2 % 4]
        found.append({"a": tracks[0], "b": tracks[1], "same": "yes" if same else "no", "part": part})
    return found


def test_two_sequences_are_read_on_one_clock(tmp_path):
    described = {
        "inputs": {
            name: {"column": name, "modality": "series", "trainable": {"type": "steps", "steps": 10}} for name in "ab"
        },
        "tasks": {"same": {"column": "same", "type": "classification"}},
        "split": {"column": "part"},
        "fusion": {"type": "convolution", "dim": 32, "members": 2},
        "training": {"epochs": 30, "batch_size": 16},
        "confidence": {"source": "validation"},
    }
    app = mmsdk.fit(described, two_tracks(), tmp_path / "run", device="cpu", quiet=True)
    scored = mmsdk.evaluate(app, [{**row, "part": "test"} for row in two_tracks()])
    assert scored["same"]["test"]["accuracy"]["value"] > 0.85


BOTH = {"track", "other"}


@pytest.mark.parametrize("fusion", ["bottleneck", "transformer", "cross-attention"])
def test_every_fusion_of_steps_fits(tmp_path, fusion, capsys, drawn):
    described = application(trainable={"type": "steps", "steps": 6})
    described["inputs"]["other"] = {"column": "way2", "modality": "text", "encoder": "ngrams"}
    described |= {"fusion": {"type": fusion, "dim": 16, "members": 2}}
    described["training"] = {"epochs": 1, "mixup": 0.4, "unimodal": {"track": 0.5}}
    table = [{**row, "way2": f"word {number % 3}"} for number, row in enumerate(rows(60))]
    app = mmsdk.fit(described, table, tmp_path / "run", device="cpu")
    assert np.isfinite(app.embed([{"track": "1 2"}, {"other": "word 1"}, {}])).all()
    words = {"cross-attention": {"attention of track": {"other"}}, "transformer": {"attention of the summary": BOTH}}
    looked = app.explain({"track": "1 2", "way2": "word 1"}, evidence=False).attention
    assert {one.name: set(one.weights) for one in looked} == words.get(fusion, {})
    told = {"strength": pytest.approx(1.0)} if fusion == "cross-attention" else {}
    assert app.document["readings"] == told
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert ("cross-attention, strength 1" in page) is bool(told)
    assert ("cross-attention: strength 1" in capsys.readouterr().err) is bool(told)
