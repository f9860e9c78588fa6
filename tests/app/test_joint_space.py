"""``fusion: joint``: encoders of one space need no training, and a text finds rows that have none."""

from __future__ import annotations

import numpy as np
import pytest

import mmsdk
from mmsdk.testing.fakes import installed, write_distribution

NO_PAGES = True  # see tests/conftest.py

PLUGIN = '''
    """One space for colours written as words and for colours written as numbers."""

    import numpy as np

    from mmsdk import EncoderSpec, ModalitySpec, hookimpl

    WORDS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0), "grey": (1, 1, 1)}


    class Colour:
        def decode(self, cell):
            return None if cell[0] is None else np.array([float(one) for one in str(cell[0]).split()], np.float32)


    class Colours:
        dim = 3

        def __init__(self, brightness=1.0):
            self.brightness = brightness

        def space(self):
            return f"colours {self.brightness}"

        def encode(self, batch, modality):
            if modality == "text":
                batch = [np.sum([WORDS.get(word, (0, 0, 0)) for word in text.split()], axis=0) for text in batch]
            return np.array(batch, np.float32).reshape(-1, 3) * self.brightness


    @hookimpl
    def mmsdk_modalities():
        yield ModalitySpec(name="colour", target="mmsdk_colours:Colour", sample="float32 (3,)", cells="r g b")


    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(name="colours", modalities=("colour", "text"), dim=3, target="mmsdk_colours:Colours")
'''

ROWS = [
    {"sku": "a", "rgb": "0.9 0.1 0.0", "name": "red"},
    {"sku": "b", "rgb": "0.1 0.8 0.1", "name": "green"},
    {"sku": "c", "rgb": "0.0 0.2 0.9", "name": "blue"},
    {"sku": "d", "rgb": "0.8 0.9 0.1", "name": "yellow"},
]
PAINT = {"column": "rgb", "modality": "colour", "encoder": "colours"}


@pytest.fixture(scope="module", autouse=True)
def colours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colours")
    write_distribution(folder, "mmsdk-colours", modules={"mmsdk_colours": PLUGIN})
    with installed(folder):
        yield


def fitted(folder, **changes):
    described = {"id": "sku", "inputs": {"paint": PAINT}, "fusion": {"type": "joint"}, **changes}
    return mmsdk.fit(described, ROWS, folder, device="cpu", quiet=True)


def test_a_text_finds_a_colour_without_training(tmp_path):
    app = fitted(tmp_path / "run")
    assert app.document["training"]["epochs"] == 0
    assert app.application.fusion.dim == 3
    hits = app.search({"text": "red green"}, k=4)
    assert hits[0].id == "d"
    wanted, given = np.array([1, 1, 0]), np.array([0.8, 0.9, 0.1])
    cosine = wanted @ given / np.linalg.norm(wanted) / np.linalg.norm(given)
    assert hits[0].score == pytest.approx(cosine, abs=2e-3)
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    assert [hit.id for hit in again.search({"text": "blue"}, k=1)] == ["c"]
    assert [hit.id for hit in again.search({"paint": "0 1 0"}, k=1)] == ["b"]


def test_the_command_line_searches_by_text_too(tmp_path, capsys):
    from mmsdk.cli.shell import run

    fitted(tmp_path / "run").close()
    capsys.readouterr()
    assert run(["search", str(tmp_path / "run"), "--text", "green", "-k", "1", "--json"]) == 0
    assert '"id": "b"' in capsys.readouterr().out


def test_rows_can_be_added_and_both_inputs_are_averaged(tmp_path):
    both = {"paint": PAINT, "name": {"column": "name", "modality": "text", "encoder": "colours"}}
    app = fitted(tmp_path / "run", inputs=both)
    app.index.add([{"sku": "e", "name": "grey"}])
    assert app.search({"paint": "1 1 1"}, k=1)[0].id == "e"
    (vector,) = app.embed([{"paint": "3 0 0", "name": "blue"}])
    assert np.allclose(vector, [0.5, 0, 0.5], atol=1e-3)


def test_a_task_learns_its_head_alone(tmp_path):
    rows = [
        {**row, "sku": f"{row['sku']}{n}", "warm": str(row["name"] in ("red", "yellow"))}
        for n in range(12)
        for row in ROWS
    ]
    described = {
        "id": "sku",
        "inputs": {"paint": PAINT},
        "fusion": {"type": "joint"},
        "tasks": {"warm": {"column": "warm", "type": "classification"}},
        "training": {"epochs": 40, "learning_rate": 0.05},
    }
    app = mmsdk.fit(described, rows, tmp_path / "run", device="cpu", quiet=True)
    answers = app.predict([{"paint": "1 0 0"}, {"paint": "0 0 1"}])
    assert [one.outputs["warm"].value for one in answers] == ["True", "False"]


@pytest.mark.parametrize(
    "other",
    [
        {"column": "name", "modality": "text", "encoder": "ngrams"},
        {"column": "name", "modality": "text", "encoder": "colours", "options": {"brightness": 2.0}},
    ],
)
def test_encoders_of_two_spaces_are_refused(tmp_path, other):
    with pytest.raises(mmsdk.ConfigError, match="needs inputs whose encoders share one space"):
        fitted(tmp_path / "run", inputs={"paint": PAINT, "name": other})


def test_joint_encoders_may_be_whitened_and_stay_one_space(tmp_path):
    """``align: whitening`` makes no space of two, but where there is one it stays one; a query needs its own map."""
    both = {"paint": PAINT, "name": {"column": "name", "modality": "text", "encoder": "colours"}}
    rows = [{**row, "sku": f"{row['sku']}{n}"} for n in range(6) for row in ROWS]
    described = {"id": "sku", "inputs": both, "fusion": "joint", "align": "whitening"}
    app = mmsdk.fit(described, rows, tmp_path / "run", device="cpu", quiet=True)
    assert app.application.fusion.dim == 3
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    assert [hit.id[0] for hit in again.search({"name": "blue"}, k=3)] == ["c"] * 3
    lone = {**described, "inputs": {"paint": PAINT, "more": PAINT}}
    app = mmsdk.fit(lone, rows, tmp_path / "lone", device="cpu", quiet=True)
    again = mmsdk.load(tmp_path / "lone", device="cpu", quiet=True)
    with pytest.raises(mmsdk.DataError, match="text"):
        again.search({"text": "blue"})
